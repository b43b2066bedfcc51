"""Waiting before another try: exponential, with full jitter, so that replicas do not come back in step."""

from __future__ import annotations

import random
from collections.abc import Callable


class Backoff:
    """Grows with every failure, from `base` to `cap` seconds."""

    def __init__(self, *, base: float = 0.1, cap: float = 15.0, draw: Callable[[], float] = random.random) -> None:
        self._base = base
        self._cap = cap
        self._draw = draw
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait now: a draw between half of and the whole of the present step."""
        step = min(self._cap, self._base * 2.0 ** min(self._failures, 32))
        self._failures += 1
        return step * (0.5 + 0.5 * self._draw())

    def reset(self) -> None:
        """It worked."""
        self._failures = 0
