"""Status of XBackendTrafficPolicies."""

from __future__ import annotations

from typing import Any

from control_plane.index.policy import PolicyTable
from control_plane.kinds.meta import Ref
from control_plane.kinds.x_backend_traffic_policy import BackendTrafficPolicy
from control_plane.status.backend_policy import ancestors
from control_plane.status.progress import Progress
from tests.support.cluster import SHOP, a_backend_policy, a_service, an_index

NOW = "2026-03-01T00:00:00Z"


def status(obj: dict[str, Any], *more: dict[str, Any]) -> list[dict[str, Any]]:
    index = an_index(*SHOP, obj, *more)
    policy = index.find(Ref("XBackendTrafficPolicy", "shop", obj["metadata"]["name"]))
    assert isinstance(policy, BackendTrafficPolicy)
    return ancestors(index, PolicyTable(index), policy, Progress(1, 1), NOW)


def conditions(entry: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in entry["conditions"]}


def test_each_service_has_its_entry() -> None:
    api, gone = status(a_backend_policy("p", "api", "gone", retryConstraint={}))
    assert api["ancestorRef"] == {"group": "", "kind": "Service", "namespace": "shop", "name": "api"}
    assert conditions(api) == {"Accepted": ("True", "Accepted"), "Programmed": ("True", "Programmed")}
    assert api["conditions"][0]["observedGeneration"] == 1
    assert conditions(gone) == {"Accepted": ("False", "TargetNotFound")}


def test_the_younger_one_is_told_who_has_the_service() -> None:
    older = a_backend_policy("older", "api", created="2025-01-01T00:00:00Z")
    (entry,) = status(a_backend_policy("p", "api"), older)
    assert conditions(entry) == {"Accepted": ("False", "Conflicted")}
    assert "'older'" in entry["conditions"][0]["message"]


def test_what_is_wrong_is_told_by_its_field() -> None:
    (entry,) = status(a_backend_policy("p", "api", retryConstraint={"budget": {"percent": 101}}))
    assert conditions(entry) == {"Accepted": ("False", "Invalid")}
    assert "spec.retryConstraint.budget.percent" in entry["conditions"][0]["message"]


def test_sessions_beside_an_affinity_do_not_act() -> None:
    policy = a_backend_policy("p", "api", sessionPersistence={})
    (entry,) = status(policy, a_service("api", "10.96.0.10", sessionAffinity="ClientIP"))
    assert conditions(entry)["PartiallyInvalid"] == ("True", "UnsupportedValue")


def test_entries_of_others_stay_and_ours_are_not_written_twice() -> None:
    obj = a_backend_policy("p", "api")
    other = {"ancestorRef": {"name": "gateway"}, "controllerName": "example.com/gateway", "conditions": []}
    stale = {"ancestorRef": {"name": "x"}, "controllerName": "mesh.heddle.dev/control-plane", "conditions": []}
    obj["status"] = {"ancestors": [stale, other]}
    first = status(obj)
    assert first[0] == other
    assert len(first) == 2
    assert status({**obj, "status": {"ancestors": first}}) == first
