"""The few objects that the control plane itself reads and writes by name."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from control_plane.kinds.registry import KINDS
from control_plane.kube.client import JSON_PATCH, MERGE_PATCH, KubeClient
from control_plane.kube.errors import NotFound

_WEBHOOKS = "/apis/admissionregistration.k8s.io/v1"
WEBHOOK_KINDS = ("mutatingwebhookconfigurations", "validatingwebhookconfigurations")


class _Secret(msgspec.Struct, frozen=True):
    data: dict[str, str] = {}


class _ClientConfig(msgspec.Struct, frozen=True, rename="camel"):
    ca_bundle: str = ""


class _Webhook(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    client_config: _ClientConfig


class _WebhookConfiguration(msgspec.Struct, frozen=True):
    webhooks: list[_Webhook] = []


_secret = msgspec.json.Decoder(_Secret)
_webhooks = msgspec.json.Decoder(_WebhookConfiguration)


async def read_secret(client: KubeClient, namespace: str, name: str) -> dict[str, bytes] | None:
    """The data of a Secret; None: it does not exist.

    Raises:
        KubeError: the API server did not answer, or does not let us.
        ValueError: its data is not base64.
    """
    try:
        secret = _secret.decode(await client.get(f"/api/v1/namespaces/{namespace}/secrets/{name}"))
    except NotFound:
        return None
    return {key: base64.b64decode(value, validate=True) for key, value in secret.data.items()}


async def create_secret(client: KubeClient, namespace: str, name: str, data: Mapping[str, str]) -> None:
    """Create a Secret.

    Raises:
        Conflict: it exists.
    """
    await client.post(
        f"/api/v1/namespaces/{namespace}/secrets",
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "Opaque",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {
                    "app.kubernetes.io/part-of": "heddle",
                    "app.kubernetes.io/managed-by": "heddle-control-plane",
                },
            },
            "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
        },
    )


async def trust_webhooks(client: KubeClient, name: str, trust_bundle: str, *, write: bool) -> int:
    """How many webhooks of both configurations of that name do not have these roots; `write` gives them these."""
    wanted = base64.b64encode(trust_bundle.encode()).decode()
    changed = 0
    for kind in WEBHOOK_KINDS:
        path = f"{_WEBHOOKS}/{kind}/{name}"
        try:
            webhooks = _webhooks.decode(await client.get(path)).webhooks
        except NotFound:
            continue
        patch: list[dict[str, Any]] = []
        for i, webhook in enumerate(webhooks):
            if webhook.client_config.ca_bundle != wanted:
                patch.append({"op": "test", "path": f"/webhooks/{i}/name", "value": webhook.name})
                patch.append({"op": "add", "path": f"/webhooks/{i}/clientConfig/caBundle", "value": wanted})
                changed += 1
        if patch and write:
            await client.patch(path, patch, JSON_PATCH)
    return changed


async def write_status(
    client: KubeClient, kind: str, key: tuple[str, str], resource_version: str, status: Mapping[str, Any]
) -> None:
    """Replace the given fields of an object's status.

    Raises:
        Conflict: the object has changed since `resource_version` was read.
        NotFound: it is gone.
    """
    path = KINDS[kind].object_path(*key) + "/status"
    await client.patch(path, {"metadata": {"resourceVersion": resource_version}, "status": dict(status)}, MERGE_PATCH)
