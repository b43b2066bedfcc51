"""What pods look like to the mesh."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from meshctl.client import Cluster, Object
from meshctl.names import PROXY, STATUS_ANNOTATION


@dataclass(frozen=True, slots=True)
class Pod:
    namespace: str
    name: str
    phase: str
    ip: str
    node: str
    service_account: str
    owner: str
    """`KIND/NAME` as people know it (a Deployment rather than its ReplicaSet); the pod itself when nobody owns it."""
    labels: dict[str, str]
    meshed: bool
    ready: bool
    """All containers of the pod."""
    proxy_ready: bool
    proxy_restarts: int
    proxy_image: str
    deleting: bool

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"


def parse(pod: Object) -> Pod:
    meta, spec, status = pod["metadata"], pod.get("spec", {}), pod.get("status", {})
    statuses = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    proxy: Object = next((one for one in statuses if one["name"] == PROXY), {})
    containers = [*spec.get("initContainers", []), *spec.get("containers", [])]
    image = next((one.get("image", "") for one in containers if one["name"] == PROXY), "")
    conditions = {one["type"]: one["status"] for one in status.get("conditions", [])}
    return Pod(
        namespace=meta["namespace"],
        name=meta["name"],
        phase=status.get("phase", "Unknown"),
        ip=status.get("podIP", ""),
        node=spec.get("nodeName", ""),
        service_account=spec.get("serviceAccountName", "default"),
        owner=owner(pod),
        labels=meta.get("labels", {}),
        meshed=meta.get("annotations", {}).get(STATUS_ANNOTATION) == "injected",
        ready=conditions.get("Ready") == "True",
        proxy_ready=bool(proxy.get("ready")),
        proxy_restarts=int(proxy.get("restartCount", 0)),
        proxy_image=image,
        deleting="deletionTimestamp" in meta,
    )


def owner(pod: Object) -> str:
    meta = pod["metadata"]
    reference = next((one for one in meta.get("ownerReferences", []) if one.get("controller")), None)
    if reference is None:
        return f"Pod/{meta['name']}"
    kind, name = reference["kind"], reference["name"]
    template_hash = meta.get("labels", {}).get("pod-template-hash", "")
    if kind == "ReplicaSet" and template_hash and name.endswith(f"-{template_hash}"):
        return f"Deployment/{name.removesuffix(f'-{template_hash}')}"
    return f"{kind}/{name}"


def listed(cluster: Cluster, namespace: str = "", label_selector: str = "") -> list[Pod]:
    path = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
    return [parse(pod) for pod in cluster.items(path, label_selector)]


def running(pods: Iterable[Pod]) -> list[Pod]:
    return [pod for pod in pods if pod.phase == "Running" and not pod.deleting]
