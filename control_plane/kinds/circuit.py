"""`circuit`: how much each client sends to a Service at the same time."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kinds import checks
from control_plane.kinds.meta import Strict
from mesh_policy.errors import Violation

MAX_LIMIT = 1_000_000


class CircuitSpec(Strict, frozen=True, kw_only=True):
    """Limits of one client's sidecar. None: no limit."""

    max_connections: int | None = None
    max_pending: int | None = None
    """Requests that wait for a connection; 0: none waits."""
    max_requests: int | None = None
    """Requests under way, the waiting ones included."""


def violations(at: str, circuit: CircuitSpec | None) -> Iterator[Violation]:
    """What is malformed."""
    if circuit is None:
        return
    yield from checks.whole(f"{at}.maxConnections", circuit.max_connections, 1, MAX_LIMIT)
    yield from checks.whole(f"{at}.maxPending", circuit.max_pending, 0, MAX_LIMIT, "none waits")
    yield from checks.whole(f"{at}.maxRequests", circuit.max_requests, 1, MAX_LIMIT)
