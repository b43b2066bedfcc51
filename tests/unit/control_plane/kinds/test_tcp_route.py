"""TCPRoute: what is malformed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.kinds.registry import decode, violations
from control_plane.kinds.routes import unsupported
from control_plane.kinds.tcp_route import TcpRoute
from tests.support.cluster import a_tcp_route, to


def wrong(spec: dict[str, Any]) -> list[str]:
    obj = a_tcp_route("db", "db", to("db", 5432, weight=3), to("other", 5432, weight=0))
    obj["spec"] |= spec
    route = decode("TCPRoute", json.dumps(obj).encode())
    assert isinstance(route, TcpRoute)
    assert unsupported(route) == ()
    return [violation.path for violation in violations("TCPRoute", route)]


def test_shares_of_connections() -> None:
    assert wrong({}) == []


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"rules": [{"backendRefs": []}]}, "spec.rules[0].backendRefs"),
        ({"rules": [{"backendRefs": [to("db", 1, weight=1_000_001)]}]}, "spec.rules[0].backendRefs[0].weight"),
        ({"rules": [{"backendRefs": [to("db", 1)]}] * 2}, "spec.rules"),
        ({"rules": [{"backendRefs": [to("db", 1)], "matches": []}]}, "spec.rules[0]"),
        ({"rules": [{"backendRefs": [to("db", 1, filters=[])]}]}, "spec.rules[0].backendRefs[0]"),
        ({"hostnames": ["a.example"]}, "spec.hostnames"),
    ],
)
def test_malformed(spec: dict[str, Any], path: str) -> None:
    assert wrong(spec) == [path]
