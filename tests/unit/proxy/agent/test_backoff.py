"""Waits between attempts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.agent.backoff import CONTROL_PLANE, PROCESS, Backoff


def test_it_doubles_up_to_the_longest() -> None:
    waits = [Backoff(0.2, 1.0, jitter=0.0).wait_seconds(failures, 0.9) for failures in range(1, 6)]
    assert waits == [0.2, 0.4, 0.8, 1.0, 1.0]


@given(st.integers(1, 10**9), st.floats(0, 1))
def test_it_is_never_longer_than_the_longest_nor_nothing(failures: int, draw: float) -> None:
    assert 0.1 <= CONTROL_PLANE.wait_seconds(failures, draw) <= 15.0


def test_the_first_restart_of_a_process_is_soon() -> None:
    assert PROCESS.wait_seconds(1, 0.0) == 0.05
