"""What a workload can call."""

from __future__ import annotations

from control_plane.compile.outbound import Shared, outbound
from control_plane.index.store import Index
from mesh_policy.snapshot import Outbound
from tests.support.cluster import SHOP, SLOW, a_policy, a_route, a_service, an_index, to


def compiled(index: Index, namespace: str = "shop") -> Outbound:
    return outbound(index, Shared(index), namespace, "auto")


def test_every_service_port_is_a_frontend_with_its_backend() -> None:
    found = compiled(an_index(*SHOP))
    assert [(f.name, f.addresses, f.port, f.backend) for f in found.frontends] == [
        ("shop/api/80", ("10.96.0.10",), 80, "shop/api/80"),
        ("shop/web/80", ("10.96.0.11",), 80, "shop/web/80"),
    ]
    assert [backend.name for backend in found.backends] == ["shop/api/80", "shop/web/80"]


def test_a_headless_service_is_a_backend_without_a_frontend() -> None:
    found = compiled(an_index(*SHOP, a_service("db", "None", {"port": 5432})))
    assert "shop/db/5432" not in [frontend.name for frontend in found.frontends]
    assert "shop/db/5432" in [backend.name for backend in found.backends]


def test_a_route_that_names_the_port_says_that_it_is_http() -> None:
    def protocol(**parent: int) -> str:
        service = a_service("api", "10.96.0.10", {"port": 8000})
        route = a_route("r", "api", {"backendRefs": [to("api", 8000)]}, parent=parent)
        return compiled(an_index(*SHOP, service, route)).frontends[0].protocol

    assert protocol(port=8000) == "http"
    assert protocol() == "detect"


def test_faults_of_a_service_need_the_worker() -> None:
    policy = a_policy("p", SLOW, targets=[{"group": "", "kind": "Service", "name": "api"}])
    api, web = compiled(an_index(*SHOP, policy)).frontends
    assert api.rule is not None and [fault.name for fault in api.rule.faults] == ["slow"]
    assert (api.engine, web.engine) == ("python", "native")
    assert api.engine_reason == "what policies say (faults) runs in the worker"


def test_faults_do_not_reach_a_port_that_is_not_http() -> None:
    policy = a_policy("p", SLOW, targets=[{"group": "", "kind": "Service", "name": "db"}])
    db = compiled(an_index(*SHOP, policy, a_service("db", "10.96.0.9", {"port": 5432}))).frontends[1]
    assert (db.name, db.rule, db.engine) == ("shop/db/5432", None, "native")
