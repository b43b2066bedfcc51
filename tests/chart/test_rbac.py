"""The control plane's rights: by verb and by name, and no more than it uses."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.charts import Manifest, one

pytestmark = pytest.mark.needs_helm
WRITES = {"create", "update", "patch", "delete", "deletecollection"}


def rules(mesh: list[Manifest], kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = one(mesh, kind)["rules"]
    return found


def test_no_rule_has_a_wildcard(mesh: list[Manifest]) -> None:
    for rule in rules(mesh, "ClusterRole") + rules(mesh, "Role"):
        for values in rule.values():
            assert not any("*" in value for value in values), rule


def test_nobody_may_raise_its_own_rights(mesh: list[Manifest]) -> None:
    for rule in rules(mesh, "ClusterRole") + rules(mesh, "Role"):
        assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"]), rule
        assert not any("/exec" in resource or "/token" in resource for resource in rule["resources"]), rule


def test_secrets_are_out_of_reach_but_in_the_meshs_namespace(mesh: list[Manifest]) -> None:
    assert not any("secrets" in rule["resources"] for rule in rules(mesh, "ClusterRole"))
    assert one(mesh, "Role")["metadata"]["namespace"] == "heddle-system"
    for rule in rules(mesh, "Role"):
        if "secrets" not in rule["resources"]:
            continue
        assert not {"list", "watch", "delete"} & set(rule["verbs"])
        if rule["verbs"] != ["create"]:  # Kubernetes cannot tie it to a name
            assert set(rule["resourceNames"]) <= {"heddle-ca", "heddle-ca-root"}


def test_a_given_ca_is_read_and_none_is_ever_replaced(mesh: list[Manifest], values: tuple[str, ...]) -> None:
    given = any("everything" in value for value in values)
    verbs = {verb for rule in rules(mesh, "Role") if "secrets" in rule["resources"] for verb in rule["verbs"]}
    assert verbs == ({"get"} if given else {"get", "create"})


def test_what_is_written_in_the_whole_cluster_is_status_reviews_the_xmesh_and_two_named_objects(
    mesh: list[Manifest],
) -> None:
    for rule in rules(mesh, "ClusterRole"):
        if not WRITES & set(rule["verbs"]):
            continue
        if rule["apiGroups"] == ["admissionregistration.k8s.io"]:
            assert rule["resourceNames"] == ["heddle"]
            assert set(rule["verbs"]) == {"get", "patch"}
        elif rule["apiGroups"] == ["authentication.k8s.io"]:
            assert rule["resources"] == ["tokenreviews"]
        elif rule["resources"] == ["xmeshes"]:
            assert WRITES & set(rule["verbs"]) == {"create"}, "its spec is never edited"
        else:
            assert all(resource.endswith("/status") for resource in rule["resources"]), rule
            assert rule["verbs"] == ["patch"]


def test_the_bindings_bind_the_deployments_account(mesh: list[Manifest]) -> None:
    account = one(mesh, "Deployment")["spec"]["template"]["spec"]["serviceAccountName"]
    for kind in ("ClusterRoleBinding", "RoleBinding"):
        binding = one(mesh, kind)
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account, "namespace": "heddle-system"}]
        assert binding["roleRef"]["name"] == one(mesh, binding["roleRef"]["kind"])["metadata"]["name"]
