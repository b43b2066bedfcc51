"""How a backend is used."""

from __future__ import annotations

from typing import Any

import msgspec

from control_plane.compile.workload import compile_workload
from mesh_policy.snapshot import Backend
from tests.support.cluster import API_SERVICE, SHOP, a_policy, a_route, a_service, a_subset, an_index, to

POLICY = a_policy(
    "p",
    targets=[API_SERVICE],
    circuit={"maxRequests": 3},
    outlier={},
    loadBalancing={"algorithm": "Random"},
    retryBudget={"percent": 1},
    timeouts={"idle": "1m"},
)


def backends(*more: dict[str, Any]) -> dict[str, Backend]:
    config = compile_workload(an_index(*SHOP, *more), ("shop", "web-1"))
    assert config is not None
    return {backend.name: backend for backend in config.outbound.backends}


def test_a_subset_has_what_its_service_has() -> None:
    subset = to("v1", None, group="mesh.heddle.dev", kind="ServiceSubset")
    route = a_route("r", "api", {"backendRefs": [subset]})
    found = backends(POLICY, a_subset("v1", "api", version="v1"), route)
    whole, part = found["shop/api/80"], found["shop/v1@subset/80"]
    assert whole.circuit is not None and whole.outlier is not None
    for name in ("service", "circuit", "outlier", "balance", "retry_budget", "idle_seconds"):
        assert getattr(part, name) == getattr(whole, name), name
    assert (whole.service, whole.idle_seconds) == ("shop/api", 60.0)
    assert found["shop/web/80"].circuit is None


def test_a_port_may_have_its_own() -> None:
    ports = ({"name": "a", "port": 80}, {"name": "b", "port": 81})
    port = a_policy("q", targets=[{**API_SERVICE, "sectionName": "b"}], circuit={"maxRequests": 9})
    found = backends(a_service("api", "10.96.0.10", *ports), POLICY, port)
    limits = {name: backend.circuit.max_requests for name, backend in found.items() if backend.circuit}
    assert limits == {"shop/api/80": 3, "shop/api/81": 9}


def test_what_no_policy_touches_is_left_out_on_the_wire() -> None:
    plain = msgspec.to_builtins(backends()["shop/web/80"])
    assert plain.keys() == {"name", "service", "protocol", "endpoints"}
