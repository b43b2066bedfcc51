"""How many retries a destination gets: a share of the original requests of a window that slides, and a floor.

Time is counted in slots, so that memory is bounded. Retries count a slot longer than originals: at any moment the
retries of the last interval are at most what the originals of the same interval allow, never more.
"""

from __future__ import annotations

from mesh_policy.errors import Violation
from mesh_policy.snapshot import RetryBudget

_SLOTS = 20
"""Of an interval. An original request counts for 19 to 20 of them."""
_KEPT = _SLOTS + 1


class Window:
    """The original requests and the retries of one destination.

    Every call takes the time in seconds, of any clock. A clock that goes back is taken to stand still.
    """

    __slots__ = ("_originals", "_originals_in", "_place", "_retries", "_retries_in", "_slot", "_width", "budget")

    def __init__(self, budget: RetryBudget) -> None:
        self.budget = budget
        self._width = budget.interval_seconds / _SLOTS
        self._slot: int | None = None
        """Number of the newest slot. None: nothing has been counted."""
        self._place = 0
        """Of the newest slot in the lists."""
        self._originals = [0] * _KEPT
        self._retries = [0] * _KEPT
        self._originals_in = 0
        """Of all slots but the oldest."""
        self._retries_in = 0
        """Of all slots."""

    def original(self, now: float) -> None:
        """A request is sent for the first time."""
        if self._slot != now // self._width:
            self._move(now)
        self._originals[self._place] += 1
        self._originals_in += 1

    def left(self, now: float) -> int:
        """How many retries may be made now; never below 0."""
        self._move(now)
        return max(0, int(self._allowed()) - self._retries_in)

    def take(self, now: float) -> bool:
        """A retry is about to be made. False: it must not."""
        self._move(now)
        if self._retries_in + 1 > self._allowed():
            return False
        self._retries[self._place] += 1
        self._retries_in += 1
        return True

    def with_budget(self, budget: RetryBudget, now: float) -> Window:
        """A window for another budget. Retries that were made are not forgotten; if the interval is another one, the
        originals are, so that no change of a budget ever adds to it."""
        if budget.interval_seconds == self.budget.interval_seconds:
            self.budget = budget
            return self
        self._move(now)
        changed = Window(budget)
        changed._move(now)
        changed._retries[changed._place] = changed._retries_in = self._retries_in
        return changed

    def _allowed(self) -> float:
        budget = self.budget
        return self._originals_in * budget.percent / 100.0 + budget.min_per_second * budget.interval_seconds

    def _move(self, now: float) -> None:
        """Forget what is too old."""
        slot = int(now // self._width)
        if self._slot is None or slot - self._slot >= _KEPT:
            self._originals, self._retries = [0] * _KEPT, [0] * _KEPT
            self._originals_in = self._retries_in = 0
            self._slot, self._place = slot, slot % _KEPT
        while self._slot < slot:
            self._slot += 1
            self._place = place = self._slot % _KEPT
            self._retries_in -= self._retries[place]
            self._originals[place] = self._retries[place] = 0
            self._originals_in -= self._originals[(self._slot + 1) % _KEPT]  # the oldest one now


def check(budget: RetryBudget, path: str) -> list[Violation]:
    """What types cannot say."""
    limits = {
        "percent": (budget.percent, 0, 100),
        "minPerSecond": (budget.min_per_second, 0, 1_000_000),
        "intervalSeconds": (budget.interval_seconds, 1, 3600),
    }
    found = [
        Violation(f"{path}.{field}", f"{value:g} is not between {low} and {high}")
        for field, (value, low, high) in limits.items()
        if not low <= value <= high
    ]
    if budget.over_status is not None and not 400 <= budget.over_status <= 599:
        found.append(Violation(f"{path}.overStatus", f"{budget.over_status} is not between 400 and 599"))
    return found
