"""Checks of the mesh against clusters that are well, or not."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from meshctl import ca
from meshctl.checks import (
    CheckFailed,
    Context,
    Skipped,
    Warned,
    certificates,
    control_plane,
    data_plane,
    kubernetes,
    webhooks,
)
from tests.support.fake_cluster import FakeCluster, a_pod

DEPLOYMENT = "/apis/apps/v1/namespaces/heddle-system/deployments/heddle-control-plane"
SECRET = "/api/v1/namespaces/heddle-system/secrets/heddle-ca"


def context(objects: dict[str, Any]) -> Context:
    return Context(cluster=FakeCluster(objects), namespace="heddle-system")  # type: ignore[arg-type]


def a_version(text: str) -> dict[str, Any]:
    major, minor = text.split(".")[:2]
    return {"/version": {"gitVersion": f"v{text}", "major": major, "minor": minor}}


def test_an_old_kubernetes_is_refused_and_a_new_one_warned_of() -> None:
    assert kubernetes.supported(context(a_version("1.35.4"))).message == "v1.35.4"
    with pytest.raises(CheckFailed, match="native sidecars"):
        kubernetes.supported(context(a_version("1.28.0")))
    with pytest.raises(Warned, match="newer"):
        kubernetes.supported(context(a_version("1.99.0")))
    assert kubernetes.supported(context({"/version": {"gitVersion": "v1.34.1-eks", "major": "1", "minor": "34+"}}))


def test_missing_rights_are_named() -> None:
    seen = context({})
    seen.cluster.denied = {"clusterroles"}  # type: ignore[attr-defined]
    with pytest.raises(CheckFailed, match=r"create clusterroles\.rbac\.authorization\.k8s\.io"):
        kubernetes.rights(seen)


@pytest.mark.parametrize(
    ("ready", "error"), [(2, None), (1, Warned), (0, CheckFailed)], ids=["all", "one is missing", "none"]
)
def test_replicas(ready: int, error: type[Exception] | None) -> None:
    deployment = {
        "metadata": {"generation": 3},
        "spec": {"replicas": 2},
        "status": {"readyReplicas": ready, "observedGeneration": 3},
    }
    seen = context({DEPLOYMENT: deployment})
    if error is None:
        assert control_plane.replicas(seen).facts == {"ready": 2, "wanted": 2}
    else:
        with pytest.raises(error):
            control_plane.replicas(seen)


def test_less_than_strict_is_a_warning() -> None:
    config = {"spec": {"mtls": {"mode": "Permissive"}}}
    with pytest.raises(Warned, match="Permissive"):
        control_plane.mesh_config(context({"/apis/mesh.heddle.dev/v1alpha1/meshconfigs/default": config}))


def a_secret(folder: Path, **changes: str) -> dict[str, Any]:
    ca.init(folder, "example.org", datetime.now(UTC))
    data = ca.secret_data(folder) | changes
    return {SECRET: {"data": {name: base64.b64encode(text.encode()).decode() for name, text in data.items()}}}


def test_the_authority_is_read_and_its_end_is_told(tmp_path: Path) -> None:
    seen = context(a_secret(tmp_path))
    assert "intermediate" in certificates.authority(seen).message
    assert "intermediate" in certificates.expiry(seen).message


def test_a_secret_with_nonsense_is_a_failure_not_a_crash(tmp_path: Path) -> None:
    with pytest.raises(CheckFailed, match="PEM"):
        certificates.authority(context(a_secret(tmp_path, **{"tls.crt": "nonsense"})))


def test_webhooks_must_trust_a_root_of_the_mesh(tmp_path: Path) -> None:
    objects = a_secret(tmp_path / "one")
    ca.init(tmp_path / "two", "example.org", datetime.now(UTC))
    bundles = {
        "": "empty",
        (tmp_path / "two" / "ca.crt").read_text(): "none of the mesh's roots",
        (tmp_path / "one" / "ca.crt").read_text(): None,
    }
    for bundle, wrong in bundles.items():
        hook = {"name": "h", "clientConfig": {"caBundle": base64.b64encode(bundle.encode()).decode()}}
        for kind in ("mutating", "validating"):
            path = f"/apis/admissionregistration.k8s.io/v1/{kind}webhookconfigurations/heddle"
            objects[path] = {"webhooks": [hook]}
        if wrong:
            with pytest.raises(CheckFailed, match=wrong):
                certificates.webhook_bundle(context(objects))
        else:
            certificates.webhook_bundle(context(objects))


def test_a_refusal_counts_only_when_a_webhook_spoke() -> None:
    seen = context({})
    with pytest.raises(CheckFailed, match="was accepted"):
        webhooks.validates(seen)
    seen.cluster.refuse_dry_runs = "spec.destination: Required value"  # type: ignore[attr-defined]
    with pytest.raises(CheckFailed, match="not by the mesh's webhook"):
        webhooks.validates(seen)
    seen.cluster.refuse_dry_runs = 'admission webhook "validate" denied the request: …'  # type: ignore[attr-defined]
    webhooks.validates(seen)


def test_a_pod_without_its_sidecar_is_a_failure() -> None:
    namespaces = {
        "/api/v1/namespaces": [{"metadata": {"name": "shop", "labels": {"mesh.heddle.dev/inject": "enabled"}}}]
    }
    created = "created /api/v1/namespaces/shop/pods"
    with pytest.raises(CheckFailed, match="without its sidecar"):
        webhooks.injects(context({**namespaces, created: {"spec": {"containers": []}}}))
    injected = {"spec": {"initContainers": [{"name": "heddle-capture"}, {"name": "heddle-proxy"}]}}
    assert "shop" in webhooks.injects(context({**namespaces, created: injected})).message
    with pytest.raises(Skipped):
        webhooks.injects(context({"/api/v1/namespaces": []}))


METRICS = "haproxy_process_x 1\nheddle_agent_connected 1\nheddle_agent_certificate_expiry_seconds {expiry}\n"


def sidecars(*pods: dict[str, Any], **more: Any) -> Context:
    return context({"/api/v1/pods": list(pods), "/api/v1/namespaces": [], **more})


def test_sidecars_that_are_not_ready_are_named() -> None:
    with pytest.raises(CheckFailed, match="1 of 2 sidecars are not ready: shop/b-1"):
        data_plane.ready(sidecars(a_pod("shop", "a-1"), a_pod("shop", "b-1", ready=False)))
    with pytest.raises(Skipped):
        data_plane.ready(sidecars(a_pod("shop", "a-1", meshed=False)))


@pytest.mark.parametrize(
    ("hours", "passes"), [(23, True), (3, False), (-1, False)], ids=["fresh", "not renewed", "ended"]
)
def test_a_certificate_that_is_not_renewed_is_a_failure(hours: int, passes: bool) -> None:
    metrics = METRICS.format(expiry=time.time() + hours * 3600)
    seen = sidecars(a_pod("shop", "a-1"), **{"shop/a-1:15090/metrics": metrics})
    if passes:
        assert "ends in 23 h" in data_plane.metrics(seen).message
    else:
        with pytest.raises(CheckFailed, match="not renewed: shop/a-1"):
            data_plane.metrics(seen)


def test_two_versions_are_a_warning_that_names_who_is_behind() -> None:
    pods = [a_pod("shop", "a-1"), a_pod("shop", "a-2"), a_pod("shop", "b-1", image="sidecar:0")]
    with pytest.raises(Warned, match="restart shop/Deployment/b"):
        data_plane.versions(sidecars(*pods))


def test_after_an_upgrade_those_of_before_are_behind_though_they_are_more_or_all() -> None:
    container = {"env": [{"name": "HEDDLE_POD", "valueFrom": {}}, {"name": "HEDDLE_IMAGE", "value": "sidecar:2"}]}
    upgraded = {DEPLOYMENT: {"spec": {"template": {"spec": {"containers": [container]}}}}}
    old = [a_pod("shop", "a-1", image="sidecar:1"), a_pod("shop", "a-2", image="sidecar:1")]
    new = a_pod("shop", "b-1", image="sidecar:2")
    with pytest.raises(Warned, match=r"2 of 3 are not of sidecar:2, as new pods are; restart shop/Deployment/a$"):
        data_plane.versions(sidecars(*old, new, **upgraded))
    with pytest.raises(Warned, match="2 of 2"):
        data_plane.versions(sidecars(*old, **upgraded))
    assert data_plane.versions(sidecars(new, **upgraded)).message == "sidecar:2"


def test_a_pod_that_is_older_than_the_label_is_noticed() -> None:
    namespace = {"metadata": {"name": "shop", "labels": {"mesh.heddle.dev/inject": "enabled"}}}
    seen = context({"/api/v1/pods": [a_pod("shop", "a-1", meshed=False)], "/api/v1/namespaces": [namespace]})
    with pytest.raises(Warned, match="shop/a-1"):
        data_plane.forgotten(seen)


def test_workloads_that_wait_for_a_refused_pod_are_named() -> None:
    def replica_set(name: str, message: str, status: str = "True") -> dict[str, Any]:
        condition = {"type": "ReplicaFailure", "status": status, "reason": "FailedCreate", "message": message}
        return {"metadata": {"namespace": "shop", "name": name}, "status": {"conditions": [condition]}}

    ours = 'failed calling webhook "namespace-enabled.injector.mesh.heddle.dev": connection refused'
    path = "/apis/apps/v1/replicasets"
    others = [replica_set("quota", "exceeded quota"), replica_set("old", ours, "False"), {**replica_set("x", ours)}]
    others[2]["status"] = {}
    assert data_plane.refused_pods(context({path: others})).message == ""
    with pytest.raises(Warned, match=r"refused pods of shop/web-1; they are tried again later"):
        data_plane.refused_pods(context({path: [*others, replica_set("web-1", ours)]}))


def test_an_object_that_is_not_in_effect_is_quoted() -> None:
    bad = {"type": "Accepted", "status": "False", "message": "spec.rules[0]: no such thing"}
    route = {
        "metadata": {"namespace": "shop", "name": "api"},
        "status": {
            "parents": [
                {"controllerName": "somebody.else/gateway", "conditions": [{"type": "Accepted", "status": "False"}]},
                {"controllerName": "mesh.heddle.dev/control-plane", "conditions": [bad]},
            ]
        },
    }
    path = "/apis/gateway.networking.k8s.io/v1/httproutes"
    with pytest.raises(
        CheckFailed, match=r"1 objects are not in effect\. httproutes shop/api: Accepted is False: spec"
    ):
        data_plane.conditions(context({path: [route]}))


def test_a_route_whose_parent_is_not_there_is_not_in_effect() -> None:
    """Its status has no entry that could say so."""
    parents = [{"group": "", "kind": "Service", "name": name} for name in ("api", "apy")]
    gateway = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}
    good = {"type": "Accepted", "status": "True"}
    route = {
        "metadata": {"namespace": "shop", "name": "api"},
        "spec": {"parentRefs": [*parents, gateway]},
        "status": {
            "parents": [
                {"controllerName": "mesh.heddle.dev/control-plane", "parentRef": parents[0], "conditions": [good]}
            ]
        },
    }
    path = "/apis/gateway.networking.k8s.io/v1/httproutes"
    with pytest.raises(CheckFailed, match=r"httproutes shop/api: the control plane finds no Service shop/apy"):
        data_plane.conditions(context({path: [route]}))
    del parents[1]
    route["spec"] = {"parentRefs": [*parents, gateway]}
    assert data_plane.conditions(context({path: [route]})).message == "1 objects"


def test_what_is_in_effect_in_part_is_a_warning() -> None:
    part = {"type": "PartiallyInvalid", "status": "True", "message": "Dropped Rule 'b': no such filter"}
    policy = {"metadata": {"namespace": "shop", "name": "p"}, "status": {"conditions": [part]}}
    with pytest.raises(Warned, match=r"1 objects are in effect in part\. trafficpolicies shop/p: Dropped Rule"):
        data_plane.conditions(context({"/apis/mesh.heddle.dev/v1alpha1/trafficpolicies": [policy]}))
