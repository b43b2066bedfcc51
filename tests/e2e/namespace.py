"""A namespace in which a test may do what it likes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from control_plane.kinds.registry import KINDS
from meshctl.client import Cluster, Object

OTHER_PATHS = {
    "Pod": "/api/v1/namespaces/{namespace}/pods",
    "Service": "/api/v1/namespaces/{namespace}/services",
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "Namespace": "/api/v1/namespaces",
}


@dataclass(frozen=True)
class Sandbox:
    cluster: Cluster
    name: str

    def path(self, manifest: Object) -> str:
        """Of the object itself, with its namespace replaced by this one."""
        kind = manifest["kind"]
        if kind in OTHER_PATHS:
            return f"{OTHER_PATHS[kind].format(namespace=self.name)}/{manifest['metadata']['name']}"
        return KINDS[kind].object_path(self.name, manifest["metadata"]["name"])

    def moved(self, manifest: Object) -> Object:
        """The same object, in this namespace (cluster-scoped ones as they are)."""
        metadata = dict(manifest["metadata"])
        if "namespace" in metadata:
            metadata["namespace"] = self.name
        return {**manifest, "metadata": metadata}

    def service(self, name: str) -> None:
        """A Service on port 80, without pods unless they have the label `app`."""
        port = {"name": "http", "port": 80, "targetPort": 8080, "appProtocol": "http"}
        metadata = {"name": name, "namespace": self.name}
        spec = {"selector": {"app": name}, "ports": [port]}
        manifest = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
        self.cluster.apply(self.path(manifest), manifest)


def eventually[T](seconds: float, read: Callable[[], T], wanted: Callable[[T], bool]) -> T:
    """Reads until it is as wanted, at most so long; returns what was read last (the caller asserts on it)."""
    deadline = time.monotonic() + seconds
    while True:
        value = read()
        if wanted(value) or time.monotonic() > deadline:
            return value
        time.sleep(0.3)
