"""ServiceIntentions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.kinds.registry import decode, violations
from tests.support.cluster import intentions


def paths(*sources: dict[str, Any], destination: str = "api") -> list[str]:
    obj = intentions("api", destination, *sources)
    return [v.path for v in violations("ServiceIntentions", decode("ServiceIntentions", json.dumps(obj).encode()))]


def test_the_example_of_the_documentation_is_right() -> None:
    permissions = [
        {"action": "deny", "http": {"pathPrefix": "/admin"}},
        {
            "action": "allow",
            "http": {"methods": ["GET"], "pathPrefix": "/v1", "header": [{"name": "x-tenant", "present": True}]},
        },
    ]
    assert (
        paths(
            {"name": "web", "action": "allow"},
            {"name": "reports", "namespace": "analytics", "permissions": permissions},
            {"name": "*", "action": "deny"},
        )
        == []
    )


def a_permission(**http: Any) -> dict[str, Any]:
    return {"name": "web", "permissions": [{"action": "allow", "http": http}]}


HTTP = "spec.sources[0].permissions[0].http"


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ({"action": "allow"}, "spec.sources[0]"),
        ({"name": "web", "serviceAccount": "web", "action": "allow"}, "spec.sources[0]"),
        ({"name": "web"}, "spec.sources[0]"),
        ({"name": "web", "action": "allow", "permissions": [{"action": "deny"}]}, "spec.sources[0]"),
        ({"name": "Web", "action": "allow"}, "spec.sources[0].name"),
        ({"name": "web", "namespace": "a/b", "action": "allow"}, "spec.sources[0].namespace"),
        ({"serviceAccount": "a b", "action": "allow"}, "spec.sources[0].serviceAccount"),
        ({"name": "web", "action": "permit"}, "spec.sources[0].action"),
        (a_permission(pathPrefix="/a", pathExact="/b"), HTTP),
        (a_permission(pathPrefix="a"), f"{HTTP}.pathPrefix"),
        (a_permission(pathExact="/a/../b"), f"{HTTP}.pathExact"),
        (a_permission(pathRegex="("), f"{HTTP}.pathRegex"),
        (a_permission(methods=["get"]), f"{HTTP}.methods[0]"),
        (a_permission(header=[{"name": "a"}]), f"{HTTP}.header[0]"),
        (a_permission(header=[{"name": "a", "exact": "b", "prefix": "c"}]), f"{HTTP}.header[0]"),
        (a_permission(header=[{"name": "a", "regex": "("}]), f"{HTTP}.header[0].regex"),
        (a_permission(pathRegex="/(a*)*"), f"{HTTP}.pathRegex"),
        (a_permission(header=[{"name": "a", "regex": "\\s"}]), f"{HTTP}.header[0].regex"),
    ],
)
def test_what_is_wrong_is_named(source: dict[str, Any], path: str) -> None:
    assert paths(source) == [path]


def test_nobody_named_is_an_error() -> None:
    assert paths() == ["spec.sources"]
    assert paths({"name": "web", "action": "allow"}, destination="A") == ["spec.destination.name"]


def test_too_many_expressions_are_refused_before_they_are_looked_at() -> None:
    """As many as an object can hold took RE2 minutes."""
    permissions = [
        {"action": "allow", "http": {"pathRegex": f"(a{i}", "header": [{"name": "x", "regex": f"(b{i}"}]}}
        for i in range(32)
    ]
    several = [
        {"name": f"s{j}", "permissions": [json.loads(json.dumps(one).replace("(", f"({j}")) for one in permissions]}
        for j in range(5)
    ]
    assert len(paths(*several[:4])) == 256
    assert paths(*several) == ["spec.sources"]
