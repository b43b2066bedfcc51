"""TrafficPolicy on the cluster, as far as HAProxy carries it out: which pod answers, and how many requests it takes."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from meshctl.client import Cluster
from meshctl.names import GROUP
from tests.e2e import workload
from tests.e2e.namespace import Sandbox, eventually
from tests.e2e.workload import FILES, IDLE, WHO, Workload, bring_programs, expose, python_image, run, start

LABELS = {f"{GROUP}/authorization": "Allow"}
LIVE_SECONDS = 30


@pytest.fixture(scope="module")
def pair(cluster: Cluster, sandbox: Sandbox) -> Sandbox:
    """A Service `pair` of two pods, and a client."""
    image = python_image(cluster)
    bring_programs(sandbox, "who.py", "ask.py", "ask_together.py")
    start(
        sandbox,
        Workload("one", image, [WHO], {"app": "pair"}),
        Workload("two", image, [WHO], {"app": "pair"}),
        Workload("client", image, [IDLE]),
    )
    expose(sandbox, "pair", "pair", {"name": "http", "port": 80, "targetPort": 8080})
    return sandbox


def ask(client: Sandbox, count: int) -> Counter[str]:
    """Who answered, or with which status."""
    return Counter(who or str(status) for status, who in workload.ask(client, "http://pair/", count))


def policy(sandbox: Sandbox, **spec: Any) -> None:
    """The only policy of the Service from now on."""
    manifest = {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "TrafficPolicy",
        "metadata": {"name": "pair", "namespace": sandbox.name},
        "spec": {"targetRefs": [{"group": "", "kind": "Service", "name": "pair"}], **spec},
    }
    sandbox.cluster.apply(sandbox.path(manifest), manifest)


def test_two_pods_share_and_a_hash_chooses_one(pair: Sandbox) -> None:
    shared = ask(pair, 40)
    assert abs(shared["one"] - shared["two"]) <= 4
    policy(pair, loadBalancing={"algorithm": "ConsistentHash", "hash": {"address": True}})
    assert len(eventually(LIVE_SECONDS, lambda: ask(pair, 20), lambda found: len(found) == 1)) == 1


def test_no_more_requests_are_under_way_than_the_circuit_says(pair: Sandbox) -> None:
    policy(pair, circuit={"maxRequests": 3})
    words = ["python3", f"{FILES}/ask_together.py", "8", "http://pair/slow"]

    def statuses() -> Counter[int]:
        return Counter(json.loads(run(pair, "client", *words)))

    assert eventually(LIVE_SECONDS, statuses, lambda found: 503 in found) == {200: 3, 503: 5}


def test_each_pod_takes_what_its_limit_says(pair: Sandbox) -> None:
    policy(pair, rateLimit={"requests": 5, "per": "1h", "burst": 2, "by": "Caller"})
    found = eventually(LIVE_SECONDS, lambda: ask(pair, 20), lambda found: found == {"429": 20})
    assert found == {"429": 20}
