"""Routes on Services as clients meet them, where the official suite does not look: shares of errors, several routes,
both namespaces, single ports, connections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from meshctl.client import Cluster, Object
from meshctl.names import GROUP
from tests.e2e import workload
from tests.e2e.namespace import Sandbox, eventually
from tests.e2e.workload import IDLE, WHO, Workload, bring_programs, expose, python_image, start

LABELS = {f"{GROUP}/authorization": "Allow"}
NEIGHBOUR = "e2e-routes-neighbour"
LIVE_SECONDS = 30
"""A limit against hanging; how long it takes, `python -m bench.changes` measures."""

Answers = Counter[tuple[int, str]]
"""How often: status, and who answered (only 200)."""


@pytest.fixture(scope="module")
def shop(cluster: Cluster, sandbox: Sandbox) -> Sandbox:
    """Pods one and two behind Services of their names, for HTTP and for bytes; `empty` has none; `client` calls."""
    image = python_image(cluster)
    bring_programs(sandbox, "who.py", "ask.py")
    start(
        sandbox,
        Workload("one", image, [WHO]),
        Workload("two", image, [WHO]),
        Workload("client", image, [IDLE]),
    )
    http = {"name": "http", "port": 80, "targetPort": 8080}
    for name in ("one", "two", "empty"):
        expose(sandbox, name, name, http, {"name": "http-alt", "port": 81, "targetPort": 8080})
        expose(sandbox, f"{name}-bytes", name, {"name": "tcp-who", "port": 9000, "targetPort": 8080})
    return sandbox


@pytest.fixture(scope="module")
def neighbour(cluster: Cluster, shop: Sandbox) -> Iterator[Sandbox]:
    """Another namespace of the mesh, with a client of its own."""
    path = f"/api/v1/namespaces/{NEIGHBOUR}"
    metadata = {"name": NEIGHBOUR, "labels": {f"{GROUP}/inject": "enabled"}}
    cluster.delete(path)
    eventually(120, lambda: cluster.find(path), lambda found: found is None)
    cluster.apply(path, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    found = Sandbox(cluster, NEIGHBOUR)
    bring_programs(found, "ask.py")
    image = python_image(cluster)
    start(found, Workload("client", image, [IDLE]))
    yield found
    cluster.delete(path)


def ask(client: Sandbox, url: str, count: int = 1) -> Answers:
    """From the client of a namespace."""
    return Counter(workload.ask(client, url, count))


def to(name: str, port: int = 80, **more: Any) -> Object:
    return {"name": name, "port": port, **more}


@contextmanager
def routes(home: Sandbox, *wanted: tuple[str, Object], parent: Object, kind: str = "HTTPRoute") -> Iterator[None]:
    """Routes by name with one rule each, while a test runs."""
    manifests = [
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": home.name},
            "spec": {"parentRefs": [{"group": "", "kind": "Service", **parent}], "rules": [rule]},
        }
        for name, rule in wanted
    ]
    try:
        for manifest in manifests:
            home.cluster.apply(home.path(manifest), manifest)
        yield
    finally:
        for manifest in manifests:
            home.cluster.delete(home.path(manifest))


def settled(client: Sandbox, url: str, wanted: Answers) -> Answers:
    """What answers once the change has arrived; the caller asserts on it."""
    count = wanted.total()
    return eventually(LIVE_SECONDS, lambda: ask(client, url, count), lambda found: found == wanted)


@pytest.mark.parametrize(
    ("refs", "wanted"),
    [
        (None, {(500, ""): 4}),
        ([to("gone")], {(500, ""): 4}),
        ([to("gone"), to("one", 99)], {(500, ""): 4}),
        ([to("empty")], {(503, ""): 4}),
        ([to("two"), to("gone")], {(200, "two"): 5, (500, ""): 5}),
        ([to("two", weight=3), to("empty", weight=1)], {(200, "two"): 9, (503, ""): 3}),
        ([to("two", weight=0)], {(503, ""): 4}),
    ],
    ids=[
        "omitted",
        "missing",
        "all-invalid",
        "no-endpoints",
        "half-invalid",
        "a-quarter-without-endpoints",
        "no-weight",
    ],
)
def test_shares_of_errors(refs: list[Object] | None, wanted: dict[tuple[int, str], int], shop: Sandbox) -> None:
    rule: Object = {} if refs is None else {"backendRefs": refs}
    with routes(shop, ("share", rule), parent={"name": "one"}):
        assert settled(shop, "http://one/", Counter(wanted)) == Counter(wanted)


def test_several_routes_on_one_service(shop: Sandbox) -> None:
    exact = {"matches": [{"path": {"type": "Exact", "value": "/a"}}], "backendRefs": [to("two")]}
    prefix = {"matches": [{"path": {"value": "/a"}}], "backendRefs": [to("one")]}
    with routes(shop, ("first", prefix), ("second", exact), parent={"name": "one", "port": 80}):
        assert settled(shop, "http://one/a", Counter({(200, "two"): 1})) == {(200, "two"): 1}
        assert ask(shop, "http://one/a/b") == {(200, "one"): 1}
        assert ask(shop, "http://one/c") == {(404, ""): 1}
        assert ask(shop, "http://one:81/c") == {(200, "one"): 1}, "a port without a route is as it was"
    assert settled(shop, "http://one/c", Counter({(200, "one"): 1})) == {(200, "one"): 1}


@pytest.mark.parametrize("parent", [{"sectionName": "http-alt"}, {"port": 81}, {"sectionName": "http-alt", "port": 81}])
def test_a_route_on_one_port(parent: Object, shop: Sandbox) -> None:
    with routes(shop, ("section", {"backendRefs": [to("two")]}), parent={"name": "one", **parent}):
        assert settled(shop, "http://one:81/", Counter({(200, "two"): 1})) == {(200, "two"): 1}
        assert ask(shop, "http://one/") == {(200, "one"): 1}


def test_producer_and_consumer_together(shop: Sandbox, neighbour: Sandbox) -> None:
    url = f"http://one.{shop.name}/"
    parent = {"name": "one", "namespace": shop.name}
    theirs = {"matches": [{"path": {"value": "/mine"}}], "backendRefs": [to("one", namespace=shop.name)]}
    with routes(shop, ("producer", {"backendRefs": [to("two")]}), parent={"name": "one"}):
        assert settled(neighbour, url, Counter({(200, "two"): 1})) == {(200, "two"): 1}
        with routes(neighbour, ("consumer", theirs), parent=parent):
            assert settled(neighbour, f"{url}mine", Counter({(200, "one"): 1})) == {(200, "one"): 1}
            assert ask(neighbour, url) == {(404, ""): 1}, "a consumer's routes replace the producer's"
            assert ask(shop, f"{url}mine") == {(200, "two"): 1}, "and only for its own clients"
        assert settled(neighbour, f"{url}mine", Counter({(200, "two"): 1})) == {(200, "two"): 1}


def test_connections_by_share(shop: Sandbox) -> None:
    refs = [to("one-bytes", 9000, weight=2), to("two-bytes", 9000), to("gone", 9000)]
    wanted = Counter({(200, "one"): 4, (200, "two"): 2, (0, ""): 2})
    with routes(shop, ("bytes", {"backendRefs": refs}), parent={"name": "one-bytes"}, kind="TCPRoute"):
        assert settled(shop, "http://one-bytes:9000/", wanted) == wanted


def test_a_kind_that_loses_a_port_is_told(shop: Sandbox) -> None:
    def said() -> str:
        path = f"/apis/gateway.networking.k8s.io/v1/namespaces/{shop.name}/tcproutes/loser"
        parents = shop.cluster.get(path).get("status", {}).get("parents", [])
        found = {one["type"]: one for entry in parents for one in entry["conditions"]}
        return str(found.get("Accepted", {}).get("message", ""))

    refs = {"backendRefs": [to("two")]}
    with (
        routes(shop, ("winner", refs), parent={"name": "one", "port": 80}),
        routes(shop, ("loser", refs), parent={"name": "one"}, kind="TCPRoute"),
    ):
        wanted = f"acts on port 81; port 80 is routed by HTTPRoute {shop.name}/winner"
        assert eventually(LIVE_SECONDS, said, lambda text: text == wanted) == wanted
