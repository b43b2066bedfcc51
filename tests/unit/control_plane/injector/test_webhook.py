"""The mutating webhook, asked over HTTP as the API server asks."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from control_plane.admission_review import MAX_REVIEW_BYTES
from control_plane.injector.settings import InjectorSettings, from_environment
from control_plane.injector.webhook import routes
from tests.support import json_patch
from tests.support.admission import UID, a_review, patch_of, serving

NOT_READY = from_environment(
    {"HEDDLE_NAMESPACE": "heddle-system", "HEDDLE_SERVICE": "heddle-control-plane", "HEDDLE_IMAGE": "sidecar:1"}
)
SETTINGS = NOT_READY.with_trust(trust_bundle="PEM", trust_domain="cluster.local")
POD: dict[str, Any] = {"metadata": {"generateName": "web-"}, "spec": {"containers": [{"name": "web"}]}}


async def ask(
    obj: Any, path: str = "/inject/namespace-enabled", settings: InjectorSettings = SETTINGS, **about: Any
) -> dict[str, Any]:
    async with serving(routes(lambda: settings)) as client:
        answer = await client.post(path, json=a_review(obj, **{"kind": "Pod", **about}))
        assert answer.status == 200, await answer.text()
        review = await answer.json()
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    response: dict[str, Any] = review["response"]
    assert response["uid"] == UID
    return response


async def test_a_pod_of_an_enabled_namespace_is_patched() -> None:
    response = await ask(POD)
    assert response["allowed"]
    names = [c["name"] for c in json_patch.apply(POD, patch_of(response))["spec"]["initContainers"]]
    assert names == ["heddle-capture", "heddle-proxy"]


async def test_the_path_tells_what_the_namespace_says() -> None:
    response = await ask(POD, "/inject/namespace-disabled")
    assert response["allowed"]
    assert patch_of(response) == []
    response = await ask(POD, "/inject/namespace-unreadable")
    assert not response["allowed"]
    assert "correct it on the namespace" in response["status"]["message"]


async def test_a_refusal_names_every_field() -> None:
    pod = {
        "metadata": {"annotations": {"mesh.heddle.dev/proxy-cpu": "lots"}},
        "spec": {"containers": [{"name": "web", "securityContext": {"runAsUser": 1337}}]},
    }
    response = await ask(pod)
    assert not response["allowed"]
    assert "patch" not in response
    lines = response["status"]["message"].splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        "metadata.annotations[mesh.heddle.dev/proxy-cpu]",
        "spec.containers[0].securityContext.runAsUser",
    ]


async def test_warnings_come_back() -> None:
    pod = {**POD, "spec": {**POD["spec"], "shareProcessNamespace": True}}
    response = await ask(pod)
    assert response["allowed"]
    assert "shareProcessNamespace" in response["warnings"][0]


async def test_a_field_of_another_type_is_refused_not_let_through() -> None:
    response = await ask({"spec": {"containers": [{"name": 7}]}})
    assert not response["allowed"]
    assert response["status"]["message"].startswith("spec.containers[0].name: ")


@pytest.mark.parametrize("about", [{"kind": "ConfigMap"}, {"operation": "UPDATE"}])
async def test_what_is_no_new_pod_is_none_of_its_business(about: dict[str, str]) -> None:
    response = await ask(POD, **about)
    assert response["allowed"]
    assert patch_of(response) == []


async def test_without_trust_pods_wait() -> None:
    async with serving(routes(lambda: NOT_READY)) as client:
        answer = await client.post("/inject/namespace-enabled", json=a_review(POD, kind="Pod"))
        assert answer.status == 503
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}',
        b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","request":{"uid":"1","kind":{"kind":"Pod"}}}',
        b'{"request":' + b"[" * 5000,
        b"\xff\xfe",
    ],
)
async def test_what_is_no_review_is_refused(body: bytes) -> None:
    async with serving(routes(lambda: SETTINGS)) as client:
        answer = await client.post("/inject/namespace-enabled", data=body)
        assert answer.status == 400


async def test_a_review_above_the_limit_is_refused() -> None:
    async with serving(routes(lambda: SETTINGS)) as client:
        answer = await client.post("/inject/namespace-enabled", data=b" " * (MAX_REVIEW_BYTES + 1))
        assert answer.status == 413


async def test_nothing_of_the_pods_environment_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    secret = "correct-horse-battery-staple"
    pod = {
        "metadata": {"annotations": {"mesh.heddle.dev/proxy-cpu": "lots"}},
        "spec": {"containers": [{"name": "web", "env": [{"name": "PASSWORD", "value": secret}]}]},
    }
    with caplog.at_level(logging.DEBUG):
        await ask(pod)
        await ask(POD)
    assert "pod refused" in caplog.text
    assert secret not in caplog.text + repr([record.__dict__ for record in caplog.records])
