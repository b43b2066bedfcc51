"""What an Outlier may say. Who is ejected when, the engine's rule decides: this library has no endpoints."""

from __future__ import annotations

from mesh_policy.errors import Violation
from mesh_policy.snapshot import Outlier

MAX_SECONDS = 86400.0


def check(outlier: Outlier | None, path: str) -> list[Violation]:
    """What types cannot say: ranges."""
    if outlier is None:
        return []
    found: list[Violation] = []
    if outlier.consecutive_errors < 0:
        found.append(Violation(f"{path}.consecutiveErrors", f"{outlier.consecutive_errors} is below 0"))
    if outlier.min_requests < 1:
        found.append(Violation(f"{path}.minRequests", f"{outlier.min_requests} is below 1"))
    for name, percent in (
        ("successRateBelow", outlier.success_rate_below),
        ("maxEjectedPercent", outlier.max_ejected_percent),
        ("panicPercent", outlier.panic_percent),
    ):
        if percent is not None and not 0 <= percent <= 100:
            found.append(Violation(f"{path}.{name}", f"{percent} is not between 0 and 100"))
    for name, seconds in (
        ("intervalSeconds", outlier.interval_seconds),
        ("baseEjectionSeconds", outlier.base_ejection_seconds),
        ("maxEjectionSeconds", outlier.max_ejection_seconds),
    ):
        if not 0 < seconds <= MAX_SECONDS:
            found.append(Violation(f"{path}.{name}", f"{seconds} is not above 0 and at most {MAX_SECONDS:g}"))
    return found
