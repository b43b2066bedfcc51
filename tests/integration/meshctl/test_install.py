"""meshctl install, upgrade, rollback, uninstall with real Helm against a real API server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from meshctl.__main__ import main
from meshctl.errors import EXIT_FAILED
from tests.integration.meshctl.rollout import rollouts
from tests.support.api_server import ApiServer, api_server
from tests.support.charts import CHARTS, helm

pytestmark = [
    pytest.mark.needs_helm,
    # the API server made its certificate a moment ago
    pytest.mark.filterwarnings("ignore:Unverified HTTPS request"),
]
NAMESPACE = "/api/v1/namespaces/heddle-system"
DEPLOYMENT = "/apis/apps/v1/namespaces/heddle-system/deployments/heddle-control-plane"
DEFINITION: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": "httproutes.gateway.networking.k8s.io",
        "annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/891"},
    },
    "spec": {
        "group": "gateway.networking.k8s.io",
        "scope": "Namespaced",
        "names": {"kind": "HTTPRoute", "plural": "httproutes"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
"""As much of the Gateway API as the preflight asks for."""


@pytest.fixture(scope="module")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with api_server(tmp_path_factory.mktemp("api")) as server:
        yield server


class Meshctl:
    """Runs the command line in this process; `said` is what its last call printed as JSON."""

    def __init__(self, kubernetes: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
        self.arguments = ["--kubeconfig", str(kubernetes.kubeconfig), "-o", "json"]
        self.limit = ["--timeout", "20"]
        self.capsys = capsys
        self.said: dict[str, Any] = {}

    def __call__(self, *arguments: str) -> int:
        self.capsys.readouterr()
        changes_a_release = (
            arguments[0] in ("install", "upgrade", "rollback", "uninstall") and "--timeout" not in arguments
        )
        code = main([*arguments, *self.arguments, *(self.limit if changes_a_release else [])])
        self.said = json.loads(self.capsys.readouterr().out)
        return code


@pytest.fixture
def meshctl(kubernetes: ApiServer, capsys: pytest.CaptureFixture[str]) -> Meshctl:
    return Meshctl(kubernetes, capsys)


def revision(kubernetes: ApiServer) -> int:
    shown = helm("list", "-n", "heddle-system", "-o", "json", "--kubeconfig", str(kubernetes.kubeconfig))
    return int(next(one["revision"] for one in json.loads(shown) if one["name"] == "heddle"))


def test_the_whole_life(kubernetes: ApiServer, meshctl: Meshctl, tmp_path: Path) -> None:
    """One server for all steps, in the order in which an operator takes them."""
    assert meshctl("install") == EXIT_FAILED, "without the Gateway API nothing is begun"
    assert "httproutes.gateway.networking.k8s.io is missing" in meshctl.said["error"]
    assert kubernetes.call("GET", NAMESPACE).status == 404
    assert kubernetes.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", DEFINITION).status == 201

    folder = str(tmp_path / "ca")
    assert meshctl("ca", "init", "--dir", folder) == 0
    assert meshctl("install", "--ca", folder, "--timeout", "3") == EXIT_FAILED, "no replica becomes ready: rolled back"
    assert kubernetes.call("GET", DEPLOYMENT).status == 404

    with rollouts(kubernetes):
        assert meshctl("install", "--ca", folder, "--dry-run") == 0
        assert meshctl.said == {"changed": True, "dryRun": True}
        assert meshctl("install", "--ca", folder) == 0, meshctl.said
        assert meshctl.said["changed"]
        secret = kubernetes.call("GET", f"{NAMESPACE}/secrets/heddle-ca").body["data"]
        assert set(secret) == {"tls.crt", "tls.key", "ca.crt"}
        assert meshctl("install", "--ca", folder) == 0
        assert not meshctl.said["changed"], "a second run changes nothing"

        assert meshctl("ca", "init", "--dir", str(tmp_path / "other")) == 0
        assert meshctl("install", "--ca", str(tmp_path / "other")) == EXIT_FAILED
        assert "another authority" in meshctl.said["error"]

        before = revision(kubernetes)
        assert meshctl("upgrade", "--set", "controlPlane.replicas=3") == 0, meshctl.said
        assert kubernetes.call("GET", DEPLOYMENT).body["spec"]["replicas"] == 3
        assert meshctl("upgrade", "--set", "proxy.logLevel=debug") == 0
        assert kubernetes.call("GET", DEPLOYMENT).body["spec"]["replicas"] == 3, "an upgrade keeps what was given"
        for dry in ((), ("--dry-run",)):
            assert meshctl("upgrade", "--set", "nonsense=1", *dry) == EXIT_FAILED
            assert "additional properties 'nonsense' not allowed" in meshctl.said["error"]
        assert revision(kubernetes) == before + 2
        assert meshctl("rollback", "--revision", str(before)) == 0
        assert kubernetes.call("GET", DEPLOYMENT).body["spec"]["replicas"] == 2

        assert meshctl("check", "certificates", "--only", "authority", "--only", "expiry") == 0, meshctl.said
    assert meshctl("uninstall", "--keep-namespace") == 0
    assert kubernetes.call("GET", DEPLOYMENT).status == 404
    assert meshctl("uninstall", "--keep-namespace") == 0
    assert not meshctl.said["changed"]


def test_releases_that_are_not_ours_are_left_alone(kubernetes: ApiServer, meshctl: Meshctl, tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: other\nversion: 1.0.0\n")
    at = ("--namespace", "heddle-system", "--create-namespace", "--kubeconfig", str(kubernetes.kubeconfig))
    helm("install", "heddle", str(tmp_path), *at)
    try:
        assert meshctl("install", "--timeout", "5") == EXIT_FAILED
        assert "not ours" in meshctl.said["error"]
    finally:
        helm("uninstall", "heddle", "--namespace", "heddle-system", "--kubeconfig", str(kubernetes.kubeconfig))


def test_a_second_mesh_is_refused(kubernetes: ApiServer, meshctl: Meshctl) -> None:
    at = ("--namespace", "elsewhere", "--create-namespace", "--kubeconfig", str(kubernetes.kubeconfig))
    helm("install", "heddle", str(CHARTS / "mesh"), *at)
    try:
        assert meshctl("install", "--timeout", "5") == EXIT_FAILED
        assert "elsewhere" in meshctl.said["error"]
        assert "one mesh per cluster" in meshctl.said["hint"]
    finally:
        helm("uninstall", "heddle", "--namespace", "elsewhere", "--kubeconfig", str(kubernetes.kubeconfig))
