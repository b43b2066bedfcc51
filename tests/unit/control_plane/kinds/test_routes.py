"""The table of route kinds: who wins a port, and what is asked of every kind alike."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.kinds.checks import MAX_EXPRESSIONS
from control_plane.kinds.registry import KINDS, decode, violations
from control_plane.kinds.route import AnyRoute
from control_plane.kinds.routes import ROUTES, outline, rank, unsupported, validate
from tests.support.cluster import a_route, to

EVERY = pytest.mark.parametrize("kind", ROUTES)


def read(kind: str, *rules: dict[str, Any], **more: Any) -> AnyRoute:
    found = decode(kind, json.dumps({**a_route("r", "api", *rules, **more), "kind": kind}).encode())
    assert isinstance(found, AnyRoute)
    return found


@EVERY
def test_its_name_is_its_key(kind: str) -> None:
    assert ROUTES[kind].struct.kind == kind
    assert KINDS[kind].plural == kind.lower() + "s"


def test_who_wins_a_port() -> None:
    assert sorted(map(read, ROUTES), key=rank) == [*map(read, ("GRPCRoute", "HTTPRoute", "TLSRoute", "TCPRoute"))]


@EVERY
def test_what_is_wrong_with_a_gateways_route_is_not_our_business(kind: str) -> None:
    wrong = {"backendRefs": [to("api", weight=-1)]}
    assert validate(read(kind, wrong))
    gateways = {"group": "gateway.networking.k8s.io", "kind": "Gateway"}
    assert validate(read(kind, wrong, parent=gateways)) == ()
    assert unsupported(read(kind, wrong, parent=gateways)) == ()


@EVERY
def test_what_cannot_be_read_is_said_once(kind: str) -> None:
    route = read(kind, {"surprise": 1})
    assert [violation.path for violation in violations(kind, route)] == ["spec.rules[0]"]


@EVERY
def test_a_bound_on_rules(kind: str) -> None:
    route = read(kind, *({"name": f"r{i}", "backendRefs": [to("api")]} for i in range(17)))
    assert "spec.rules" in {violation.path for violation in validate(route)}


@EVERY
def test_references_name_their_field(kind: str) -> None:
    route = read(kind, {"backendRefs": [to("a"), to("b")]})
    assert [(at, ref.name) for at, ref, _ in route.references()] == [
        ("spec.rules[0].backendRefs[0]", "a"),
        ("spec.rules[0].backendRefs[1]", "b"),
    ]


def test_copies_are_references_too() -> None:
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": to("copy")}}
    route = read("HTTPRoute", {"filters": [mirror], "backendRefs": [to("a", filters=[mirror])]})
    assert [at for at, ref, _ in route.references() if ref.name == "copy"] == [
        "spec.rules[0].filters[0].requestMirror.backendRef",
        "spec.rules[0].backendRefs[0].filters[0].requestMirror.backendRef",
    ]


def test_only_routes_have_outlines() -> None:
    data = json.dumps(a_route("r", "api")).encode()
    assert outline("ServiceSubset", data, "why") is None
    found = outline("GRPCRoute", data, "why")
    assert found is not None
    assert (found.kind, found.malformed) == ("GRPCRoute", "why")


def with_expressions(kind: str, number: int) -> AnyRoute:
    """A route of so many expressions, all of them wrong."""
    broken = [f"({i}" for i in range(number)]
    if kind == "GRPCRoute":
        matches = [{"method": {"type": "RegularExpression", "method": one}} for one in broken]
    else:
        matches = [{"path": {"type": "RegularExpression", "value": one}} for one in broken]
    return read(kind, *({"matches": matches[i : i + 60], "backendRefs": [to("api")]} for i in range(0, number, 60)))


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
def test_too_many_expressions_are_refused_before_they_are_looked_at(kind: str) -> None:
    """4,096 of the slowest took RE2 ten seconds, in which the control plane did nothing else."""
    assert len(validate(with_expressions(kind, MAX_EXPRESSIONS))) >= MAX_EXPRESSIONS
    (one,) = validate(with_expressions(kind, MAX_EXPRESSIONS + 1))
    assert one.path == "spec.rules"
    assert "257 different regular expressions" in one.message


def test_expressions_of_headers_and_query_parameters_count_and_equal_ones_count_once() -> None:
    expression = {"name": "a", "type": "RegularExpression", "value": "a+"}
    match = {"headers": [expression], "queryParams": [{**expression, "value": "b+"}]}
    assert read("HTTPRoute", {"matches": [match, match]}).expressions == {"a+", "b+"}
    assert read("GRPCRoute", {"matches": [{"headers": [expression]}]}).expressions == {"a+"}
    assert read("HTTPRoute", {"matches": [{"headers": [{"name": "a", "value": "a+"}]}]}).expressions == frozenset()
