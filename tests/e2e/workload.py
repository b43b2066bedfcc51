"""Pods and Services that a proof puts into its namespace."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from meshctl import pods
from meshctl.client import Cluster, Object
from meshctl.names import GROUP, METRICS_PORT, PROXY
from tests.e2e.namespace import Sandbox, eventually

READY_SECONDS = 120
PROGRAMS = Path(__file__).with_name("programs")
FILES = "/programs"
OUTSIDE = {f"{GROUP}/inject": "disabled"}
"""Label of a pod without a sidecar in a namespace of the mesh."""


@dataclass(frozen=True)
class Program:
    """One container."""

    command: Sequence[str]
    port: int | None = None
    """Ready when it accepts connections there. None: ready when it runs."""
    name: str = "app"

    def manifest(self, image: str) -> Object:
        probe = {"tcpSocket": {"port": self.port}, "periodSeconds": 1, "failureThreshold": READY_SECONDS}
        return {
            "name": self.name,
            "image": image,
            "imagePullPolicy": "Never",
            "command": list(self.command),
            "env": [{"name": "PYTHONUNBUFFERED", "value": "1"}],
            "volumeMounts": [{"name": "programs", "mountPath": FILES}, {"name": "data", "mountPath": "/data"}],
            **({"ports": [{"containerPort": self.port}], "startupProbe": probe} if self.port else {}),
        }


IDLE = Program(["sleep", "infinity"])
"""A client: a test runs commands in it."""
WHO = Program(["python3", f"{FILES}/who.py", "8080"], 8080)
"""Answers with its pod's name, with 500 while there is a file /data/fail; wants `who.py` among the programs."""


@dataclass(frozen=True)
class Workload:
    """One pod, named like its label `app`."""

    name: str
    image: str
    programs: Sequence[Program]
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    node: str = ""
    """Where it runs; empty: wherever there is room."""

    def manifest(self, namespace: str) -> Object:
        programs: Object = {"name": "programs", "configMap": {"name": "programs", "optional": True}}
        spec = {
            "containers": [one.manifest(self.image) for one in self.programs],
            "volumes": [programs, {"name": "data", "emptyDir": {}}],
            "terminationGracePeriodSeconds": 5,
            **({"nodeName": self.node} if self.node else {}),
        }
        labels = {"app": self.name, **self.labels}
        metadata = {"name": self.name, "namespace": namespace, "labels": labels, "annotations": self.annotations}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def bring_programs(sandbox: Sandbox, *names: str) -> None:
    """Files of tests/e2e/programs, to be found below FILES in every pod that starts after this."""
    data = {name: (PROGRAMS / name).read_text() for name in names}
    metadata = {"name": "programs", "namespace": sandbox.name}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    sandbox.cluster.apply(sandbox.path(manifest), manifest)


def start(sandbox: Sandbox, *workloads: Workload) -> None:
    """Create the pods and wait until all are ready."""
    for one in workloads:
        sandbox.cluster.create(f"/api/v1/namespaces/{sandbox.name}/pods", one.manifest(sandbox.name))
    wanted = {one.name for one in workloads}

    def unready() -> set[str]:
        return wanted - {pod.name for pod in pods.listed(sandbox.cluster, sandbox.name) if pod.ready}

    late = eventually(READY_SECONDS, unready, lambda names: not names)
    assert not late, f"not ready after {READY_SECONDS} s: {', '.join(sorted(late))}"


def python_image(cluster: Cluster) -> str:
    """An image with Python that every node has: the demo's."""
    pod = cluster.items("/api/v1/namespaces/shop/pods", "app=web")[0]
    return str(pod["spec"]["containers"][0]["image"])


def run(sandbox: Sandbox, pod: str, *words: str, limit_seconds: float = 60) -> str:
    """What a command in a pod prints; it must succeed."""
    done = sandbox.cluster.execute(sandbox.name, pod, "app", list(words), limit_seconds)
    assert done.code == 0, done.stderr
    return done.stdout


def ask(sandbox: Sandbox, url: str, count: int, limit_seconds: float = 60) -> list[tuple[int, str]]:
    """Requests of the pod `client`, each on a connection of its own: status, and who answered (200 only)."""
    answers = run(sandbox, "client", "python3", f"{FILES}/ask.py", str(count), url, limit_seconds=limit_seconds)
    return [(status, who) for status, who in json.loads(answers)]


def expose(sandbox: Sandbox, service: str, app: str, *ports: Object) -> None:
    """A Service in front of a pod, written as a person would: no more than what is given."""
    metadata = {"name": service, "namespace": sandbox.name}
    spec = {"selector": {"app": app}, "ports": list(ports)}
    manifest = {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    sandbox.cluster.apply(sandbox.path(manifest), manifest)


def route(sandbox: Sandbox, kind: str, service: str, backend: str, port: int) -> None:
    """An HTTPRoute or GRPCRoute that sends everything on to another Service."""
    parent = {"group": "", "kind": "Service", "name": service}
    rule = {"name": "all", "backendRefs": [{"name": backend, "port": port}]}
    manifest = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": service, "namespace": sandbox.name},
        "spec": {"parentRefs": [parent], "rules": [rule]},
    }
    sandbox.cluster.apply(sandbox.path(manifest), manifest)


def access_log(sandbox: Sandbox, pod: str) -> list[str]:
    """What the pod's sidecar has written: one JSON object a line, others among them."""
    return sandbox.cluster.logs(sandbox.name, pod, PROXY, since_seconds=3600)


def served_by_worker(sandbox: Sandbox, pod: str) -> int:
    """Requests that its sidecar's worker has answered."""
    text = sandbox.cluster.pod_get(sandbox.name, pod, METRICS_PORT, "/metrics")
    return sum(map(int, re.findall(r'^heddle_requests_total\{.*backend="worker".*\} (\d+)$', text, re.MULTILINE)))
