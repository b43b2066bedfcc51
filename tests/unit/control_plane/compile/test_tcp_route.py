"""TCPRoutes and TLSRoutes: where the connections of a frontend go."""

from __future__ import annotations

from control_plane.compile.outbound import Shared, outbound
from mesh_policy.snapshot import Frontend, Target
from tests.support.cluster import (
    SHOP,
    Json,
    a_route,
    a_service,
    a_slice,
    a_subset,
    a_tcp_route,
    a_tls_route,
    an_index,
    to,
)

DB = a_service("db", "10.96.0.20", {"port": 5432})
OTHER = a_service("other", "10.96.0.21", {"port": 5432})


def frontend(name: str, *objects: Json, namespace: str = "shop") -> Frontend:
    index = an_index(*SHOP, DB, OTHER, *objects)
    found = outbound(index, Shared(index), namespace, "auto")
    known = {backend.name for backend in found.backends}
    (one,) = (frontend for frontend in found.frontends if frontend.name == name)
    for rule in one.tcp_routes.rules if one.tcp_routes else ():
        assert {target.backend for target in rule.targets} <= {*known, None}
    return one


def test_shares_of_connections_with_one_that_leads_nowhere() -> None:
    db = frontend("shop/db/5432", a_tcp_route("r", "db", to("db", 5432, weight=9), to("other", 5432), to("gone", 1)))
    assert (db.protocol, db.routes, db.engine) == ("tcp", None, "native")
    assert db.tcp_routes is not None
    (rule,) = db.tcp_routes.rules
    assert (rule.route, rule.name, rule.server_names) == ("TCPRoute/shop/r", "0", ())
    assert rule.targets == (
        Target(backend="shop/db/5432", weight=9),
        Target(backend="shop/other/5432"),
        Target(backend=None),
    )


def test_a_subset_takes_connections() -> None:
    subset = {"group": "mesh.heddle.dev", "kind": "ServiceSubset"}
    objects = (a_subset("v2", "db", version="v2"), a_slice("db"), a_tcp_route("r", "db", to("v2", None, **subset)))
    db = frontend("shop/db/5432", *objects)
    assert db.tcp_routes is not None
    assert db.tcp_routes.rules[0].targets == (Target(backend="shop/v2@subset/5432"),)


def test_server_names_of_several_routes_stand_by_age() -> None:
    one = a_tls_route("b", "db", to("db", 5432), hostnames=["a.example", "*.example"], created="2026-02-01T00:00:00Z")
    two = a_tls_route("a", "db", to("other", 5432), hostnames=["b.example"], created="2026-03-01T00:00:00Z")
    db = frontend("shop/db/5432", two, one)
    assert db.tcp_routes is not None
    assert [(rule.route, rule.server_names) for rule in db.tcp_routes.rules] == [
        ("TLSRoute/shop/b", ("a.example", "*.example")),
        ("TLSRoute/shop/a", ("b.example",)),
    ]


def test_names_win_over_plain_connections_and_requests_over_both() -> None:
    names = a_tls_route("n", "api", to("api"), hostnames=["a.example"])
    bytes_ = a_tcp_route("c", "api", to("api"))
    api = frontend("shop/api/80", bytes_, names)
    assert api.tcp_routes is not None
    assert [rule.route for rule in api.tcp_routes.rules] == ["TLSRoute/shop/n"]
    api = frontend("shop/api/80", bytes_, names, a_route("r", "api", {"backendRefs": [to("api")]}))
    assert (api.protocol, api.tcp_routes) == ("http", None)
    assert api.routes is not None


def test_a_consumers_connections_are_its_own() -> None:
    consumer = a_tcp_route("c", "db", to("other", 5432, namespace="shop"), namespace="b", parent={"namespace": "shop"})
    assert frontend("shop/db/5432", consumer).tcp_routes is None
    assert frontend("shop/db/5432", consumer, namespace="b").tcp_routes is not None
