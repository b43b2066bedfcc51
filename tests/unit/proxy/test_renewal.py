"""When a certificate is renewed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.identity.renewal import SHORTEST_WAIT_SECONDS, wait_seconds

DAY = 86400.0


def test_at_half_of_its_life() -> None:
    assert wait_seconds(obtained=0, expires=DAY, now=0, draw=0.5) == DAY / 2


def test_at_once_when_it_is_late() -> None:
    assert wait_seconds(obtained=0, expires=DAY, now=DAY * 2, draw=0.5) == SHORTEST_WAIT_SECONDS


@given(st.floats(60, 10 * DAY), st.floats(0, 1))
def test_chance_spreads_it_around_the_half(lifetime: float, draw: float) -> None:
    wait = wait_seconds(obtained=1000.0, expires=1000.0 + lifetime, now=1000.0, draw=draw)
    assert 0.44 * lifetime <= wait <= 0.56 * lifetime
