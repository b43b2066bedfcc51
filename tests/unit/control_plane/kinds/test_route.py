"""What all routes share: which of their parents are ours, and what is left of one that cannot be read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.kinds.http_route import HttpRoute, HttpRouteSpec
from control_plane.kinds.registry import decode, violations
from control_plane.kinds.route import decode_outline
from tests.support.cluster import a_route


def test_a_route_of_gateways_alone_is_not_ours() -> None:
    obj = a_route("r", "api")
    obj["spec"]["parentRefs"] = [{"name": "gateway"}]
    route = decode("HTTPRoute", json.dumps(obj).encode())
    assert isinstance(route, HttpRoute)
    assert not route.is_ours


def test_the_parent_is_in_the_route_s_namespace_unless_it_says_another() -> None:
    for parent, expected in (({}, ("client", "api")), ({"namespace": "shop"}, ("shop", "api"))):
        route = decode("HTTPRoute", json.dumps(a_route("r", "api", namespace="client", parent=parent)).encode())
        assert isinstance(route, HttpRoute)
        assert [route.parent_service(one) for one in route.service_parents] == [expected]


@pytest.mark.parametrize("rules", ["x", [{"surprise": 1}], [{"matches": [{"path": {"type": "Glob"}}]}]])
def test_what_cannot_be_read_keeps_its_parents_and_says_why(rules: Any) -> None:
    obj = a_route("r", "api")
    obj["spec"]["rules"] = rules
    route = decode("HTTPRoute", json.dumps(obj).encode())
    assert isinstance(route, HttpRoute)
    assert [parent.name for parent in route.service_parents] == ["api"]
    assert len(violations("HTTPRoute", route)) == 1


def test_without_readable_parents_there_is_no_outline() -> None:
    broken = b'{"metadata": {"name": "r"}, "spec": {"parentRefs": 1}}'
    assert decode_outline(broken, "why", HttpRoute, HttpRouteSpec) is None
