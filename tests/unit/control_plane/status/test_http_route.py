"""Status of HTTPRoutes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.kinds.http_route import HttpRoute
from control_plane.kinds.registry import decode
from control_plane.status.http_route import parents
from control_plane.status.progress import Progress
from tests.support.cluster import SHOP, a_route, an_index, to

NOW = "2026-03-01T00:00:00Z"
OURS = "mesh.heddle.dev/control-plane"


def status(obj: dict[str, Any]) -> list[dict[str, Any]]:
    route = decode("HTTPRoute", json.dumps(obj).encode())
    assert isinstance(route, HttpRoute)
    return parents(an_index(*SHOP), route, Progress(1, 1), NOW)


def conditions(entry: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in entry["conditions"]}


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
        ({"backendRefs": [to("api")], "timeouts": {"request": "1s"}}, {}, "Accepted", "UnsupportedValue"),
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
