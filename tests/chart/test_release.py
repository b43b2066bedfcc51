"""The chart mesh installed, changed, rolled back and removed by Helm in a real API server."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_server import ApiServer
from tests.support.charts import CHARTS, RenderError, helm
from tests.support.tls_webhooks import webhooks as tls_webhooks

pytestmark = pytest.mark.needs_helm
NAMESPACE = "/api/v1/namespaces/heddle-system"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
CONFIGURATIONS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")


def release(kubernetes: ApiServer, *args: str) -> str:
    return helm(*args, "--kubeconfig", str(kubernetes.kubeconfig), "--namespace", "heddle-system")


@pytest.fixture
def installed(kubernetes: ApiServer) -> Iterator[ApiServer]:
    release(kubernetes, "install", "heddle", str(CHARTS / "mesh"))
    yield kubernetes
    release(kubernetes, "uninstall", "heddle", "--ignore-not-found")


def webhooks(kubernetes: ApiServer) -> list[dict[str, Any]]:
    return [
        webhook
        for kind in CONFIGURATIONS
        for webhook in kubernetes.call("GET", f"{ADMISSION}/{kind}/heddle").body["webhooks"]
    ]


def _authority() -> str:
    """What a leader would write: the API server wants a certificate."""
    with tempfile.TemporaryDirectory() as folder, tls_webhooks((), Path(folder)) as (_, pem):
        return base64.b64encode(pem).decode()


def test_the_certificate_in_the_webhooks_outlives_upgrade_and_rollback(installed: ApiServer) -> None:
    authority = _authority()
    for kind in CONFIGURATIONS:
        path = f"{ADMISSION}/{kind}/heddle"
        count = len(installed.call("GET", path).body["webhooks"])
        patch = [
            {"op": "add", "path": f"/webhooks/{i}/clientConfig/caBundle", "value": authority} for i in range(count)
        ]
        answer = installed.call("PATCH", path, patch, "application/json-patch+json")
        assert answer.status == 200, answer.message
    release(installed, "upgrade", "heddle", str(CHARTS / "mesh"), "--set", "injector.timeoutSeconds=7")
    assert {webhook["clientConfig"].get("caBundle") for webhook in webhooks(installed)} == {authority}
    assert 7 in {webhook["timeoutSeconds"] for webhook in webhooks(installed)}
    release(installed, "rollback", "heddle", "1")
    assert {webhook["clientConfig"].get("caBundle") for webhook in webhooks(installed)} == {authority}
    assert 7 not in {webhook["timeoutSeconds"] for webhook in webhooks(installed)}


def test_the_webhook_of_the_defaults_does_not_stop_the_release_that_makes_them(installed: ApiServer) -> None:
    """No replica answers here, as at every first installation: the upgrade below changes MeshConfig all the same."""
    release(installed, "upgrade", "heddle", str(CHARTS / "mesh"), "--set", "mesh.mtls.mode=Permissive")
    found = installed.call("GET", "/apis/mesh.heddle.dev/v1alpha1/meshconfigs/default")
    assert found.body["spec"]["mtls"] == {"mode": "Permissive"}


def test_another_trust_domain_is_refused_and_the_old_one_stays(installed: ApiServer) -> None:
    with pytest.raises(RenderError, match="the trust domain is fixed"):
        release(installed, "upgrade", "heddle", str(CHARTS / "mesh"), "--set", "mesh.trustDomain=example.org")
    found = installed.call("GET", "/apis/mesh.heddle.dev/v1alpha1/meshconfigs/default")
    assert found.body["spec"]["trustDomain"] == "cluster.local"


def test_removal_leaves_nothing(installed: ApiServer) -> None:
    release(installed, "uninstall", "heddle")
    left = [
        f"{path}/{item['metadata']['name']}"
        for path in (
            *(f"{ADMISSION}/{kind}" for kind in CONFIGURATIONS),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles",
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            "/apis/rbac.authorization.k8s.io/v1/namespaces/heddle-system/roles",
            "/apis/rbac.authorization.k8s.io/v1/namespaces/heddle-system/rolebindings",
            "/apis/apps/v1/namespaces/heddle-system/deployments",
            "/apis/policy/v1/namespaces/heddle-system/poddisruptionbudgets",
            "/apis/mesh.heddle.dev/v1alpha1/meshconfigs",
            f"{NAMESPACE}/services",
            f"{NAMESPACE}/serviceaccounts",
            f"{NAMESPACE}/secrets",
        )
        for item in installed.call("GET", path).body["items"]
        if "heddle" in item["metadata"]["name"]
    ]
    assert left == []


def test_a_ca_that_must_be_given_is_asked_for(kubernetes: ApiServer) -> None:
    with pytest.raises(RenderError, match="there is no Secret heddle-ca in namespace heddle-system"):
        release(kubernetes, "install", "heddle", str(CHARTS / "mesh"), "--set", "ca.create=false")
    made = kubernetes.create(f"{NAMESPACE}/secrets", {"metadata": {"name": "heddle-ca"}})
    assert made.status == 201, made.message
    try:
        release(kubernetes, "install", "heddle", str(CHARTS / "mesh"), "--set", "ca.create=false")
        release(kubernetes, "uninstall", "heddle")
    finally:
        kubernetes.call("DELETE", f"{NAMESPACE}/secrets/heddle-ca")
