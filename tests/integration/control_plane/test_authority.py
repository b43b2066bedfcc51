"""The CA of the cluster: made once where none is given, used where one is, and trusted by the webhooks."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import aiohttp

from tests.support.control_plane import NAMESPACE, Replica, replica
from tests.support.fake_kube import FakeKube

WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


async def readiness(at: Replica) -> tuple[int, str]:
    url = f"http://127.0.0.1:{at.ports['health']}/readyz"
    async with aiohttp.ClientSession(trust_env=False) as session, session.get(url) as answer:
        return answer.status, await answer.text()


def bundle(obj: dict[str, Any] | None) -> str:
    config = (obj or {}).get("webhooks", [{}])[0].get("clientConfig", {})
    return str(config.get("caBundle", ""))


async def test_it_is_made_once_and_both_webhooks_trust_it(kube: FakeKube, tmp_path: Path) -> None:
    async with replica(kube, tmp_path) as cp:
        made = kube.get("Secret", NAMESPACE, "heddle-ca")
        assert made is not None
        assert sorted(made["data"]) == ["ca.crt", "tls.crt", "tls.key"]
        assert made["type"] == "Opaque"
        root = kube.get("Secret", NAMESPACE, "heddle-ca-root")
        assert root is not None
        assert root["data"]["tls.crt"] == made["data"]["ca.crt"]
        assert base64.b64decode(made["data"]["tls.key"]).startswith(b"-----BEGIN PRIVATE KEY")
        for kind in WEBHOOKS:
            obj = await kube.until(kind, "", "heddle", bundle)
            assert bundle(obj) == made["data"]["ca.crt"]
        assert await cp.terminate() == 0
    version = made["metadata"]["resourceVersion"]
    async with replica(kube, tmp_path, "cp-1"):
        again = kube.get("Secret", NAMESPACE, "heddle-ca")
    assert again is not None
    assert again["metadata"]["resourceVersion"] == version


async def test_ready_means_that_webhooks_can_be_called(kube: FakeKube, tmp_path: Path) -> None:
    for kind in WEBHOOKS:
        kube.forbidden.add(("PATCH", kind))
    async with replica(kube, tmp_path) as cp:
        status, text = await readiness(cp)
        assert (status, text) == (503, "waiting for caBundle of the webhooks\n")


async def test_health_and_metrics(kube: FakeKube, tmp_path: Path) -> None:
    async with replica(kube, tmp_path) as cp, aiohttp.ClientSession(trust_env=False) as session:
        base = f"http://127.0.0.1:{cp.ports['health']}"
        await kube.until(WEBHOOKS[1], "", "heddle", bundle)
        async with session.get(f"{base}/livez") as answer:
            assert answer.status == 200
        async with session.get(f"{base}/metrics") as answer:
            text = await answer.text()
    assert "heddle_control_plane_sidecars 0.0" in text
    assert "process_resident_memory_bytes" in text
