"""`locality: Prefer` on nodes of two zones: the caller's own is preferred, the other takes over and gives back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from meshctl.client import Cluster, Object
from meshctl.names import GROUP
from tests.e2e.namespace import Sandbox, eventually
from tests.e2e.workload import IDLE, WHO, Workload, ask, bring_programs, expose, python_image, start

LABELS = {f"{GROUP}/authorization": "Allow"}
ZONE = "topology.kubernetes.io/zone"
SERVICE = "zoned"
LIVE_SECONDS = 30
POLICY: Object = {
    "apiVersion": f"{GROUP}/v1alpha1",
    "kind": "TrafficPolicy",
    "metadata": {"name": SERVICE, "namespace": ""},
    "spec": {
        "targetRefs": [{"group": "", "kind": "Service", "name": SERVICE}],
        "loadBalancing": {"locality": "Prefer"},
    },
}


class Nodes(NamedTuple):
    near: str
    """The client's own."""
    far: str


@pytest.fixture(scope="module")
def nodes(cluster: Cluster) -> Iterator[Nodes]:
    """Two nodes in a zone each. Labels that they had before are put back."""
    before = {
        node["metadata"]["name"]: node["metadata"].get("labels", {}).get(ZONE)
        for node in cluster.items("/api/v1/nodes")
    }
    names = sorted(before)[:2]
    if len(names) < 2:
        pytest.skip("needs two nodes")
    try:
        for name in names:
            label(cluster, name, f"zone-of-{name}")
        yield Nodes(*names)
    finally:
        for name in names:
            label(cluster, name, before[name])


def label(cluster: Cluster, node: str, zone: str | None) -> None:
    """None: the node is in no zone."""
    cluster.patch(f"/api/v1/nodes/{node}", {"metadata": {"labels": {ZONE: zone}}})


@pytest.fixture(scope="module")
def image(cluster: Cluster) -> str:
    return python_image(cluster)


@pytest.fixture(scope="module")
def zoned(sandbox: Sandbox, nodes: Nodes, image: str) -> Sandbox:
    """A Service with a pod on either node, and a client on the first."""
    bring_programs(sandbox, "who.py", "ask.py")
    client = Workload("client", image, [IDLE], node=nodes.near)
    start(sandbox, endpoint("near", nodes.near, image), endpoint("far", nodes.far, image), client)
    expose(sandbox, SERVICE, SERVICE, {"name": "http", "port": 80, "targetPort": 8080})
    return sandbox


def endpoint(name: str, node: str, image: str) -> Workload:
    return Workload(name, image, [WHO], {"app": SERVICE}, node=node)


def answers(sandbox: Sandbox) -> set[str]:
    """Who answers, or with which status, of twenty requests."""
    return {who or str(status) for status, who in ask(sandbox, f"http://{SERVICE}/", 20)}


def until(sandbox: Sandbox, wanted: set[str]) -> None:
    assert eventually(LIVE_SECONDS, lambda: answers(sandbox), lambda found: found == wanted) == wanted


def test_the_callers_own_zone_is_preferred_as_long_as_it_has_an_endpoint(
    zoned: Sandbox, nodes: Nodes, image: str
) -> None:
    until(zoned, {"near", "far"})
    policy = zoned.moved(POLICY)
    zoned.cluster.apply(zoned.path(policy), policy)
    until(zoned, {"near"})
    assert answers(zoned) == {"near"}
    pod = f"/api/v1/namespaces/{zoned.name}/pods/near"
    zoned.cluster.delete(pod)
    until(zoned, {"far"})
    assert eventually(LIVE_SECONDS, lambda: zoned.cluster.find(pod), lambda found: found is None) is None
    start(zoned, endpoint("near", nodes.near, image))
    until(zoned, {"near"})
