"""Limits of a rule's requests."""

from __future__ import annotations

from control_plane.kinds.timeouts import HttpTimeouts, limit_seconds
from mesh_policy.snapshot import Timeouts


def timeouts(spec: HttpTimeouts | None) -> Timeouts | None:
    """None: there is no limit."""
    if spec is None:
        return None
    found = Timeouts(request_seconds=limit_seconds(spec.request), backend_seconds=limit_seconds(spec.backend_request))
    return None if found == Timeouts() else found
