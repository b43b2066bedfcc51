"""What controllers and kubelets would do, for a real API server that has neither: every Deployment becomes ready."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.api_server import ApiServer

Object = dict[str, Any]
DEPLOYMENTS = "/apis/apps/v1/deployments"
MERGE = "application/merge-patch+json"


@contextmanager
def rollouts(kubernetes: ApiServer) -> Iterator[None]:
    """While it lasts, Deployments become ready a moment after they were written."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            for deployment in kubernetes.call("GET", DEPLOYMENTS).body.get("items", []):
                make_ready(kubernetes, deployment)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def make_ready(kubernetes: ApiServer, deployment: Object) -> None:
    meta, spec = deployment["metadata"], deployment["spec"]
    if deployment.get("status", {}).get("observedGeneration") == meta["generation"]:
        return
    replicas = spec.get("replicas", 1)
    path = f"/apis/apps/v1/namespaces/{meta['namespace']}"
    name = f"{meta['name']}-{meta['uid'][:8]}-{meta['generation']}"
    owner = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
    }
    replica_set: Object = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": name, "labels": spec["template"]["metadata"]["labels"], "ownerReferences": [owner]},
        "spec": {"replicas": replicas, "selector": spec["selector"], "template": spec["template"]},
    }
    for former in kubernetes.call("GET", f"{path}/replicasets").body["items"]:
        # without pods there is nothing to scale down
        kubernetes.call("DELETE", f"{path}/replicasets/{former['metadata']['name']}")
    kubernetes.create(f"{path}/replicasets", replica_set)
    ready = {"replicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas}
    replica_set_status = {"status": {**ready, "observedGeneration": 1}}
    kubernetes.call("PATCH", f"{path}/replicasets/{name}/status", replica_set_status, MERGE)
    status = {
        **ready,
        "updatedReplicas": replicas,
        "observedGeneration": meta["generation"],
    }
    kubernetes.call("PATCH", f"{path}/deployments/{meta['name']}/status", {"status": status}, MERGE)
