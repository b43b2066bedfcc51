"""Limits of a rule's requests."""

from __future__ import annotations

from control_plane.index.policy import PolicyTable, Scope
from control_plane.kinds.timeouts import HttpTimeouts, PolicyTimeouts, limit_seconds
from mesh_policy.snapshot import Timeouts


def timeouts(policies: PolicyTable, scopes: tuple[Scope, ...], route: HttpTimeouts | None = None) -> Timeouts | None:
    """Of the route where it says any, and how long silence may be by the nearest policy. None: there is no limit."""
    policy = policies.behaviour("timeouts", scopes).timeouts or PolicyTimeouts()
    spec = policy if route is None else route
    found = Timeouts(
        request_seconds=limit_seconds(spec.request),
        backend_seconds=limit_seconds(spec.backend_request),
        idle_seconds=idle_seconds(policies, scopes),
    )
    return None if found == Timeouts() else found


def idle_seconds(policies: PolicyTable, scopes: tuple[Scope, ...]) -> float | None:
    """How long silence may be, also on a connection of bytes. None: there is no limit of its own."""
    policy = policies.behaviour("timeouts", scopes).timeouts or PolicyTimeouts()
    return limit_seconds(policy.idle)
