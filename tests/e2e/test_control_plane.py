"""A replica of the control plane dies under load: no request fails, and changes go on."""

from __future__ import annotations

import time

from meshctl import pods
from meshctl.checks.shop import SHOP, Traffic, a_pod, set_weights, streaming, weights
from meshctl.client import Cluster
from meshctl.names import CONTROL_PLANE
from tests.e2e.namespace import eventually

NAMESPACE = "heddle-system"


def replicas(cluster: Cluster) -> list[pods.Pod]:
    found = pods.running(pods.listed(cluster, NAMESPACE))
    return [pod for pod in found if pod.owner == f"Deployment/{CONTROL_PLANE}" and pod.ready]


def leader(cluster: Cluster) -> str:
    leases = cluster.items(f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases")
    return " ".join(lease["spec"].get("holderIdentity") or "" for lease in leases)


def test_the_leader_is_killed_under_load(cluster: Cluster) -> None:
    before = eventually(60, lambda: replicas(cluster), lambda found: len(found) >= 2)
    assert len(before) >= 2, "two replicas run before the test"
    victim = next(pod for pod in before if pod.name in leader(cluster))
    web, kept = a_pod(cluster, SHOP, "web"), weights(cluster)
    with streaming(cluster, web, "web", Traffic(concurrency=4, rate=50)) as stream:
        try:
            path = f"/api/v1/namespaces/{NAMESPACE}/pods/{victim.name}"
            cluster.call("DELETE", path, query={"gracePeriodSeconds": "0"})
            versions = [one.get("version") for one in stream.answers(2.0)]
            set_weights(cluster, [0, 100])
            changed = time.monotonic()
            last_old = changed
            for answer in stream.answers(8.0):
                if answer.get("version") == "v1":
                    last_old = time.monotonic()
        finally:
            set_weights(cluster, kept)
        end = stream.stop()
    assert "v1" in versions
    assert end.failed == 0, end.problems()
    assert last_old - changed < 3.0, "the replica that is left serves changes"
    after = eventually(60, lambda: replicas(cluster), lambda found: len(found) >= 2)
    assert len(after) >= 2
    new_leader = eventually(
        60, lambda: leader(cluster), lambda held: any(pod.name in held for pod in replicas(cluster))
    )
    assert victim.name not in new_leader
