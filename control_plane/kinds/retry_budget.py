"""`retryBudget`: how many retries a Service gets at most from each client."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kinds import checks
from control_plane.kinds.meta import Strict
from mesh_policy.errors import Violation

MAX_PER_SECOND = 1_000_000


class RetryBudgetSpec(Strict, frozen=True, kw_only=True):
    """A share of the requests of the last `interval`, and a floor."""

    percent: float = 25.0
    min_per_second: float = 10.0
    """Retries that are always allowed."""
    interval: str = "10s"


def violations(at: str, budget: RetryBudgetSpec | None) -> Iterator[Violation]:
    """What is malformed."""
    if budget is None:
        return
    yield from checks.percentage(f"{at}.percent", budget.percent)
    if not 0 <= budget.min_per_second <= MAX_PER_SECOND:
        yield Violation(
            f"{at}.minPerSecond",
            f"{budget.min_per_second:g} is out of range: use 0 to {MAX_PER_SECOND:,} (0: no floor)",
        )
    yield from checks.duration(f"{at}.interval", budget.interval, "1s", "1h")
