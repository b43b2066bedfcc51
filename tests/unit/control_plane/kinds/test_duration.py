"""Durations of the Gateway API."""

from __future__ import annotations

import pytest

from control_plane.kinds.duration import duration_seconds


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("2s", 2), ("1m30s", 90), ("1h", 3600), ("1h1m1s1ms", 3661.001)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "2", "2 s", "-2s", "1.5s", "2d", "123456s", "1s1s1s1s1s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        duration_seconds(text)
