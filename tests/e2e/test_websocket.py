"""WebSocket messages of 1 MiB and all that belongs to them, with the library `websockets` on both sides."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from meshctl.client import Cluster, Executed
from meshctl.names import GROUP
from tests.e2e.conftest import STATE_DIR
from tests.e2e.images import build, nodes
from tests.e2e.namespace import Sandbox
from tests.e2e.workload import (
    FILES,
    OUTSIDE,
    Program,
    Workload,
    bring_programs,
    expose,
    route,
    served_by_worker,
    start,
)

LABELS = {f"{GROUP}/authorization": "Allow"}
CASE_SECONDS = 60
CASES = ("in_turn", "uncompressed", "both_ways", "fragments", "pings", "closed_here", "closed_there", "no_upgrade")
WAYS = {
    "unmeshed": ("outside", "unmeshed"),
    "native": ("client", "plain"),
    "route": ("client", "routed"),
    "python": ("python", "plain"),
}
"""Which pod calls which Service."""

type Call = Callable[[str, str], Executed]


@pytest.fixture(scope="module")
def call(cluster: Cluster, sandbox: Sandbox) -> Call:
    """Run one case one way."""
    image = build.databases()
    nodes.bring(cluster, image, STATE_DIR)
    bring_programs(sandbox, "websocket_echo.py", "websocket_calls.py")
    port = {"name": "http", "port": 80, "targetPort": 8080}
    expose(sandbox, "plain", "server", port)
    expose(sandbox, "routed", "server", port)
    expose(sandbox, "unmeshed", "lonely", port)
    route(sandbox, "HTTPRoute", "routed", "plain", 80)
    server = [Program(["python3", f"{FILES}/websocket_echo.py", "8080"], 8080)]
    idle = [Program(["sleep", "infinity"])]
    start(
        sandbox,
        Workload("server", image.name, server),
        Workload("client", image.name, idle),
        Workload("python", image.name, idle, annotations={f"{GROUP}/engine": "python"}),
        Workload("lonely", image.name, server, OUTSIDE),
        Workload("outside", image.name, idle, OUTSIDE),
    )

    def run(way: str, case: str) -> Executed:
        pod, service = WAYS[way]
        words = ["python3", f"{FILES}/websocket_calls.py", service, case]
        return cluster.execute(sandbox.name, pod, "app", words, CASE_SECONDS)

    return run


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("way", WAYS)
def test_case(way: str, case: str, call: Call) -> None:
    done = call(way, case)
    assert done.code == 0, done.stderr or done.stdout


@pytest.mark.parametrize(("way", "by_worker"), [("native", 0), ("route", 1), ("python", 1)])
def test_upgrade_goes_the_way_that_is_meant(way: str, by_worker: int, sandbox: Sandbox, call: Call) -> None:
    pod = WAYS[way][0]
    before = served_by_worker(sandbox, pod)
    assert call(way, "closed_here").code == 0
    assert served_by_worker(sandbox, pod) - before == by_worker
