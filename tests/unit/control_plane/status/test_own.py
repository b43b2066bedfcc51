"""Status of our own kinds."""

from __future__ import annotations

from typing import Any

from control_plane.index.policy import PolicyTable
from control_plane.kinds.meta import Condition, Ref
from control_plane.status.own import conditions
from control_plane.status.progress import Progress
from tests.support.cluster import (
    SHOP,
    SLOW,
    a_mesh_config,
    a_namespace,
    a_pod,
    a_policy,
    a_service,
    a_subset,
    an_index,
    intentions,
)

ALLOW = {"action": "allow"}


def said(obj: dict[str, Any], *more: dict[str, Any]) -> dict[str, Condition]:
    index = an_index(*SHOP, *more, obj)
    meta = obj["metadata"]
    found = index.find(Ref(obj["kind"], meta.get("namespace", ""), meta["name"]))
    assert found is not None
    return {one.type: one for one in conditions(index, PolicyTable(index), obj["kind"], found, Progress(2, 2))}


def test_what_is_right_is_accepted_resolved_and_programmed() -> None:
    for obj in (
        a_subset("v1", "api", version="v1"),
        intentions("api", "api", {"name": "web", **ALLOW}),
        a_policy("p", SLOW, targets=[{"group": "", "kind": "Service", "name": "api"}]),
    ):
        found = said(obj)
        assert {kind: one.status for kind, one in found.items()} == {
            "Accepted": "True",
            "ResolvedRefs": "True",
            "Programmed": "True",
        }, obj["kind"]
    assert said(a_mesh_config())["Programmed"].status == "True"


def test_an_invalid_object_names_its_fields_and_is_not_programmed() -> None:
    found = said(a_subset("v1", "api"))
    assert list(found) == ["Accepted"]
    assert found["Accepted"].message.startswith("spec.selector.matchLabels: ")


def test_invalid_intentions_say_that_they_keep_the_door_shut() -> None:
    assert "refuse every caller" in said(intentions("api", "api"))["Accepted"].message


def test_a_subset_of_nothing() -> None:
    assert said(a_subset("v1", "gone", version="v1"))["ResolvedRefs"].reason == "BackendNotFound"
    empty = said(a_subset("v9", "api", version="v9"))["ResolvedRefs"]
    assert (empty.status, empty.reason) == ("True", "NoPods")
    assert "503" in empty.message


def test_a_policy_without_consent_is_refused() -> None:
    policy = a_policy("p", SLOW, targets=[{"group": "", "kind": "Service", "name": "api"}])
    found = said(policy, a_namespace("shop"))
    assert (found["Accepted"].status, found["Accepted"].reason) == ("False", "ChaosNotAllowed")
    assert "Programmed" not in found


def test_a_policy_of_which_a_part_acts() -> None:
    target = {"group": "", "kind": "Service", "name": "api"}
    found = said(a_policy("p", SLOW, targets=[target], retry={}), a_namespace("shop"))
    assert found["Accepted"].status == found["Programmed"].status == "True"
    assert (found["PartiallyInvalid"].status, found["PartiallyInvalid"].reason) == ("True", "ChaosNotAllowed")
    assert "spec.faults" in found["PartiallyInvalid"].message
    older = a_policy("a", targets=[target], retry={}, created="2025-01-01T00:00:00Z")
    found = said(a_policy("p", targets=[target], retry={}, circuit={}), older)
    assert found["PartiallyInvalid"].reason == "Conflicted"
    assert "spec.retry" in found["PartiallyInvalid"].message
    assert said(a_policy("p", targets=[target], retry={}), older)["Accepted"].reason == "Conflicted"


def test_a_policy_without_its_target() -> None:
    found = said(a_policy("p", SLOW, targets=[{"group": "", "kind": "Service", "name": "gone"}]))
    assert found["Accepted"].reason == "TargetNotFound"
    assert found["ResolvedRefs"].status == "False"


def test_sources_that_do_not_exist_name_nobody() -> None:
    found = said(intentions("api", "gone", {"name": "lost", **ALLOW}, {"name": "*", **ALLOW}))
    assert found["ResolvedRefs"].reason == "ServiceNotFound"
    assert "spec.destination.name" in found["ResolvedRefs"].message
    assert "spec.sources[0].name" in found["ResolvedRefs"].message


def test_a_shared_service_account_is_warned_about() -> None:
    intruder = a_pod("cron-1", "10.0.0.9", account="web")
    found = said(intentions("api", "api", {"name": "web", **ALLOW}), intruder)
    assert "cron-1" in found["SharedIdentity"].message
    assert "SharedIdentity" not in said(intentions("api", "api", {"name": "web", **ALLOW}))


def test_permissions_on_a_port_that_is_not_http_are_warned_about() -> None:
    source = {"name": "web", "permissions": [{"action": "allow", "http": {"methods": ["GET"]}}]}
    found = said(intentions("db", "db", source), a_service("db", "10.96.0.9", {"port": 5432}))
    assert "db:5432" in found["PartiallyInvalid"].message
    assert "PartiallyInvalid" not in said(intentions("api", "api", source))
