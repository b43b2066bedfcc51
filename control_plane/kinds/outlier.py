"""`outlier`: when an endpoint that fails is left out for a while."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kinds import checks
from control_plane.kinds.duration import duration_seconds
from control_plane.kinds.meta import Strict
from mesh_policy.errors import Violation

MAX_ERRORS = 1000
MAX_REQUESTS = 1_000_000


class SuccessRate(Strict, frozen=True, kw_only=True):
    """An endpoint is left out when fewer than `below` percent of an interval's requests went well."""

    below: float
    min_requests: int = 20
    """With fewer in the interval the rate says nothing."""


class OutlierSpec(Strict, frozen=True, kw_only=True):
    """`outlier`."""

    consecutive_errors: int = 5
    """Failed connections and 5xx in a row; 0: they do not count."""
    success_rate: SuccessRate | None = None
    interval: str = "10s"
    base_ejection: str = "30s"
    """Of the first time; each one that follows soon is longer by as much."""
    max_ejection: str = "5m"
    max_ejected: float = 50.0
    """Percent of the endpoints."""
    panic: float = 50.0
    """With fewer than this percentage left all are used; 0: never."""


def violations(at: str, outlier: OutlierSpec | None) -> Iterator[Violation]:
    """What is malformed."""
    if outlier is None:
        return
    yield from checks.whole(f"{at}.consecutiveErrors", outlier.consecutive_errors, 0, MAX_ERRORS, "they do not count")
    if outlier.success_rate is not None:
        yield from checks.percentage(f"{at}.successRate.below", outlier.success_rate.below)
        yield from checks.whole(f"{at}.successRate.minRequests", outlier.success_rate.min_requests, 1, MAX_REQUESTS)
    yield from checks.duration(f"{at}.interval", outlier.interval, "1s", "1h")
    wrong = [
        *checks.duration(f"{at}.baseEjection", outlier.base_ejection, "1s", "1h"),
        *checks.duration(f"{at}.maxEjection", outlier.max_ejection, "1s", "24h"),
    ]
    yield from wrong
    if not wrong and duration_seconds(outlier.base_ejection) > duration_seconds(outlier.max_ejection):
        yield Violation(
            f"{at}.maxEjection", f"{outlier.max_ejection} is shorter than baseEjection, {outlier.base_ejection}"
        )
    yield from checks.percentage(f"{at}.maxEjected", outlier.max_ejected)
    yield from checks.percentage(f"{at}.panic", outlier.panic)
