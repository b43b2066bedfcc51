"""The chart's webhook configurations in a real API server, answered by the real webhooks.

Only the address differs from a cluster: the API server here knows no Services, so each `service` becomes a URL.
"""

from __future__ import annotations

import base64
import copy
from collections.abc import Iterator
from typing import Any

import pytest

from control_plane.admission.webhook import routes as admission_routes
from control_plane.index.store import Index
from control_plane.injector.settings import from_environment
from control_plane.injector.webhook import routes as injector_routes
from tests.support.api_server import Answer, ApiServer
from tests.support.charts import Manifest, one, render
from tests.support.tls_webhooks import webhooks

pytestmark = pytest.mark.needs_helm
INJECT = "mesh.heddle.dev/inject"
GATEWAY = "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes"
SETTINGS = from_environment(
    {"HEDDLE_NAMESPACE": "heddle-system", "HEDDLE_SERVICE": "heddle-control-plane", "HEDDLE_IMAGE": "sidecar:1"}
).with_trust(trust_bundle="PEM", trust_domain="cluster.local")
HTTP_ROUTES = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {
        "name": "httproutes.gateway.networking.k8s.io",
        "annotations": {"api-approved.kubernetes.io": "unapproved, stands in for the Gateway API's own"},
    },
    "spec": {
        "group": "gateway.networking.k8s.io",
        "names": {"kind": "HTTPRoute", "listKind": "HTTPRouteList", "plural": "httproutes", "singular": "httproute"},
        "scope": "Namespaced",
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


def reachable(configuration: Manifest, root: str, ca: bytes) -> Manifest:
    result = copy.deepcopy(configuration)
    for webhook in result["webhooks"]:
        service = webhook["clientConfig"].pop("service")
        assert service["name"] == "heddle-control-plane"
        assert service["port"] == 9443
        webhook["clientConfig"] |= {"url": root + service["path"], "caBundle": base64.b64encode(ca).decode()}
    return result


@pytest.fixture(scope="module")
def cluster(kubernetes: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """The API server with both configurations, and namespaces of every sort."""
    mesh = render("mesh")
    made = [kubernetes.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", HTTP_ROUTES)]
    kubernetes.wait_for("/apis/gateway.networking.k8s.io/v1/httproutes")
    for name, label in (("meshed", "enabled"), ("plain", None), ("off", "disabled"), ("odd", "yes")):
        labels = {INJECT: label} if label else {}
        made.append(kubernetes.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}}))
    folder = tmp_path_factory.mktemp("webhooks")
    with webhooks([*injector_routes(lambda: SETTINGS), *admission_routes(Index())], folder) as (root, ca):
        group = "/apis/admissionregistration.k8s.io/v1"
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            configuration = reachable(one(mesh, kind), root, ca)
            made.append(kubernetes.create(f"{group}/{kind.lower()}s", configuration))
        assert all(answer.status == 201 for answer in made), [answer.message for answer in made]
        try:
            _until_asked(kubernetes)
            yield kubernetes
        finally:
            for kind in ("mutatingwebhookconfigurations", "validatingwebhookconfigurations"):
                kubernetes.call("DELETE", f"{group}/{kind}/heddle")


def _until_asked(kubernetes: ApiServer) -> None:
    """The API server reads webhook configurations from a watch: a moment after they are made it asks."""
    for _ in range(600):
        pod, route = create_pod(kubernetes, "meshed"), create_route(kubernetes, "Service")
        assert (pod.status, route.status) == (201, 201), f"{pod.message} {route.message}"
        if pod.body["spec"].get("initContainers") and route.warnings:
            return
    raise TimeoutError("the API server does not ask the webhooks")


def create_pod(kubernetes: ApiServer, namespace: str, label: str | None = None, **spec: Any) -> Answer:
    labels = {INJECT: label} if label else {}
    pod = {
        "metadata": {"name": "web", "labels": labels},
        "spec": {
            "serviceAccountName": "default",
            "containers": [{"name": "web", "image": "web:1", "readinessProbe": {"tcpSocket": {"port": 80}}}],
            **spec,
        },
    }
    return kubernetes.create(f"/api/v1/namespaces/{namespace}/pods", pod, dry_run=True)


def create_route(kubernetes: ApiServer, parent: str) -> Answer:
    group = "" if parent == "Service" else "gateway.networking.k8s.io"
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "parentRefs": [{"group": group, "kind": parent, "name": "web"}],
            "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/a"}}]}],
        },
    }
    return kubernetes.create(GATEWAY, route, dry_run=True)


@pytest.mark.parametrize(
    ("namespace", "label", "injected"),
    [
        ("meshed", None, True),
        ("meshed", "enabled", True),
        ("meshed", "disabled", False),
        ("plain", None, False),
        ("plain", "enabled", True),
        ("off", None, False),
        ("off", "enabled", True),
        ("odd", "enabled", True),
        ("odd", "disabled", False),
        ("heddle-system", None, False),
        ("kube-system", "enabled", False),
    ],
)
def test_labels_decide_who_gets_a_sidecar(
    cluster: ApiServer, namespace: str, label: str | None, injected: bool
) -> None:
    made = create_pod(cluster, namespace, label)
    assert made.status == 201, made.message
    names = [container["name"] for container in made.body["spec"].get("initContainers", [])]
    assert names == (["heddle-capture", "heddle-proxy"] if injected else [])
    probe = made.body["spec"]["containers"][0]["readinessProbe"]
    assert ("tcpSocket" in probe) is not injected


@pytest.mark.parametrize(("namespace", "label"), [("odd", None), ("meshed", "true"), ("plain", "true")])
def test_a_label_that_cannot_be_read_refuses_the_pod(cluster: ApiServer, namespace: str, label: str | None) -> None:
    made = create_pod(cluster, namespace, label)
    assert made.status == 422
    assert "enabled, disabled" in made.message


def test_warnings_reach_who_creates_the_pod(cluster: ApiServer) -> None:
    made = create_pod(cluster, "meshed", shareProcessNamespace=True)
    assert made.status == 201
    assert any("shareProcessNamespace" in warning for warning in made.warnings)


@pytest.mark.parametrize("grace", [0, 1, 2, 30])
def test_kubernetes_accepts_the_pod_for_every_grace_period(cluster: ApiServer, grace: int) -> None:
    made = create_pod(cluster, "meshed", terminationGracePeriodSeconds=grace)
    assert made.status == 201, made.message


def test_a_wrong_policy_is_refused_with_the_field(cluster: ApiServer) -> None:
    source = {"name": "web", "permissions": [{"action": "allow", "http": {"pathRegex": "(a"}}]}
    intentions = {
        "apiVersion": "mesh.heddle.dev/v1alpha1",
        "kind": "ServiceIntentions",
        "metadata": {"name": "api", "namespace": "shop"},
        "spec": {"destination": {"name": "api"}, "sources": [source]},
    }
    path = "/apis/mesh.heddle.dev/v1alpha1/namespaces/shop/serviceintentions"
    made = cluster.create(path, intentions, dry_run=True)
    assert made.status == 422
    assert "spec.sources[0].permissions[0].http.pathRegex" in made.message
    source["permissions"][0]["http"]["pathRegex"] = "/a.*"
    made = cluster.create(path, intentions, dry_run=True)
    assert made.status == 201, made.message
    assert "spec.destination.name: Service shop/api does not exist (yet)" in made.warnings


def test_routes_of_gateways_are_not_asked_about(cluster: ApiServer) -> None:
    assert create_route(cluster, "Service").warnings
    made = create_route(cluster, "Gateway")
    assert made.status == 201, made.message
    assert made.warnings == ()


def test_no_certificate_is_in_the_manifests(mesh: list[Manifest]) -> None:
    """It is written at run time; a manifest that held it would bring back an old one at every upgrade or rollback."""
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        for webhook in one(mesh, kind)["webhooks"]:
            assert "caBundle" not in webhook["clientConfig"]


def test_while_nobody_answers_meshed_pods_wait_and_the_rest_goes_on(mesh: list[Manifest]) -> None:
    for webhook in one(mesh, "MutatingWebhookConfiguration")["webhooks"]:
        assert webhook["failurePolicy"] == "Fail"
        assert webhook["sideEffects"] == "None"
        excluded = webhook["namespaceSelector"]["matchExpressions"][0]
        assert excluded["key"] == "kubernetes.io/metadata.name"
        assert {"kube-system", "heddle-system"} <= set(excluded["values"])
        assert len(webhook["objectSelector"]["matchExpressions"]) >= 1
