"""Policies as they hold for Service `api` of namespace `shop`, and what is wrong with one."""

from __future__ import annotations

import json
from typing import Any

from control_plane.index.policy import PolicyTable, Scope, service_scopes
from control_plane.index.store import Index
from control_plane.kinds.registry import decode, violations
from control_plane.kinds.service import Service
from tests.support.cluster import API_SERVICE, SHOP, a_mesh_config, a_policy, an_index

Json = dict[str, Any]


def on_api(**spec: Any) -> tuple[PolicyTable, tuple[Scope, ...]]:
    """A table with one policy on the Service, and where its port looks."""
    return at_api(an_index(*SHOP, a_policy("p", targets=[API_SERVICE], **spec)))


def over_mesh(mesh: Json, **spec: Any) -> tuple[PolicyTable, tuple[Scope, ...]]:
    """The same beside a MeshConfig; without a policy if `spec` is empty."""
    policy = [a_policy("p", targets=[API_SERVICE], **spec)] if spec else []
    return at_api(an_index(*SHOP, a_mesh_config(**mesh), *policy))


def at_api(index: Index) -> tuple[PolicyTable, tuple[Scope, ...]]:
    """The table of an index, and where the Service's port looks."""
    service = api(index)
    return PolicyTable(index), service_scopes(service, service.tcp_ports[0].name)


def api(index: Index) -> Service:
    """The Service."""
    found = index.service("shop", "api")
    assert found is not None
    return found


def wrong(**spec: Any) -> list[str]:
    """Paths below `spec` of what is wrong with a policy on the Service."""
    obj = decode("TrafficPolicy", json.dumps(a_policy("p", targets=[API_SERVICE], **spec)).encode())
    return [violation.path.removeprefix("spec").removeprefix(".") for violation in violations("TrafficPolicy", obj)]
