"""Outlier ejection on the cluster: one pod of three fails, by a policy its callers soon do not see it."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from meshctl.client import Cluster
from meshctl.names import GROUP, METRICS_PORT
from tests.e2e.namespace import Sandbox, eventually
from tests.e2e.workload import FILES, Program, Workload, bring_programs, start

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
    image = cluster.items("/api/v1/namespaces/shop/pods", "app=web")[0]["spec"]["containers"][0]["image"]
    bring_programs(sandbox, "who.py", "ask.py")
    server = [Program(["python3", f"{FILES}/who.py", "8080"], 8080)]
    start(
        sandbox,
        *(Workload(name, image, server, {"tier": SERVICE}) for name in PODS),
        Workload("client", image, [Program(["sleep", "infinity"])]),
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
    words = ["python3", f"{FILES}/ask.py", str(count), f"http://{SERVICE}/"]
    done = sandbox.cluster.execute(sandbox.name, "client", "app", words, 60)
    assert done.code == 0, done.stderr
    return Counter(status for status, _ in json.loads(done.stdout))


def ejected(sandbox: Sandbox) -> int:
    """As the client's sidecar tells it."""
    text = sandbox.cluster.pod_get(sandbox.name, "client", METRICS_PORT, "/metrics")
    found = re.search(rf'^heddle_agent_ejected\{{backend="{sandbox.name}/{SERVICE}/80"\}} (\d+)$', text, re.MULTILINE)
    return int(found[1]) if found else 0


def test_a_failing_pod_is_left_out_until_the_policy_goes(flaky: Sandbox) -> None:
    healthy = eventually(LIMIT_SECONDS, lambda: ask(flaky), lambda found: found == {200: 60})
    assert healthy == {200: 60}
    fail = flaky.cluster.execute(flaky.name, "two", "app", ["python3", "-c", "open('/data/fail', 'w')"], 30)
    assert fail.code == 0, fail.stderr
    assert ask(flaky)[500] > 5, "about a third"
    policy = flaky.moved(POLICY)
    flaky.cluster.apply(flaky.path(policy), policy)
    out = eventually(LIMIT_SECONDS, lambda: (ask(flaky, 20), ejected(flaky)), lambda found: found[1] == 1)
    assert out[1] == 1
    assert ask(flaky) == {200: 60}
    flaky.cluster.delete(flaky.path(policy))
    assert eventually(LIMIT_SECONDS, lambda: ask(flaky), lambda found: found[500] > 5)[500] > 5
