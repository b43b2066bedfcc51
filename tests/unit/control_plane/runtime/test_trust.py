"""The CA in a replica: rotated without a restart, and never lost."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from control_plane.ca.authority import Authority
from control_plane.ca.bootstrap import make_intermediate, make_root
from control_plane.kube.client import KubeClient
from control_plane.runtime.trust import ROOT_SECRET, SECRET, Trust
from tests.support.fake_kube import FakeKube

NAMESPACE = "mesh"


class Replica:
    """A Trust with a clock and a leadership of its own."""

    def __init__(self, client: KubeClient) -> None:
        self.now = datetime(2026, 6, 1, tzinfo=UTC)
        self.leading = True
        self.told: list[Authority] = []
        self.trust = Trust(
            client,
            NAMESPACE,
            ("cp.mesh.svc",),
            leading=lambda: self.leading,
            trust_domain=lambda: "cluster.local",
            changed=self.told.append,
            now=lambda: self.now,
        )


@pytest.fixture
async def at(kube: FakeKube, tmp_path: Path) -> AsyncIterator[Replica]:
    client = await KubeClient.connect(kube.kubeconfig(tmp_path / "kubeconfig"))
    yield Replica(client)
    await client.close()


def a_secret(now: datetime, extra: str = "") -> dict[str, object]:
    root = make_root("cluster.local", now)
    own = make_intermediate(root, "cluster.local", now)
    parts = {"tls.crt": own.certificate, "tls.key": own.key, "ca.crt": root.certificate + extra}
    data = {name: base64.b64encode(text.encode()).decode() for name, text in parts.items()}
    return {"kind": "Secret", "metadata": {"name": SECRET, "namespace": NAMESPACE}, "data": data}


async def test_only_the_leader_makes_a_ca(kube: FakeKube, at: Replica) -> None:
    at.leading = False
    await at.trust.step()
    assert kube.get("Secret", NAMESPACE, SECRET) is None
    at.leading = True
    await at.trust.step()
    assert kube.get("Secret", NAMESPACE, SECRET) is not None
    assert at.trust.ready.is_set()


async def test_a_root_that_is_there_is_used_again(kube: FakeKube, at: Replica) -> None:
    await at.trust.step()
    root = kube.get("Secret", NAMESPACE, ROOT_SECRET)
    await kube.delete("Secret", NAMESPACE, SECRET)
    at.trust.authority = None
    await at.trust.step()
    made = kube.get("Secret", NAMESPACE, SECRET)
    assert root is not None
    assert made is not None
    assert made["data"]["ca.crt"] == root["data"]["tls.crt"]


async def test_new_roots_are_told_and_a_new_intermediate_is_not_news(kube: FakeKube, at: Replica) -> None:
    other = make_root("other", at.now).certificate
    first = a_secret(at.now)
    await kube.apply(first)
    await at.trust.step()
    assert len(at.told) == 1
    await at.trust.step()
    assert len(at.told) == 1
    await kube.apply(a_secret(at.now, extra=other))
    await at.trust.step()
    assert at.told[1].trust_bundle.count("BEGIN CERTIFICATE") == 2


async def test_a_secret_that_is_broken_later_changes_nothing(kube: FakeKube, at: Replica) -> None:
    await kube.apply(a_secret(at.now))
    await at.trust.step()
    before = at.trust.authority
    broken = a_secret(at.now)
    broken["data"] = {"tls.crt": ""}
    await kube.apply(broken)
    with pytest.raises(ValueError, match="missing"):
        await at.trust.step()
    assert at.trust.authority is before
    await kube.delete("Secret", NAMESPACE, SECRET)
    await at.trust.step()
    assert at.trust.authority is before


async def test_the_serving_certificate_is_renewed_at_half_of_its_life(kube: FakeKube, at: Replica) -> None:
    await at.trust.step()
    due = at.trust._renew_at
    assert due == at.now + timedelta(hours=12)
    at.now += timedelta(hours=11)
    await at.trust.step()
    assert at.trust._renew_at == due
    at.now += timedelta(hours=2)
    await at.trust.step()
    assert at.trust._renew_at == at.now + timedelta(hours=12)


async def test_without_the_right_to_make_it_the_message_says_what_is_missing(kube: FakeKube, at: Replica) -> None:
    kube.forbidden.add(("POST", "Secret"))
    with pytest.raises(ValueError, match="Secret mesh/heddle-ca is missing"):
        await at.trust.step()
    assert not at.trust.ready.is_set()


async def test_a_follower_waits_until_the_webhooks_trust_the_ca(kube: FakeKube, at: Replica) -> None:
    webhook = {"name": "one", "clientConfig": {"service": {"name": "cp"}}}
    await kube.apply({"kind": "MutatingWebhookConfiguration", "metadata": {"name": "heddle"}, "webhooks": [webhook]})
    await kube.apply(a_secret(at.now))
    at.leading = False
    await at.trust.step()
    assert not at.trust.webhooks_ready.is_set()
    at.leading = True
    await at.trust.step()
    assert at.trust.webhooks_ready.is_set()
    obj = kube.get("MutatingWebhookConfiguration", "", "heddle")
    secret = kube.get("Secret", NAMESPACE, SECRET)
    assert obj is not None
    assert secret is not None
    assert obj["webhooks"][0]["clientConfig"] == {"service": {"name": "cp"}, "caBundle": secret["data"]["ca.crt"]}
