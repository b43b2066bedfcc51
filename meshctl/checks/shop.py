"""The demo's shop, as the proofs drive it: requests from inside its pods (exec), and its own answers about them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from meshctl import pods
from meshctl.checks import CheckFailed, Context, Skipped
from meshctl.client import Cluster, Object, Running
from meshctl.errors import MeshctlError
from meshctl.names import GATEWAY_API, MESH_API
from meshctl.pods import Pod

SHOP, STAGING, STREET = "shop", "staging", "street"
API_URL = "http://api/goods"
ROUTE = f"{GATEWAY_API}/namespaces/{SHOP}/httproutes/api"
FAULTS = f"{MESH_API}/namespaces/{SHOP}/trafficpolicies"
PROGRAM = ["python3", "-m", "shop"]


@dataclass(frozen=True, slots=True)
class Report:
    """What `shop probe` counted."""

    requests: int
    status: dict[str, int]
    service: dict[str, int]
    version: dict[str, int]
    errors: dict[str, int]
    latency_ms: dict[str, float]
    slow: int
    seconds: float
    sample: Any

    @property
    def failed(self) -> int:
        """Requests without an answer, or with another one than 200."""
        return self.requests - self.status.get("200", 0)

    def share(self, count: int) -> float:
        """Per cent of the requests; 0 when there were none."""
        return 100.0 * count / self.requests if self.requests else 0.0

    def problems(self) -> str:
        other = {code: count for code, count in self.status.items() if code != "200"}
        return ", ".join(f"{count} x {what}" for what, count in {**other, **self.errors}.items())


def report(text: str) -> Report:
    """Out of the last line of the probe's output. Raises MeshctlError."""
    for line in reversed(text.splitlines()):
        if line.startswith('{"report"'):
            value = json.loads(line)["report"]
            return Report(
                value["requests"],
                value["status"],
                value["service"],
                value["version"],
                value["errors"],
                value["latencyMs"],
                value["slow"],
                value["seconds"],
                value["sample"],
            )
    raise MeshctlError(f"the probe gave no report, but: {text[-300:]!r}")


def a_pod(cluster: Cluster, namespace: str, app: str, version: str = "") -> Pod:
    """A ready pod of the demo. Raises Skipped when the demo is not installed, CheckFailed when none is ready."""
    selector = f"app={app}" + (f",version={version}" if version else "")
    found = pods.listed(cluster, namespace, selector)
    if not found and cluster.find(f"/api/v1/namespaces/{namespace}") is None:
        raise Skipped("the demo is not installed (meshctl demo install)")
    ready = [pod for pod in pods.running(found) if pod.ready]
    if not ready:
        raise CheckFailed(f"no pod of {namespace}/{app} is ready")
    return ready[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What a probe sends."""

    url: str = API_URL
    count: int = 0
    """Requests; 0: until told to stop (only with `stream`)."""
    concurrency: int = 8
    rate: float = 0.0
    timeout_seconds: float = 10.0
    headers: tuple[tuple[str, str], ...] = ()
    new_connections: bool = False
    slow_ms: float = 0.0

    def argv(self) -> list[str]:
        words = [*PROGRAM, "probe", self.url, "--concurrency", str(self.concurrency)]
        words += ["--timeout", str(self.timeout_seconds)]
        words += ["--count", str(self.count)] if self.count else ["--stdin"]
        words += ["--rate", str(self.rate)] if self.rate else []
        words += ["--slow", str(self.slow_ms)] if self.slow_ms else []
        words += ["--new-connections"] if self.new_connections else []
        for name, value in self.headers:
            words += ["-H", f"{name}: {value}"]
        return words


def probe(cluster: Cluster, pod: Pod, app: str, traffic: Traffic, timeout_seconds: float = 120.0) -> Report:
    """Sends the traffic from a pod's own container, as its application would."""
    done = cluster.execute(pod.namespace, pod.name, app, traffic.argv(), timeout_seconds)
    if done.code != 0:
        raise MeshctlError(f"the probe in {pod.key} ended with {done.code}: {done.stderr[-300:]}")
    return report(done.stdout)


class Stream:
    """A probe that runs until it is stopped, and tells of each answer at once."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self.ended: Report | None = None

    def answers(self, seconds: float) -> Iterator[Object]:
        """Answers as they arrive, for so long."""
        for line in self._running.lines(seconds):
            value = json.loads(line)
            if "report" in value:
                self.ended = report(line)
                return
            yield value

    def stop(self) -> Report:
        """Ends the probe and waits for its report. Raises MeshctlError when it gives none in time."""
        if self.ended is None:
            self._running.send("stop\n")
            for _ in self.answers(30.0):
                pass
        self._running.close()
        if self.ended is None:
            raise MeshctlError("the probe gave no report within 30 s")
        return self.ended


@contextmanager
def streaming(cluster: Cluster, pod: Pod, app: str, traffic: Traffic) -> Iterator[Stream]:
    running = cluster.start(pod.namespace, pod.name, app, [*traffic.argv(), "--stream"], stdin=True)
    try:
        yield Stream(running)
    finally:
        running.close()


def control(cluster: Cluster, pod: Pod, app: str, *words: str) -> Object:
    """`stats`, `hang SECONDS`, `reset` of one pod's service."""
    done = cluster.execute(pod.namespace, pod.name, app, [*PROGRAM, "control", *words])
    try:
        value = json.loads(done.stdout)
    except ValueError as error:
        raise MeshctlError(f"{pod.key}: control {' '.join(words)}: {done.stderr[-300:]}") from error
    return dict(value)


def web(context: Context) -> Pod:
    return a_pod(context.cluster, SHOP, "web")


def random_id() -> str:
    return uuid.uuid4().hex[:12]


def set_weights(cluster: Cluster, weights: list[int]) -> None:
    """Of the rule `canary`, which is the second of the route; the write has happened when this returns."""
    operations = [
        {"op": "replace", "path": f"/spec/rules/1/backendRefs/{index}/weight", "value": weight}
        for index, weight in enumerate(weights)
    ]
    cluster.patch(ROUTE, operations, "application/json-patch+json")


def weights(cluster: Cluster) -> list[int]:
    route = cluster.find(ROUTE)
    if route is None:
        raise Skipped("the demo's HTTPRoute shop/api is not there (meshctl demo install)")
    return [int(one.get("weight", 1)) for one in route["spec"]["rules"][1]["backendRefs"]]


def wait_until(seconds: float, condition: Any, what: str, every: float = 0.5) -> None:
    """Raises CheckFailed when it does not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise CheckFailed(f"not within {seconds:g} s: {what}")
        time.sleep(every)
