"""`timeouts` of a rule (gateway.networking.k8s.io/v1, HTTPRouteTimeouts) and of a policy."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kinds import checks
from control_plane.kinds.duration import duration_seconds
from control_plane.kinds.meta import Strict
from mesh_policy.errors import Violation
from mesh_policy.timeouts import MAX_SECONDS


class HttpTimeouts(Strict, frozen=True, kw_only=True):
    """Gateway API durations; `0s` is no limit, as if the field were not there."""

    request: str | None = None
    backend_request: str | None = None


class PolicyTimeouts(HttpTimeouts, frozen=True, kw_only=True):
    """Of a TrafficPolicy."""

    idle: str | None = None
    """Longest silence in both directions."""


def policy_violations(at: str, timeouts: PolicyTimeouts | None) -> Iterator[Violation]:
    """What is malformed in a policy's."""
    yield from violations(at, timeouts)
    if timeouts is not None:
        yield from checks.duration(f"{at}.idle", timeouts.idle, "1ms", "24h", "no limit")


def violations(at: str, timeouts: HttpTimeouts | None) -> Iterator[Violation]:
    """What is malformed."""
    if timeouts is None:
        return
    seconds: list[float] = []
    for field, text in (("request", timeouts.request), ("backendRequest", timeouts.backend_request)):
        try:
            seconds.append(limit_seconds(text) or 0.0)
        except ValueError as error:
            yield Violation(f"{at}.{field}", str(error))
            return
        if seconds[-1] > MAX_SECONDS:
            yield Violation(f"{at}.{field}", f"{text} is out of range: use 1ms to 24h, or 0s for no limit")
    request, backend = seconds
    if 0 < request < backend:
        yield Violation(f"{at}.backendRequest", f"{timeouts.backend_request} is longer than request")


def limit_seconds(text: str | None) -> float | None:
    """A limit in seconds; None: there is none.

    Raises:
        ValueError: it is not a duration.
    """
    return None if text is None else duration_seconds(text) or None
