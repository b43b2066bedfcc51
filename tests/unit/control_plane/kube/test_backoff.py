"""Back-off."""

from __future__ import annotations

from control_plane.kube.backoff import Backoff


def test_it_doubles_to_its_cap_and_starts_again() -> None:
    backoff = Backoff(base=0.1, cap=1.0, draw=lambda: 1.0)
    assert [round(backoff.next(), 3) for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    backoff.reset()
    assert backoff.next() == 0.1


def test_jitter_takes_away_at_most_a_half() -> None:
    assert Backoff(base=1.0, draw=lambda: 0.0).next() == 0.5


def test_it_never_overflows() -> None:
    backoff = Backoff(draw=lambda: 1.0)
    assert max(backoff.next() for _ in range(5000)) == 15.0
