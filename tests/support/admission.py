"""An AdmissionReview as the API server sends it, and a server that holds a webhook's routes."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

UID = "705ab4f5-6393-11e8-b7cc-42010a800002"


def a_review(obj: Any, *, kind: str, operation: str = "CREATE", namespace: str = "shop") -> dict[str, Any]:
    """A review of one object. Fields that webhooks do not read are there as well."""
    group = "" if kind == "Pod" else "mesh.heddle.dev"
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": UID,
            "kind": {"group": group, "version": "v1", "kind": kind},
            "resource": {"group": group, "version": "v1", "resource": f"{kind.lower()}s"},
            "requestKind": {"group": group, "version": "v1", "kind": kind},
            "name": "",
            "namespace": namespace,
            "operation": operation,
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller"},
            "object": obj,
            "oldObject": None,
            "dryRun": False,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    }


def patch_of(response: dict[str, Any]) -> list[dict[str, Any]]:
    """The operations of an answer; empty when it has none."""
    if "patch" not in response:
        return []
    assert response["patchType"] == "JSONPatch"
    operations: list[dict[str, Any]] = json.loads(base64.b64decode(response["patch"]))
    return operations


@asynccontextmanager
async def serving(routes: Sequence[web.RouteDef]) -> AsyncIterator[TestClient[Any, Any]]:
    """A client of a real HTTP server on loopback with these routes."""
    app = web.Application()
    app.add_routes(routes)
    async with TestClient(TestServer(app)) as client:
        yield client
