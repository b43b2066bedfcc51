"""Status of routes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.kinds.grpc_route import GrpcRoute
from control_plane.kinds.http_route import HttpRoute
from control_plane.kinds.meta import Ref
from control_plane.kinds.registry import decode
from control_plane.kinds.route import AnyRoute
from control_plane.status.progress import Progress
from control_plane.status.route import parents
from tests.support.cluster import (
    EXTENSION,
    SHOP,
    a_grpc_route,
    a_route,
    a_service,
    a_tcp_route,
    a_tls_route,
    an_index,
    put,
    to,
)

NOW = "2026-03-01T00:00:00Z"
OURS = "mesh.heddle.dev/control-plane"


def status(obj: dict[str, Any]) -> list[dict[str, Any]]:
    route = decode("HTTPRoute", json.dumps(obj).encode())
    assert isinstance(route, HttpRoute)
    return parents(an_index(*SHOP), route, Progress(1, 1), NOW)


def conditions(entry: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in entry["conditions"]}


def test_sessions_and_the_services_own_affinity_do_not_go_together() -> None:
    route = decode("HTTPRoute", json.dumps(a_route("r", "api", {"sessionPersistence": {}})).encode())
    assert isinstance(route, HttpRoute)
    index = an_index(*SHOP, a_service("api", "10.96.0.10", sessionAffinity="ClientIP"))
    (entry,) = parents(index, route, Progress(1, 1), NOW)
    assert conditions(entry)["Accepted"] == ("False", "UnsupportedValue")
    assert "sessionAffinity" in entry["conditions"][0]["message"]
    (entry,) = parents(an_index(*SHOP), route, Progress(1, 1), NOW)
    assert conditions(entry)["Accepted"] == ("True", "Accepted")


def test_a_route_that_works() -> None:
    (entry,) = status(a_route("r", "api", {"backendRefs": [to("api")]}, parent={"port": 80}))
    assert entry["parentRef"] == {"group": "", "kind": "Service", "name": "api", "port": 80}
    assert entry["controllerName"] == OURS
    assert conditions(entry) == {
        "Accepted": ("True", "Accepted"),
        "ResolvedRefs": ("True", "ResolvedRefs"),
        "Programmed": ("True", "Programmed"),
    }


@pytest.mark.parametrize(
    ("rule", "parent", "kind", "reason"),
    [
        ({"backendRefs": [to("api")], "filters": [EXTENSION]}, {}, "Accepted", "UnsupportedValue"),
        ({"backendRefs": [to("api")], "surprise": 1}, {}, "Accepted", "UnsupportedValue"),
        ({"backendRefs": [to("api")]}, {"port": 99}, "Accepted", "NoMatchingParent"),
        ({"backendRefs": [to("gone")]}, {}, "ResolvedRefs", "BackendNotFound"),
        ({"backendRefs": [to("x", kind="Bucket", group="e.com")]}, {}, "ResolvedRefs", "InvalidKind"),
        (
            {"filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": to("gone")}}]},
            {},
            "ResolvedRefs",
            "BackendNotFound",
        ),
    ],
)
def test_a_route_that_does_not(rule: dict[str, Any], parent: dict[str, Any], kind: str, reason: str) -> None:
    (entry,) = status(a_route("r", "api", rule, parent=parent))
    assert conditions(entry)[kind] == ("False", reason)
    if kind == "Accepted":
        assert "Programmed" not in conditions(entry)


def test_entries_of_others_stay_and_stale_ones_of_ours_go() -> None:
    obj = a_route("r", "api", {"backendRefs": [to("api")]})
    other = {"parentRef": {"name": "gateway"}, "controllerName": "example.com/gateway", "conditions": [], "extra": 1}
    stale = {"parentRef": {"group": "", "kind": "Service", "name": "old"}, "controllerName": OURS, "conditions": []}
    obj["status"] = {"parents": [stale, other]}
    found = status(obj)
    assert found[0] == other
    assert [entry["parentRef"]["name"] for entry in found] == ["gateway", "api"]


def test_nothing_changes_when_nothing_has_changed() -> None:
    obj = a_route("r", "api", {"backendRefs": [to("api")]})
    obj["status"] = {"parents": status(obj)}
    route = decode("HTTPRoute", json.dumps(obj).encode())
    assert isinstance(route, HttpRoute)
    assert parents(an_index(*SHOP), route, Progress(1, 1), "2027-01-01T00:00:00Z") == obj["status"]["parents"]


def test_a_parent_that_does_not_exist_has_no_entry() -> None:
    assert status(a_route("r", "gone", {"backendRefs": [to("api")]})) == []


def test_hostnames_are_said_to_have_no_effect() -> None:
    obj = a_route("r", "api", {"backendRefs": [to("api")]})
    obj["spec"]["hostnames"] = ["example.com"]
    (entry,) = status(obj)
    assert "hostnames have no effect" in entry["conditions"][0]["message"]


def test_of_two_kinds_on_one_port_the_loser_is_told() -> None:
    ports = ({"name": "http", "port": 80}, {"name": "grpc", "port": 7070})
    calls = a_grpc_route("g", "api", {"backendRefs": [to("api")]}, parent={"port": 80})
    index = an_index(*SHOP, a_service("api", "10.96.0.10", *ports), calls)

    def accepted(parent: dict[str, Any]) -> tuple[str, str, str]:
        obj = a_route("r", "api", {"backendRefs": [to("api")]}, parent=parent)
        route = decode("HTTPRoute", json.dumps(obj).encode())
        assert isinstance(route, HttpRoute)
        (entry,) = parents(index, route, Progress(1, 1), NOW)
        found = next(one for one in entry["conditions"] if one["type"] == "Accepted")
        return found["status"], found["reason"], found["message"]

    assert accepted({"port": 80}) == ("False", "Conflicted", "port 80 is routed by GRPCRoute shop/g")
    assert accepted({"port": 7070}) == ("True", "Accepted", "acts on port 7070")
    assert accepted({}) == ("True", "Accepted", "acts on port 7070; port 80 is routed by GRPCRoute shop/g")


def test_every_kind_that_loses_is_told_to_whom() -> None:
    names = a_tls_route("n", "api", to("api"), hostnames=["a.example"])
    plain = a_tcp_route("c", "api", to("api"), to("db", 5432))
    requests = a_route("r", "api", {"backendRefs": [to("api")]}, parent={"sectionName": "http"})
    ports = ({"name": "http", "port": 80}, {"name": "tcp-x", "port": 9000})
    index = an_index(*SHOP, a_service("api", "10.96.0.10", *ports), a_service("db", "10.96.0.9", {"port": 5432}))
    put(index, names, plain, requests)

    def said(kind: str, name: str) -> dict[str, str]:
        route = index.find(Ref(kind, "shop", name))
        assert isinstance(route, AnyRoute)
        (entry,) = parents(index, route, Progress(1, 1), NOW)
        return {one["type"]: f"{one['status']} {one['reason']}: {one['message']}" for one in entry["conditions"]}

    assert said("TLSRoute", "n")["Accepted"] == (
        "True Accepted: acts on port 9000; port 80 is routed by HTTPRoute shop/r"
    )
    assert said("TCPRoute", "c")["Accepted"] == (
        "False Conflicted: port 80 is routed by HTTPRoute shop/r; port 9000 is routed by TLSRoute shop/n"
    )
    assert said("TCPRoute", "c")["ResolvedRefs"].startswith("True ResolvedRefs")


def test_the_kind_that_wins_and_consumers_do_not_conflict() -> None:
    call = a_grpc_route("g", "api", {"backendRefs": [to("api")]})
    consumer = a_route("c", "api", {"backendRefs": [to("api")]}, namespace="client", parent={"namespace": "shop"})
    index = an_index(*SHOP, call, a_route("r", "api", {"backendRefs": [to("api")]}), consumer)
    for kind, key in (("GRPCRoute", ("shop", "g")), ("HTTPRoute", ("client", "c"))):
        route = index.find(Ref(kind, *key))
        assert isinstance(route, HttpRoute | GrpcRoute)
        (entry,) = parents(index, route, Progress(1, 1), NOW)
        assert conditions(entry)["Accepted"] == ("True", "Accepted")


def said(route: dict[str, Any], *others: dict[str, Any]) -> tuple[str, str, str]:
    """`Accepted` of a route on a port for bytes."""
    service = a_service("db", "10.96.0.9", {"name": "tcp", "port": 5432})
    index = an_index(*SHOP, service, route, *others)
    found = index.find(Ref(route["kind"], "shop", route["metadata"]["name"]))
    assert isinstance(found, AnyRoute)
    (entry,) = parents(index, found, Progress(1, 1), NOW)
    one = entry["conditions"][0]
    return one["status"], one["reason"], one["message"]


YOUNG = "2026-02-01T00:00:00Z"


def test_of_two_tcp_routes_the_younger_is_told_that_it_gets_nothing() -> None:
    old, young = a_tcp_route("z", "db", to("db", 5432)), a_tcp_route("a", "db", to("db", 5432), created=YOUNG)
    assert said(old, young)[0] == "True"
    assert said(young, old) == ("False", "Conflicted", "port 5432 is routed by TCPRoute shop/z")


def test_of_two_tls_routes_the_younger_keeps_the_names_that_are_its_own() -> None:
    old = a_tls_route("z", "db", to("db", 5432), hostnames=["a.example", "b.example"])
    for names, status in (["b.example"], "False"), (["b.example", "c.example"], "True"), (["*.example"], "True"):
        assert said(a_tls_route("a", "db", to("db", 5432), hostnames=names, created=YOUNG), old)[0] == status


def test_a_session_that_overwrites_another_is_named() -> None:
    keeps = {"backendRefs": [to("api")], "sessionPersistence": {"sessionName": "s"}}
    (entry,) = status(a_route("r", "api", {**keeps, "name": "a"}, {**keeps, "name": "b"}))
    assert conditions(entry)["Accepted"] == ("True", "Accepted")
    assert "sessionName 's' is of rule 'a' and of rule 'b'" in entry["conditions"][0]["message"]


def test_a_filter_that_is_not_here_shuts_its_rule_and_the_others_act() -> None:
    good = {"backendRefs": [to("api")]}
    (entry,) = status(a_route("r", "api", good, {**good, "name": "b", "filters": [EXTENSION]}))
    assert conditions(entry) == {
        "Accepted": ("True", "Accepted"),
        "ResolvedRefs": ("True", "ResolvedRefs"),
        "Programmed": ("True", "Programmed"),
        "PartiallyInvalid": ("True", "UnsupportedValue"),
    }
    message = entry["conditions"][3]["message"]
    assert message.startswith("Dropped Rule 'b': spec.rules[1].filters[0].type: ExtensionRef is not supported here")
    assert message.endswith("requests that it would see get an error")
    (entry,) = status(a_route("r", "api", {**good, "filters": [EXTENSION]}))
    assert "PartiallyInvalid" not in conditions(entry)
    assert entry["conditions"][0]["message"].endswith("requests that it would see get an error")


def test_entries_of_others_leave_no_room_for_more_than_the_api_takes() -> None:
    obj = a_route("r", "api", {"backendRefs": [to("api")]})
    others = [
        {"parentRef": {"name": f"gateway-{i}"}, "controllerName": "example.com/gateway", "conditions": []}
        for i in range(32)
    ]
    obj["status"] = {"parents": others[1:]}
    assert len(status(obj)) == 32
    obj["status"] = {"parents": others}
    assert status(obj) == others
