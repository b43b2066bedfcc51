"""Durations as the Gateway API writes them (GEP-2257)."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(?:\d{1,5}(?:h|m|s|ms)){1,4}\Z")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def duration_seconds(text: str) -> float:
    """A Gateway API duration (GEP-2257) in seconds.

    Raises:
        ValueError: it is not one to four groups of at most five digits and a unit of h, m, s, ms.
    """
    if not _DURATION.match(text):
        raise ValueError(f"{text!r} is not a duration: use groups like 1h, 30m, 10s, 250ms")
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|h|m|s)", text))
