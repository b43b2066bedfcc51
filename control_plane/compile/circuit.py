"""How much one client sends to a backend at the same time."""

from __future__ import annotations

from control_plane.index.policy import PolicyTable, Scope
from mesh_policy.snapshot import Circuit


def circuit(policies: PolicyTable, scopes: tuple[Scope, ...]) -> Circuit | None:
    """None: there is no limit, also where a policy takes a wider one's away by naming none."""
    spec = policies.behaviour("circuit", scopes).circuit
    if spec is None:
        return None
    found = Circuit(max_connections=spec.max_connections, max_pending=spec.max_pending, max_requests=spec.max_requests)
    return None if found == Circuit() else found
