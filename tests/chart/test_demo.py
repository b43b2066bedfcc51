"""The demo's manifests are valid, for Kubernetes and for the mesh, and say what the README says."""

from __future__ import annotations

import json
import warnings
from typing import Any

import kubernetes_validate
import pytest

from control_plane.kinds.registry import KINDS, decode
from tests.support.charts import KUBERNETES, RenderError, render

pytestmark = pytest.mark.needs_helm

OUR_GROUPS = ("mesh.heddle.dev", "gateway.networking.k8s.io")


@pytest.fixture(scope="module")
def manifests() -> list[dict[str, Any]]:
    return render("demo", "--set", "faults.enabled=true", namespace="default")


def of(manifests: list[dict[str, Any]], kind: str, namespace: str, name: str) -> dict[str, Any]:
    (found,) = [
        one
        for one in manifests
        if (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) == (kind, namespace, name)
    ]
    return found


def test_kubernetes_accepts_every_object(manifests: list[dict[str, Any]]) -> None:
    for manifest in manifests:
        if not manifest["apiVersion"].startswith(OUR_GROUPS):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                kubernetes_validate.validate(manifest, KUBERNETES.rpartition(".")[0], strict=True)


def test_the_mesh_accepts_every_object(manifests: list[dict[str, Any]]) -> None:
    seen = set()
    for manifest in manifests:
        if manifest["apiVersion"].startswith(OUR_GROUPS):
            kind = KINDS[manifest["kind"]]
            decoded = decode(manifest["kind"], json.dumps(manifest).encode())
            assert kind.validate(decoded) == ()
            assert kind.unsupported(decoded) == ()
            seen.add(manifest["kind"])
    assert seen == {"HTTPRoute", "ServiceSubset", "ServiceIntentions", "TrafficPolicy"}


def test_the_route_is_the_one_that_is_promised(manifests: list[dict[str, Any]]) -> None:
    payment, canary = of(manifests, "HTTPRoute", "shop", "api")["spec"]["rules"]
    assert payment["matches"] == [{"path": {"type": "PathPrefix", "value": "/payment"}}]
    assert [ref["name"] for ref in payment["backendRefs"]] == ["payment"]
    assert {ref["name"]: ref["weight"] for ref in canary["backendRefs"]} == {"api-v1": 80, "api-v2": 20}
    mirror = canary["filters"][0]["requestMirror"]
    assert (mirror["backendRef"]["namespace"], mirror["percent"]) == ("staging", 100)


@pytest.mark.parametrize(("namespace", "name"), [("shop", "api"), ("shop", "payment"), ("staging", "api")])
def test_only_web_may_call(manifests: list[dict[str, Any]], namespace: str, name: str) -> None:
    (source,) = of(manifests, "ServiceIntentions", namespace, name)["spec"]["sources"]
    assert (source["name"], source.get("namespace", namespace), source["action"]) == ("web", "shop", "allow")


def test_namespaces_are_in_the_mesh_or_not(manifests: list[dict[str, Any]]) -> None:
    labels = {one["metadata"]["name"]: one["metadata"]["labels"] for one in manifests if one["kind"] == "Namespace"}
    wanted = {"shop": "enabled", "staging": "enabled", "street": "disabled"}
    assert {name: label["mesh.heddle.dev/inject"] for name, label in labels.items()} == wanted


def test_pods_are_closed(manifests: list[dict[str, Any]]) -> None:
    deployments = [one for one in manifests if one["kind"] == "Deployment"]
    assert len(deployments) == 7
    for deployment in deployments:
        spec = deployment["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["automountServiceAccountToken"] is False
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_faults_are_off_unless_asked_for() -> None:
    assert "TrafficPolicy" not in {one["kind"] for one in render("demo", namespace="default")}


@pytest.mark.parametrize("value", ["nonsense=1", "split.v1=-1", "mirror.percent=101", "load.rate=0"])
def test_a_value_that_makes_no_sense_is_refused(value: str) -> None:
    with pytest.raises(RenderError):
        render("demo", "--set", value, namespace="default")
