"""`rateLimit`: how many requests each pod of a Service takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from control_plane.kinds import checks
from control_plane.kinds.meta import Strict
from mesh_policy.errors import Violation

MAX_REQUESTS = 1_000_000


class RateLimitSpec(Strict, frozen=True, kw_only=True):
    """A bucket that `requests` fill again in each `per`."""

    requests: int
    per: str = "1s"
    burst: int = 0
    """So many more at once, after a silence."""
    by: Literal["Workload", "Caller", "Header"] = "Workload"
    """One bucket for all callers of a pod, for each identity, or for each value of a header."""
    header: str | None = None
    """With `by: Header`, and only then."""


def violations(at: str, limit: RateLimitSpec | None) -> Iterator[Violation]:
    """What is malformed."""
    if limit is None:
        return
    yield from checks.whole(f"{at}.requests", limit.requests, 1, MAX_REQUESTS)
    yield from checks.duration(f"{at}.per", limit.per, "1s", "1h")
    yield from checks.whole(f"{at}.burst", limit.burst, 0, MAX_REQUESTS, "none")
    if limit.by == "Header" and limit.header is None:
        yield Violation(f"{at}.header", "is missing: by: Header needs the header's name")
    elif limit.header is not None and limit.by != "Header":
        yield Violation(f"{at}.header", f"has no meaning with by: {limit.by}: use by: Header")
    if limit.header is not None:
        yield from checks.native_name(f"{at}.header", limit.header)
