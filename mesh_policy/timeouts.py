"""How long a rule's requests may take. Source: Gateway API, HTTPRouteTimeouts (GEP-1742)."""

from __future__ import annotations

from mesh_policy.errors import Violation
from mesh_policy.snapshot import Timeouts

MAX_SECONDS = 86_400.0
"""A longer limit is refused: a sidecar's own limits come first."""
STATUS = 504
REQUEST, BACKEND, IDLE = "request-timeout", "backend-timeout", "idle-timeout"
"""Reasons of the answer, in `x-mesh-error`."""


def check_seconds(seconds: float | None, path: str) -> list[Violation]:
    """What is wrong with one limit. None: there is none."""
    if seconds is None or 0 < seconds <= MAX_SECONDS:
        return []
    return [Violation(path, f"{seconds} is not above 0 and at most {MAX_SECONDS:g}")]


def check(timeouts: Timeouts | None, path: str) -> list[Violation]:
    """What types cannot say."""
    if timeouts is None:
        return []
    given = {
        "requestSeconds": timeouts.request_seconds,
        "backendSeconds": timeouts.backend_seconds,
        "idleSeconds": timeouts.idle_seconds,
    }
    found = [one for field, seconds in given.items() for one in check_seconds(seconds, f"{path}.{field}")]
    request, backend = timeouts.request_seconds, timeouts.backend_seconds
    if not found and request is not None and backend is not None and backend > request:
        found.append(Violation(f"{path}.backendSeconds", f"{backend:g} is longer than the whole request's {request:g}"))
    return found
