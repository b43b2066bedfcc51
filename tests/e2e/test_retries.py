"""Retries on the cluster, counted: what the budget lets through to a backend that always fails, and faults below."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from meshctl.checks.data_plane import conditions_of
from meshctl.client import Cluster
from meshctl.names import GROUP
from tests.e2e import workload
from tests.e2e.namespace import Sandbox, eventually
from tests.e2e.workload import (
    IDLE,
    WHO,
    Workload,
    access_log,
    bring_programs,
    expose,
    python_image,
    run,
    start,
)

LABELS = {f"{GROUP}/authorization": "Allow"}
SERVICE = "failing"
REQUESTS = 400
LIMIT_SECONDS = 30
SIX_SIGMA = 52
"""Of so many draws with a chance of a quarter."""


@pytest.fixture(scope="module")
def failing(cluster: Cluster, sandbox: Sandbox) -> Sandbox:
    """A pod that answers 500 when it is told to, and a client."""
    image = python_image(cluster)
    bring_programs(sandbox, "who.py", "ask.py")
    start(
        sandbox,
        Workload(SERVICE, image, [WHO]),
        Workload("client", image, [IDLE]),
    )
    expose(sandbox, SERVICE, SERVICE, {"name": "http", "port": 80, "targetPort": 8080})
    return sandbox


def policy(sandbox: Sandbox, **spec: Any) -> None:
    """The Service's policy, running in the client's sidecar."""
    target = {"group": "", "kind": "Service", "name": SERVICE}
    metadata = {"name": SERVICE, "namespace": sandbox.name}
    spec = {"targetRefs": [target], **spec}
    manifest = {"apiVersion": f"{GROUP}/v1alpha1", "kind": "TrafficPolicy", "metadata": metadata, "spec": spec}
    path = sandbox.path(manifest)
    generation = sandbox.cluster.apply(path, manifest)["metadata"]["generation"]

    def programmed() -> bool:
        found = {one["type"]: one for one in conditions_of(sandbox.cluster.get(path))}.get("Programmed", {})
        return found.get("status") == "True" and found.get("observedGeneration") == generation

    assert eventually(LIMIT_SECONDS, programmed, bool), sandbox.cluster.get(path)


def ask(sandbox: Sandbox) -> Counter[int]:
    """How often which status."""
    return Counter(status for status, _ in workload.ask(sandbox, f"http://{SERVICE}/", REQUESTS, limit_seconds=240))


def received(sandbox: Sandbox) -> int:
    """Requests that have reached the application, by the log of its own sidecar: a counter may begin anew."""
    lines = [json.loads(line) for line in access_log(sandbox, SERVICE) if line.startswith("{")]
    return sum(line.get("direction") == "inbound" and line.get("method") == "GET" for line in lines)


def test_a_backend_that_always_fails_gets_a_quarter_more(failing: Sandbox) -> None:
    run(failing, SERVICE, "touch", "/data/fail")
    policy(
        failing,
        retry={"attempts": 3, "when": ["500"], "backoff": {"base": "1ms", "max": "1ms"}},
        retryBudget={"percent": 25, "minPerSecond": 0, "interval": "1h"},
    )
    before = received(failing)
    assert ask(failing) == {500: REQUESTS}
    attempts = received(failing) - before
    assert 1.2 <= attempts / REQUESTS <= 1.25, attempts


def test_half_of_the_attempts_abort_and_a_quarter_of_the_requests_fails(failing: Sandbox) -> None:
    run(failing, SERVICE, "rm", "-f", "/data/fail")
    policy(
        failing,
        retry={"attempts": 1, "when": ["503"], "backoff": {"base": "1ms", "max": "1ms"}},
        retryBudget={"percent": 100},
        faults=[{"name": "broken", "percent": 50, "abort": {"httpStatus": 503}}],
    )
    found = ask(failing)
    assert set(found) == {200, 503}
    assert abs(found[503] - REQUESTS / 4) < SIX_SIGMA, found
