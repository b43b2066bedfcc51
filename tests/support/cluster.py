"""Kubernetes objects for tests, short to write, and an index that holds them."""

from __future__ import annotations

import json
from typing import Any

import yaml

from control_plane.index.store import Index
from control_plane.kinds.registry import decode

Json = dict[str, Any]


def documents(text: str) -> list[Json]:
    """The objects of a YAML text."""
    return [obj for obj in yaml.safe_load_all(text) if obj]


def put(index: Index, *objects: Json) -> frozenset[tuple[str, str]]:
    """Apply objects; returns the pods that the last one affects."""
    hit: frozenset[tuple[str, str]] = frozenset()
    for obj in objects:
        hit = index.apply(obj["kind"], decode(obj["kind"], json.dumps(obj).encode()))
    return hit


def an_index(*objects: Json, text: str = "") -> Index:
    """An index with these objects."""
    index = Index()
    put(index, *documents(text), *objects)
    return index


def a_namespace(name: str, **labels: str) -> Json:
    """Label names are given without the prefix of the mesh: `mtls="Strict"`."""
    prefixed = {f"mesh.heddle.dev/{key}": value for key, value in labels.items()}
    return {"kind": "Namespace", "metadata": {"name": name, "labels": prefixed}}


def a_pod(
    name: str, ip: str, *, namespace: str = "shop", account: str = "default", meshed: bool = True, **more: Any
) -> Json:
    """A running pod. `labels`, `annotations`, `spec` and `phase` may be given."""
    annotations = {"mesh.heddle.dev/status": "injected"} if meshed else {}
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "labels": more.get("labels", {"app": name.rsplit("-", 1)[0]}),
            "annotations": {**annotations, **more.get("annotations", {})},
        },
        "spec": {"serviceAccountName": account, **more.get("spec", {})},
        "status": {"phase": more.get("phase", "Running"), "podIP": ip},
    }


def a_service(name: str, cluster_ip: str, *ports: Json, namespace: str = "shop", **spec: Any) -> Json:
    """A Service that selects `app: NAME`; one HTTP port 80 to 8080 unless ports are given."""
    return {
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "clusterIP": cluster_ip,
            "selector": {"app": name},
            "ports": list(ports) or [{"port": 80, "targetPort": 8080, "appProtocol": "http"}],
            **spec,
        },
    }


def a_slice(service: str, *pods: Json, namespace: str = "shop", port: int = 8080, name: str = "", **more: Any) -> Json:
    """The endpoints of a Service: the given pods, ready unless `conditions` says otherwise."""
    return {
        "kind": "EndpointSlice",
        "metadata": {
            "name": more.get("slice", f"{service}-x"),
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": "IPv4",
        "ports": [{"name": name, "port": port, "protocol": "TCP"}],
        "endpoints": [
            {
                "addresses": [pod["status"]["podIP"]],
                "conditions": more.get("conditions", {"ready": True}),
                "targetRef": {
                    "kind": "Pod",
                    "namespace": pod["metadata"]["namespace"],
                    "name": pod["metadata"]["name"],
                    "uid": pod["metadata"]["uid"],
                },
                "nodeName": "node-1",
                "zone": "zone-1",
            }
            for pod in pods
        ],
    }


def a_route(name: str, service: str, *rules: Json, namespace: str = "shop", **more: Any) -> Json:
    """An HTTPRoute on a Service. `parent` adds to the parentRef, `created` is its age."""
    parent = {"group": "", "kind": "Service", "name": service, **more.get("parent", {})}
    return {
        "kind": "HTTPRoute",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "generation": 1,
            "creationTimestamp": more.get("created", "2026-01-01T00:00:00Z"),
        },
        "spec": {"parentRefs": [parent], "rules": list(rules)},
    }


def a_grpc_route(name: str, service: str, *rules: Json, namespace: str = "shop", **more: Any) -> Json:
    """A GRPCRoute on a Service, otherwise as `a_route`."""
    return {**a_route(name, service, *rules, namespace=namespace, **more), "kind": "GRPCRoute"}


def a_tcp_route(name: str, service: str, *refs: Json, namespace: str = "shop", **more: Any) -> Json:
    """A TCPRoute on a Service to these backends, otherwise as `a_route`."""
    return {**a_route(name, service, {"backendRefs": list(refs)}, namespace=namespace, **more), "kind": "TCPRoute"}


def a_tls_route(name: str, service: str, *refs: Json, hostnames: list[str], **more: Any) -> Json:
    """A TLSRoute on a Service, otherwise as `a_tcp_route`."""
    route = a_tcp_route(name, service, *refs, **more)
    return {**route, "kind": "TLSRoute", "spec": {**route["spec"], "hostnames": hostnames}}


def a_backend_policy(name: str, *services: str, namespace: str = "shop", created: str = "", **spec: Any) -> Json:
    """An XBackendTrafficPolicy for Services."""
    return {
        "kind": "XBackendTrafficPolicy",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "generation": 1,
            "creationTimestamp": created or "2026-01-01T00:00:00Z",
        },
        "spec": {"targetRefs": [{"group": "", "kind": "Service", "name": one} for one in services], **spec},
    }


def to(name: str, port: int | None = 80, **more: Any) -> Json:
    """A backendRef to a Service."""
    return {"name": name, **({"port": port} if port else {}), **more}


def a_subset(name: str, service: str, namespace: str = "shop", **labels: str) -> Json:
    """A ServiceSubset."""
    return {
        "kind": "ServiceSubset",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"service": service, "selector": {"matchLabels": labels}},
    }


def intentions(name: str, destination: str, *sources: Json, namespace: str = "shop") -> Json:
    """A ServiceIntentions."""
    return {
        "kind": "ServiceIntentions",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"destination": {"name": destination}, "sources": list(sources)},
    }


API_SERVICE: Json = {"group": "", "kind": "Service", "name": "api"}
"""A target of policies."""


def a_policy(
    name: str,
    *faults: Json,
    targets: list[Json],
    namespace: str = "shop",
    created: str = "2026-01-01T00:00:00Z",
    **spec: Any,
) -> Json:
    """A TrafficPolicy with faults, or whatever else `spec` says."""
    given = {"faults": list(faults)} if faults or not spec else {}
    return {
        "kind": "TrafficPolicy",
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": created},
        "spec": {"targetRefs": targets, **given, **spec},
    }


EXTENSION: Json = {"type": "ExtensionRef", "extensionRef": {"group": "example.com", "kind": "Filter", "name": "x"}}
"""A filter that the Gateway API allows and this mesh does not have."""
SLOW: Json = {"name": "slow", "percent": 10, "delay": {"fixed": "250ms"}}
BROKEN: Json = {"name": "broken", "percent": 5, "abort": {"httpStatus": 503}}


def a_mesh_config(**spec: Any) -> Json:
    """The MeshConfig."""
    return {"kind": "MeshConfig", "metadata": {"name": "default"}, "spec": spec}


WEB = a_pod("web-1", "10.0.0.1", account="web")
API_V1 = a_pod("api-1", "10.0.0.2", account="api", labels={"app": "api", "version": "v1"})
API_V2 = a_pod("api-2", "10.0.0.3", account="api", labels={"app": "api", "version": "v2"})
SHOP: tuple[Json, ...] = (
    a_namespace("shop", chaos="allowed"),
    WEB,
    API_V1,
    API_V2,
    a_service("api", "10.96.0.10"),
    a_service("web", "10.96.0.11"),
    a_slice("api", API_V1, API_V2),
    a_slice("web", WEB),
)
"""Namespace shop: `web` (one pod) and `api` (versions v1 and v2), all meshed."""
