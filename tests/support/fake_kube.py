"""A Kubernetes API over HTTP for tests: objects, list in pages, watch with resume and bookmarks, 410, patches, token
reviews. It behaves like an API server where the control plane can see a difference; it validates nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from aiohttp import web

from tests.support import json_patch

Json = dict[str, Any]
Key = tuple[str, str]

PLURALS = {
    "Namespace": "/api/v1/namespaces",
    "Service": "/api/v1/services",
    "Pod": "/api/v1/pods",
    "Secret": "/api/v1/secrets",
    "EndpointSlice": "/apis/discovery.k8s.io/v1/endpointslices",
    "HTTPRoute": "/apis/gateway.networking.k8s.io/v1/httproutes",
    "GRPCRoute": "/apis/gateway.networking.k8s.io/v1/grpcroutes",
    "TCPRoute": "/apis/gateway.networking.k8s.io/v1/tcproutes",
    "TLSRoute": "/apis/gateway.networking.k8s.io/v1/tlsroutes",
    "ServiceSubset": "/apis/mesh.heddle.dev/v1alpha1/servicesubsets",
    "ServiceIntentions": "/apis/mesh.heddle.dev/v1alpha1/serviceintentions",
    "TrafficPolicy": "/apis/mesh.heddle.dev/v1alpha1/trafficpolicies",
    "MeshConfig": "/apis/mesh.heddle.dev/v1alpha1/meshconfigs",
    "XBackendTrafficPolicy": "/apis/gateway.networking.x-k8s.io/v1alpha1/xbackendtrafficpolicies",
    "XMesh": "/apis/gateway.networking.x-k8s.io/v1alpha1/xmeshes",
    "Lease": "/apis/coordination.k8s.io/v1/leases",
    "MutatingWebhookConfiguration": "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
    "ValidatingWebhookConfiguration": "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations",
}
CLUSTER_SCOPED = {"Namespace", "MeshConfig", "XMesh", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}
KINDS = {path: kind for kind, path in PLURALS.items()}


class Token(NamedTuple):
    """What a token stands for."""

    namespace: str
    service_account: str
    pod: str = ""
    pod_uid: str = ""
    audience: str = "mesh.heddle.dev"


class _Event(NamedTuple):
    version: int
    type: str
    object: Json


class FakeKube:
    """One API server. `url` is where it listens while it runs."""

    def __init__(self) -> None:
        self._versions = itertools.count(1)
        self._version = 0
        self._oldest = 0
        self._objects: dict[str, dict[Key, Json]] = {kind: {} for kind in PLURALS}
        self._events: dict[str, list[_Event]] = {kind: [] for kind in PLURALS}
        self._changed = asyncio.Condition()
        self._generation = 0
        self._runner: web.AppRunner | None = None
        self._port = 0
        self.tokens: dict[str, Token] = {}
        self.missing: set[str] = set()
        """Kinds that are not installed: 404."""
        self.forbidden: set[tuple[str, str]] = set()
        """(HTTP method, kind) pairs that RBAC refuses: 403."""
        self.page = 0
        """Objects per page of a list at most; 0: as the client asks."""
        self.requests: list[tuple[str, str]] = []
        """Method and path with query of every request so far."""

    # --- life -------------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Listen; after a `stop` on the same port, with the same objects."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close every connection and listen no more."""
        await self.drop_watches()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def drop_watches(self) -> None:
        """End all watches, as a load balancer does."""
        async with self._changed:
            self._generation += 1
            self._changed.notify_all()

    async def expire(self) -> None:
        """Forget the past (compaction): whoever resumes from before now gets 410 Gone."""
        self._version = next(self._versions)
        self._oldest = self._version
        for events in self._events.values():
            events.clear()
        await self.drop_watches()

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig for this server."""
        named: Json = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": self.url}}],
            "users": [{"name": "fake", "user": {"token": "operator"}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        }
        path.write_text(yaml.safe_dump(named))
        return path

    # --- objects ----------------------------------------------------------------------------------------------------

    async def apply(self, *objects: Json) -> None:
        """Create or replace objects, as `kubectl apply` would; the generation grows when the spec changes."""
        for obj in objects:
            kind, key = obj["kind"], _key(obj)
            known = self._objects[kind].get(key)
            new = copy.deepcopy(obj)
            meta = new.setdefault("metadata", {})
            old = known["metadata"] if known else {}
            meta.setdefault("uid", old.get("uid", f"uid-{kind}-{key[0]}-{key[1]}"))
            meta.setdefault("creationTimestamp", old.get("creationTimestamp", "2026-01-01T00:00:00Z"))
            same = known is not None and known.get("spec") == new.get("spec")
            meta["generation"] = old.get("generation", 0) + (0 if same else 1)
            if known and "status" in known:
                new.setdefault("status", known["status"])
            await self._store(kind, key, new, "MODIFIED" if known else "ADDED")

    async def delete(self, kind: str, namespace: str, name: str) -> None:
        """Delete an object."""
        obj = self._objects[kind].pop((namespace, name))
        await self._emit(kind, obj, "DELETED")

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """An object as it is now."""
        return self._objects[kind].get((namespace, name))

    async def until(self, kind: str, namespace: str, name: str, holds: Any, timeout: float = 10.0) -> Json:
        """Wait until `holds(object)` is true; the object is None while it does not exist."""
        async with asyncio.timeout(timeout), self._changed:
            while not holds(self.get(kind, namespace, name)):
                await self._changed.wait()
            found = self.get(kind, namespace, name)
            assert found is not None
            return found

    async def until_asked(self, count: int, timeout: float = 10.0) -> None:
        """Wait until so many requests have come in all."""
        async with asyncio.timeout(timeout), self._changed:
            while len(self.requests) < count:
                await self._changed.wait()

    async def _store(self, kind: str, key: Key, obj: Json, event: str) -> None:
        self._objects[kind][key] = obj
        await self._emit(kind, obj, event)

    async def _emit(self, kind: str, obj: Json, event: str) -> None:
        self._version = next(self._versions)
        obj["metadata"]["resourceVersion"] = str(self._version)
        self._events[kind].append(_Event(self._version, event, copy.deepcopy(obj)))
        async with self._changed:
            self._changed.notify_all()

    # --- HTTP -------------------------------------------------------------------------------------------------------

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path_qs))
        async with self._changed:
            self._changed.notify_all()
        if request.path.endswith("/tokenreviews"):
            return self._review(await request.json())
        kind, key, subresource = _parse(request.path)
        if not kind or kind in self.missing:
            return _status(404, "the server could not find the requested resource")
        if (request.method, kind) in self.forbidden:
            return _status(403, f"{kind} is forbidden")
        if key is None or not key[1]:
            return await self._collection(request, kind, key[0] if key else "")
        return await self._object(request, kind, key, subresource)

    async def _collection(self, request: web.Request, kind: str, namespace: str) -> web.StreamResponse:
        if request.method == "POST":
            obj = await request.json()
            obj["metadata"].setdefault("namespace", namespace)
            if kind in CLUSTER_SCOPED:
                obj["metadata"].pop("namespace")
            obj["kind"] = kind
            if _key(obj) in self._objects[kind]:
                return _status(409, f"{kind} {_key(obj)} already exists")
            await self.apply(obj)
            return web.json_response(self.get(kind, *_key(obj)), status=201)
        if request.query.get("watch") == "true":
            return await self._watch(request, kind, namespace)
        return self._list(request, kind, namespace)

    def _list(self, request: web.Request, kind: str, namespace: str) -> web.Response:
        items = [obj for key, obj in sorted(self._objects[kind].items()) if namespace in {"", key[0]}]
        size = self.page or int(request.query.get("limit", "0")) or len(items) or 1
        start = int(request.query.get("continue") or 0)
        meta = {"resourceVersion": str(self._version)}
        if start + size < len(items):
            meta["continue"] = str(start + size)
        return web.json_response({"kind": f"{kind}List", "metadata": meta, "items": items[start : start + size]})

    async def _watch(self, request: web.Request, kind: str, namespace: str) -> web.StreamResponse:
        reached = int(request.query.get("resourceVersion") or 0)
        response = web.StreamResponse()
        await response.prepare(request)
        generation = self._generation
        if reached < self._oldest:
            gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
            await _line(response, "ERROR", gone)
            return response
        while generation == self._generation:
            for event in self._later(kind, reached):
                reached = event.version
                if namespace in {"", event.object["metadata"].get("namespace", "")}:
                    await _line(response, event.type, event.object)
            async with self._changed:
                while generation == self._generation and not self._later(kind, reached):
                    await self._changed.wait()
        if self._oldest <= reached < self._version and not self._later(kind, reached):
            bookmark = {"kind": kind, "metadata": {"resourceVersion": str(self._version)}}
            await _line(response, "BOOKMARK", bookmark)
        return response

    def _later(self, kind: str, version: int) -> list[_Event]:
        return [event for event in self._events[kind] if event.version > version]

    async def _object(self, request: web.Request, kind: str, key: Key, subresource: str) -> web.Response:
        known = self._objects[kind].get(key)
        if known is None:
            return _status(404, f"{kind} {key} not found")
        if request.method == "GET":
            return web.json_response(known)
        if request.method == "DELETE":
            await self.delete(kind, *key)
            return _status(200, "deleted")
        change = await request.json()
        wanted = change.get("metadata", {}).get("resourceVersion") if isinstance(change, dict) else None
        if wanted not in {None, known["metadata"]["resourceVersion"]}:
            return _status(409, "the object has been modified; please apply your changes to the latest version")
        new = self._changed_object(copy.deepcopy(known), change, request, subresource)
        if new is None:
            return _status(422, "the patch does not apply")
        if new != known:
            new.setdefault("kind", kind)
            new["metadata"]["generation"] = known["metadata"].get("generation", 1) + (
                0 if subresource or new.get("spec") == known.get("spec") else 1
            )
            await self._store(kind, key, new, "MODIFIED")
        return web.json_response(new)

    @staticmethod
    def _changed_object(known: Json, change: Any, request: web.Request, subresource: str) -> Json | None:
        content_type = request.content_type
        if request.method == "PUT":
            return {**known, **change, "metadata": {**known["metadata"], **change["metadata"]}}
        if content_type == "application/json-patch+json":
            try:
                patched: Json = json_patch.apply(known, change)
            except (ValueError, LookupError):
                return None
            return patched
        merged = _merge(known, change)
        if subresource == "status":
            return {**known, "status": merged.get("status", {})}
        return merged

    def _review(self, body: Json) -> web.Response:
        token = self.tokens.get(body["spec"]["token"])
        asked = body["spec"].get("audiences", [])
        if token is None or token.audience not in asked:
            return web.json_response({"kind": "TokenReview", "status": {"authenticated": False}}, status=201)
        extra = {}
        if token.pod:
            extra = {
                "authentication.kubernetes.io/pod-name": [token.pod],
                "authentication.kubernetes.io/pod-uid": [token.pod_uid],
            }
        user = {"username": f"system:serviceaccount:{token.namespace}:{token.service_account}", "extra": extra}
        status = {"authenticated": True, "user": user, "audiences": [token.audience]}
        return web.json_response({"kind": "TokenReview", "status": status}, status=201)


@asynccontextmanager
async def fake_kube() -> AsyncIterator[FakeKube]:
    """A running one."""
    server = FakeKube()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def _key(obj: Json) -> Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _parse(path: str) -> tuple[str, Key | None, str]:
    """Kind, namespace and name, subresource."""
    parts = path.strip("/").split("/")
    head = 2 if parts[0] == "api" else 3
    root, rest = "/" + "/".join(parts[:head]), parts[head:]
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    kind = KINDS.get(f"{root}/{rest[0]}", "") if rest else ""
    name = rest[1] if len(rest) > 1 else ""
    return kind, (namespace, name), rest[2] if len(rest) > 2 else ""


def _status(code: int, message: str) -> web.Response:
    return web.json_response({"kind": "Status", "code": code, "message": message}, status=code)


async def _line(response: web.StreamResponse, event: str, obj: Json) -> None:
    with contextlib.suppress(ConnectionError):  # whoever watched is gone
        await response.write(json.dumps({"type": event, "object": obj}).encode() + b"\n")


def _merge(known: Any, change: Any) -> Any:
    """RFC 7386."""
    if not isinstance(change, dict):
        return change
    merged = dict(known) if isinstance(known, dict) else {}
    for name, value in change.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merge(merged.get(name), value)
    return merged
