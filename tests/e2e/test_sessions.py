"""Sessions and copies on a cluster: a client's cookie leads back to its pod, and copies leave the cluster."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from meshctl.client import Cluster, Object
from meshctl.names import GROUP, METRICS_PORT
from tests.e2e.namespace import Sandbox, eventually
from tests.e2e.workload import (
    FILES,
    IDLE,
    OUTSIDE,
    WHO,
    Workload,
    bring_programs,
    expose,
    python_image,
    run,
    start,
)

LABELS = {f"{GROUP}/authorization": "Allow"}
LIVE_SECONDS = 30
COPIES = 6


@pytest.fixture(scope="module")
def shop(cluster: Cluster, sandbox: Sandbox) -> Sandbox:
    """Pods one and two, alone and together behind `both`; `sink` is outside of the mesh; `client` calls."""
    image = python_image(cluster)
    bring_programs(sandbox, "who.py", "keep_cookie.py")
    start(
        sandbox,
        Workload("one", image, [WHO], labels={"set": "both"}),
        Workload("two", image, [WHO], labels={"set": "both"}),
        Workload("sink", image, [WHO], labels=OUTSIDE),
        Workload("client", image, [IDLE]),
    )
    for name in ("one", "two", "sink"):
        expose(sandbox, name, name, {"name": "http", "port": 80, "targetPort": 8080})
    write(
        sandbox,
        "Service",
        "both",
        {"selector": {"set": "both"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    )
    return sandbox


def write(home: Sandbox, kind: str, name: str, spec: Object) -> None:
    version = "v1" if kind == "Service" else "gateway.networking.k8s.io/v1"
    manifest = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": home.name}, "spec": spec}
    home.cluster.apply(home.path(manifest), manifest)


def route(home: Sandbox, service: str, **rule: Any) -> None:
    parent = {"group": "", "kind": "Service", "name": service}
    write(home, "HTTPRoute", service, {"parentRefs": [parent], "rules": [{"name": "all", **rule}]})


def ask(home: Sandbox, url: str, count: int, cookie: str = "") -> tuple[list[str], str]:
    """Who answered each request, and the cookie at the end."""
    words = ["python3", f"{FILES}/keep_cookie.py", str(count), url, *([cookie] if cookie else [])]
    found = json.loads(run(home, "client", *words))
    return found["answers"], found["cookie"]


def test_every_client_stays_at_its_pod(shop: Sandbox, experimental: None) -> None:
    route(shop, "both", backendRefs=[{"name": "both", "port": 80}], sessionPersistence={"type": "Cookie"})
    _, cookie = eventually(LIVE_SECONDS, lambda: ask(shop, "http://both/", 1), lambda found: found[1] != "")
    assert cookie.startswith("heddle-session-")
    for _ in range(3):
        answers, _ = ask(shop, "http://both/", 12)
        assert len(set(answers)) == 1, answers


def test_a_session_outlives_the_weight_of_its_backend(shop: Sandbox, experimental: None) -> None:
    def weights(one: int, two: int) -> None:
        refs = [{"name": "one", "port": 80, "weight": one}, {"name": "two", "port": 80, "weight": two}]
        route(shop, "one", backendRefs=refs, sessionPersistence={"type": "Cookie", "absoluteTimeout": "1h"})

    weights(0, 1)
    answers, cookie = eventually(LIVE_SECONDS, lambda: ask(shop, "http://one/", 1), lambda found: found[0] == ["two"])
    assert answers == ["two"]
    assert cookie
    weights(1, 0)
    fresh = eventually(LIVE_SECONDS, lambda: ask(shop, "http://one/", 1)[0], lambda found: found == ["one"])
    assert fresh == ["one"]
    assert ask(shop, "http://one/", 5, cookie) == (["two"] * 5, cookie)


def test_copies_leave_the_cluster(shop: Sandbox) -> None:
    """The host outside is a pod without a sidecar, found by its name as any host is."""
    far = f"sink.{shop.name}.svc.cluster.local"
    write(
        shop, "Service", "far", {"type": "ExternalName", "externalName": far, "ports": [{"name": "http", "port": 80}]}
    )
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "far", "port": 80}}}
    before = figure(shop, "mirror_sent")
    route(shop, "two", backendRefs=[{"name": "two", "port": 80}], filters=[mirror])

    def copied() -> int:
        ask(shop, "http://two/warm", 1)
        return figure(shop, "mirror_sent") - before

    assert eventually(LIVE_SECONDS, copied, lambda count: count > 0) > 0
    answers, _ = ask(shop, "http://two/counted", COPIES)
    assert answers == ["two"] * COPIES

    def seen() -> int:
        return sum("GET /counted " in line for line in shop.cluster.logs(shop.name, "sink", "app", since_seconds=600))

    assert eventually(LIVE_SECONDS, seen, lambda count: count == COPIES) == COPIES
    assert figure(shop, "mirror_dropped") == 0


def figure(home: Sandbox, name: str) -> int:
    """A counter of the client's worker; 0 while it has none."""
    text = home.cluster.pod_get(home.name, "client", METRICS_PORT, "/metrics")
    found = re.search(rf"^heddle_worker_{name} ([0-9.]+)$", text, re.MULTILINE)
    return int(float(found.group(1))) if found else 0
