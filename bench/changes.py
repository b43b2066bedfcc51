"""How soon a change of a route is live: `python -m bench.changes`, on the cluster of `make demo`.

In a namespace of its own a client asks a Service all the time, through both sidecars, on a kept connection and on new
ones.
Measured is the time from before the write to the API server until the first answer that the change decided.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.changes_probe import FAILED, NONE
from meshctl.client import Cluster, Object, Running
from meshctl.names import GATEWAY_API, GROUP

NAMESPACE = "bench-changes"
SPACE = f"/api/v1/namespaces/{NAMESPACE}"
ROUTE = f"{GATEWAY_API}/namespaces/{NAMESPACE}/httproutes/server"
CHANGES = 100
COMINGS = 20
READY_SECONDS = 120.0
LIMIT_SECONDS = 20.0
SERVER = """
import http.server as h
class Handler(h.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "2"); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *_): pass
h.ThreadingHTTPServer(("", 8080), Handler).serve_forever()
"""
Took = dict[bool | None, list[float]]
"""Seconds, on the kept connection and on new ones; None: until the API server has answered the write."""
WAYS = {True: "kept connection", False: "new connections", None: "of it the API write"}


def main() -> None:
    cluster = Cluster(os.environ.get("KUBECONFIG") or "/var/lib/heddle/kubeconfig")
    changed: Took = {True: [], False: [], None: []}
    came: Took = {True: [], False: [], None: []}
    with sandbox(cluster), probing(cluster) as probe:
        await_revision(probe, NONE)
        for number in range(COMINGS):
            note(came, probe, cluster, f"c{number}")
            note(came, probe, cluster, NONE)
        for number in range(CHANGES):
            note(changed, probe, cluster, f"r{number}")
    print(f"{'milliseconds until it is live':<52} {'median':>6} {'p99':>6} {'most':>6}")
    for name, took in (
        (f"a route changes, {CHANGES} times", changed),
        (f"a route comes or goes, {2 * COMINGS} times", came),
    ):
        for kept, seconds in took.items():
            print(row(f"{name}, {WAYS[kept]}", seconds))


def row(name: str, seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p99 = ordered[max(0, -(-len(ordered) * 99 // 100) - 1)]
    return f"{name:<52} " + " ".join(f"{1000 * one:>6.0f}" for one in (median(ordered), p99, ordered[-1]))


def note(took: Took, probe: Running, cluster: Cluster, revision: str) -> None:
    """Make one change, and wait until both ways see it."""
    time.sleep(random.uniform(0.1, 0.4))
    began = time.time()
    if revision == NONE:
        cluster.delete(ROUTE)
    else:
        cluster.apply(ROUTE, route(revision))
    took[None].append(time.time() - began)
    for kept, at in await_revision(probe, revision).items():
        took[kept].append(at - began)


def await_revision(probe: Running, revision: str) -> dict[bool, float]:
    """When each way saw it for the first time."""
    found: dict[bool, float] = {}
    for line in probe.lines(LIMIT_SECONDS):
        seen = json.loads(line)
        if seen["revision"] == revision:
            found.setdefault(seen["kept"], seen["at"])
        elif seen["revision"].startswith(FAILED):
            print(f"a request meanwhile {seen['revision']}", file=sys.stderr)
        if len(found) == 2:
            return found
    raise SystemExit(f"revision {revision} was not seen within {LIMIT_SECONDS:g} s, but {found}")


def route(revision: str) -> Object:
    header = {"set": [{"name": "x-revision", "value": revision}]}
    rule = {
        "filters": [{"type": "ResponseHeaderModifier", "responseHeaderModifier": header}],
        "backendRefs": [{"name": "server", "port": 80}],
    }
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "server", "namespace": NAMESPACE},
        "spec": {"parentRefs": [{"group": "", "kind": "Service", "name": "server", "port": 80}], "rules": [rule]},
    }


@contextmanager
def sandbox(cluster: Cluster) -> Iterator[None]:
    """The namespace with client and server, ready; removed afterwards."""
    labels = {f"{GROUP}/inject": "enabled", f"{GROUP}/authorization": "Allow"}
    cluster.apply(SPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    try:
        spec = {"selector": {"app": "server"}, "ports": [{"port": 80, "targetPort": 8080, "appProtocol": "http"}]}
        meta = {"name": "server", "namespace": NAMESPACE}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}
        cluster.apply(f"{SPACE}/services/server", service)
        image = cluster.items("/api/v1/namespaces/shop/pods", "app=web")[0]["spec"]["containers"][0]["image"]
        for name, program in (("server", SERVER), ("client", "import time; time.sleep(86400)")):
            cluster.apply(f"{SPACE}/pods/{name}", pod(name, image, program))
        deadline = time.monotonic() + READY_SECONDS
        while not all(ready(one) for one in cluster.items(f"{SPACE}/pods")):
            if time.monotonic() > deadline:
                raise SystemExit(f"the pods of {NAMESPACE} are not ready after {READY_SECONDS:g} s")
            time.sleep(1)
        yield
    finally:
        cluster.delete(SPACE)


def ready(found: Object) -> bool:
    conditions = found.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def pod(name: str, image: str, program: str) -> Object:
    closed = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    container = {"name": name, "image": image, "command": ["python3", "-c", program], "securityContext": closed}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": name}},
        "spec": {
            "containers": [container],
            "terminationGracePeriodSeconds": 2,
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "runAsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
        },
    }


@contextmanager
def probing(cluster: Cluster) -> Iterator[Running]:
    """The client at work."""
    program = (Path(__file__).parent / "changes_probe.py").read_text()
    argv = ["python3", "-c", program, "server"]
    probe = cluster.start(NAMESPACE, "client", "client", argv, stdin=True)
    try:
        yield probe
    finally:
        probe.close()


if __name__ == "__main__":
    main()
