"""Outlier ejection on the cluster: one pod of three fails, by a policy its callers soon do not see it."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from meshctl.client import Cluster
from meshctl.names import GROUP, METRICS_PORT
from tests.e2e import workload
from tests.e2e.namespace import Sandbox, eventually
from tests.e2e.workload import IDLE, WHO, Workload, bring_programs, python_image, run, start

LABELS = {f"{GROUP}/authorization": "Allow"}
PODS = ("one", "two", "three")
SERVICE = "flaky"
LIMIT_SECONDS = 30
POLICY = {
    "apiVersion": f"{GROUP}/v1alpha1",
    "kind": "TrafficPolicy",
    "metadata": {"name": "outlier", "namespace": ""},
    "spec": {
        "targetRefs": [{"group": "", "kind": "Service", "name": SERVICE}],
        "outlier": {"consecutiveErrors": 3, "baseEjection": "1m"},
    },
}


@pytest.fixture(scope="module")
def flaky(cluster: Cluster, sandbox: Sandbox) -> Sandbox:
    """Three pods behind one Service, and a client."""
    image = python_image(cluster)
    bring_programs(sandbox, "who.py", "ask.py")
    start(
        sandbox,
        *(Workload(name, image, [WHO], {"tier": SERVICE}) for name in PODS),
        Workload("client", image, [IDLE]),
    )
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "namespace": sandbox.name},
        "spec": {"selector": {"tier": SERVICE}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    }
    sandbox.cluster.apply(sandbox.path(service), service)
    return sandbox


def ask(sandbox: Sandbox, count: int = 60) -> Counter[int]:
    """How often which status."""
    return Counter(status for status, _ in workload.ask(sandbox, f"http://{SERVICE}/", count))


def ejected(sandbox: Sandbox) -> int:
    """As the client's sidecar tells it."""
    text = sandbox.cluster.pod_get(sandbox.name, "client", METRICS_PORT, "/metrics")
    found = re.search(rf'^heddle_agent_ejected\{{backend="{sandbox.name}/{SERVICE}/80"\}} (\d+)$', text, re.MULTILINE)
    return int(found[1]) if found else 0


def test_a_failing_pod_is_left_out_until_the_policy_goes(flaky: Sandbox) -> None:
    healthy = eventually(LIMIT_SECONDS, lambda: ask(flaky), lambda found: found == {200: 60})
    assert healthy == {200: 60}
    run(flaky, "two", "touch", "/data/fail")
    assert ask(flaky)[500] > 5, "about a third"
    policy = flaky.moved(POLICY)
    flaky.cluster.apply(flaky.path(policy), policy)
    out = eventually(LIMIT_SECONDS, lambda: (ask(flaky, 20), ejected(flaky)), lambda found: found[1] == 1)
    assert out[1] == 1
    assert ask(flaky) == {200: 60}
    flaky.cluster.delete(flaky.path(policy))
    assert eventually(LIMIT_SECONDS, lambda: ask(flaky), lambda found: found[500] > 5)[500] > 5
