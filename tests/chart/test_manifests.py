"""What the charts send to the cluster is valid, and as safe as it can be."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest

from tests.support.charts import CHARTS, Manifest, RenderError, helm, one, render

pytestmark = pytest.mark.needs_helm
OURS = "mesh.heddle.dev/"
SUPPORTED = ("1.33", "1.34", "1.35")
TLS_PORTS = {"sidecars": 8443, "webhooks": 9443, "health": 8080}


@pytest.mark.parametrize("chart", ["mesh", "mesh-crds"])
def test_lint_finds_nothing(chart: str) -> None:
    helm("lint", "--strict", str(CHARTS / chart))


def test_lint_finds_nothing_with_other_values(values: tuple[str, ...]) -> None:
    helm("lint", "--strict", str(CHARTS / "mesh"), *values)


@pytest.mark.parametrize("version", SUPPORTED)
def test_every_manifest_is_what_kubernetes_knows(mesh: list[Manifest], version: str) -> None:
    checked = [m for m in mesh if not m["apiVersion"].startswith(OURS)]
    assert len(checked) >= 10
    for manifest in checked:
        kubernetes_validate.validate(manifest, version, strict=True)


def test_every_manifest_carries_the_labels(mesh: list[Manifest]) -> None:
    for manifest in mesh:
        labels = manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "heddle", manifest["metadata"]["name"]
        assert labels["app.kubernetes.io/managed-by"] == "Helm"


def test_nothing_runs_at_removal_and_nothing_stays(mesh: list[Manifest]) -> None:
    for manifest in (*mesh, *render("mesh-crds")):
        kept = [key for key in manifest["metadata"].get("annotations", {}) if key.startswith("helm.sh/")]
        assert kept == [], f"{manifest['kind']} {manifest['metadata']['name']}: {kept}"


def pod_of(mesh: list[Manifest]) -> dict[str, Any]:
    spec: dict[str, Any] = one(mesh, "Deployment")["spec"]["template"]["spec"]
    return spec


def test_the_control_plane_has_no_rights_on_its_node(mesh: list[Manifest]) -> None:
    pod = pod_of(mesh)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 65532
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        assert name not in pod
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
    for volume in pod["volumes"]:
        assert set(volume) == {"name", "projected"}, "no host path, no Secret on a disk"


def test_a_rollout_leaves_no_gap(mesh: list[Manifest]) -> None:
    deployment = one(mesh, "Deployment")["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    (container,) = deployment["template"]["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert container["lifecycle"]["preStop"]["sleep"]["seconds"] > 0
    budget = one(mesh, "PodDisruptionBudget")["spec"]
    assert budget["selector"] == deployment["selector"]
    assert budget["selector"]["matchLabels"].items() <= deployment["template"]["metadata"]["labels"].items()


def test_two_replicas_prefer_two_nodes(default_mesh: list[Manifest]) -> None:
    deployment = one(default_mesh, "Deployment")["spec"]
    assert deployment["replicas"] == 2
    (preferred,) = deployment["template"]["spec"]["affinity"]["podAntiAffinity"][
        "preferredDuringSchedulingIgnoredDuringExecution"
    ]
    assert preferred["podAffinityTerm"]["topologyKey"] == "kubernetes.io/hostname"
    assert preferred["podAffinityTerm"]["labelSelector"]["matchLabels"] == deployment["selector"]["matchLabels"]


def test_ports_are_the_contracts(mesh: list[Manifest]) -> None:
    (container,) = pod_of(mesh)["containers"]
    assert {port["name"]: port["containerPort"] for port in container["ports"]} == TLS_PORTS
    service = one(mesh, "Service", "heddle-control-plane")["spec"]
    assert {port["port"]: port["targetPort"] for port in service["ports"]} == {443: "sidecars", 9443: "webhooks"}


def test_the_control_plane_shows_a_token_of_the_meshs_audience(mesh: list[Manifest]) -> None:
    (container,) = pod_of(mesh)["containers"]
    assert container["volumeMounts"] == [
        {"name": "token", "mountPath": "/var/run/secrets/mesh.heddle.dev", "readOnly": True}
    ]
    (volume,) = pod_of(mesh)["volumes"]
    (source,) = volume["projected"]["sources"]
    assert source["serviceAccountToken"]["audience"] == "mesh.heddle.dev"


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("--namespace", "kube-system"), "does not go into kube-system"),
        (("--set", "controlPlane.podDisruptionBudget.maxUnavailable=0%"), "would stop every drain"),
        (("--set", "controlPlane.podDisruptionBudget.maxUnavailable=0"), "maxUnavailable"),
    ],
)
def test_what_could_not_work_is_refused_with_the_reason(args: tuple[str, ...], reason: str) -> None:
    with pytest.raises(RenderError, match=reason):
        render("mesh", *args)
