"""How much one client sends at the same time."""

from __future__ import annotations

from control_plane.compile.circuit import circuit
from mesh_policy.snapshot import Circuit
from tests.support.policies import on_api, over_mesh


def test_limits_are_those_of_the_nearest_policy_alone() -> None:
    assert circuit(*over_mesh({})) is None
    assert circuit(*on_api(circuit={"maxPending": 0})) == Circuit(max_pending=0)
    mesh = {"circuit": {"maxConnections": 5, "maxRequests": 7}}
    assert circuit(*over_mesh(mesh)) == Circuit(max_connections=5, max_requests=7)
    assert circuit(*over_mesh(mesh, circuit={"maxConnections": 9})) == Circuit(max_connections=9)


def test_a_policy_without_a_limit_takes_the_meshs_away() -> None:
    assert circuit(*over_mesh({"circuit": {"maxConnections": 5}}, circuit={})) is None
