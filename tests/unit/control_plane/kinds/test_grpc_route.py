"""GRPCRoute: what is malformed, and what is right but not done by this mesh."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.kinds.grpc_route import GrpcRoute
from control_plane.kinds.registry import decode
from control_plane.kinds.routes import unsupported, validate
from tests.support.cluster import a_grpc_route, to


def read(*rules: dict[str, Any]) -> GrpcRoute:
    found = decode("GRPCRoute", json.dumps(a_grpc_route("api", "api", *rules)).encode())
    assert isinstance(found, GrpcRoute)
    return found


def method(**body: Any) -> dict[str, Any]:
    return {"matches": [{"method": body}]}


def test_a_route_with_everything_we_do_is_right() -> None:
    change = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "a", "value": "b"}]}}
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": to("api")}}
    match = {
        "method": {"service": "shop.v1.Api", "method": "Get"},
        "headers": [{"name": "X-A", "value": "b.*", "type": "RegularExpression"}],
    }
    route = read(
        {"name": "all", "matches": [match], "filters": [change, mirror], "backendRefs": [to("api", filters=[change])]}
    )
    assert validate(route) == ()
    assert unsupported(route) == ()


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        (method(), "matches[0].method"),
        (method(service="a/b"), "matches[0].method.service"),
        (method(service=".a"), "matches[0].method.service"),
        (method(method="a.b"), "matches[0].method.method"),
        (method(method=""), "matches[0].method.method"),
        (method(service="a" * 1025), "matches[0].method.service"),
        (method(type="RegularExpression", service="("), "matches[0].method.service"),
        (method(type="RegularExpression", service="a" * 600, method="b" * 600), "matches[0].method"),
        ({"matches": [{"headers": [{"name": "a b", "value": "c"}]}]}, "matches[0].headers[0].name"),
        ({"filters": [{"type": "RequestHeaderModifier"}]}, "filters[0]"),
        ({"backendRefs": [to("api", weight=-1)]}, "backendRefs[0].weight"),
    ],
)
def test_malformed(rule: dict[str, Any], path: str) -> None:
    assert [violation.path for violation in validate(read(rule))] == [f"spec.rules[0].{path}"]


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"filters": [{"type": "ExtensionRef", "extensionRef": {}}]}, "filters[0].type"),
        ({"filters": [{"type": "URLRewrite", "urlRewrite": {}}]}, "filters[0].type"),
        ({"matches": [{"headers": [{"name": "a", "value": "b", "type": "Fuzzy"}]}]}, "matches[0].headers[0].type"),
    ],
)
def test_what_is_not_done_is_never_silent(rule: dict[str, Any], path: str) -> None:
    route = read(rule)
    assert validate(route) == ()
    assert [violation.path for violation in unsupported(route)] == [f"spec.rules[0].{path}"]


def test_what_cannot_be_read_keeps_its_parents() -> None:
    route = read(method(type="Glob", service="a"))
    assert [parent.name for parent in route.service_parents] == ["api"]
    assert [violation.path for violation in validate(route)] == ["spec.rules[0].matches[0].method.type"]
