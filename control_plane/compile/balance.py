"""Which endpoint of a backend gets a request."""

from __future__ import annotations

from control_plane.index.policy import PolicyTable, Scope
from control_plane.kinds.balance import HashSpec
from control_plane.kinds.duration import duration_seconds
from mesh_policy.snapshot import Balance, HashOn


def balance(policies: PolicyTable, scopes: tuple[Scope, ...]) -> Balance:
    """The default where no policy says any."""
    spec = policies.behaviour("loadBalancing", scopes).load_balancing
    if spec is None:
        return Balance()
    return Balance(
        algorithm=spec.algorithm,
        hash_on=_hash(spec.hash) if spec.hash else None,
        prefer_zone=spec.locality == "Prefer",
        slow_start_seconds=duration_seconds(spec.slow_start),
    )


def _hash(spec: HashSpec) -> HashOn:
    header = spec.header.lower() if spec.header is not None else None
    return HashOn(header=header, cookie=spec.cookie, address=spec.address)
