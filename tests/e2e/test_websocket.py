"""WebSocket messages of 1 MiB and all that belongs to them, with the library `websockets` on both sides."""

from __future__ import annotations

import pytest

from meshctl.client import Cluster
from meshctl.names import GROUP
from tests.e2e.conftest import STATE_DIR
from tests.e2e.images import build, nodes
from tests.e2e.namespace import Sandbox
from tests.e2e.ways import BY_WORKER, WAYS, Call, calls, start_on_all_ways
from tests.e2e.workload import FILES, IDLE, Program, bring_programs, served_by_worker

LABELS = {f"{GROUP}/authorization": "Allow"}
CASES = ("in_turn", "uncompressed", "both_ways", "fragments", "pings", "closed_here", "closed_there", "no_upgrade")


@pytest.fixture(scope="module")
def call(cluster: Cluster, sandbox: Sandbox) -> Call:
    image = build.databases()  # the library is in it
    nodes.bring(cluster, image, STATE_DIR)
    bring_programs(sandbox, "websocket_echo.py", "websocket_calls.py")
    port = {"name": "http", "port": 80, "targetPort": 8080}
    server = Program(["python3", f"{FILES}/websocket_echo.py", "8080"], 8080)
    start_on_all_ways(sandbox, image.name, "HTTPRoute", port, server=server, client=IDLE)
    return calls(sandbox, WAYS, lambda service, case: ["python3", f"{FILES}/websocket_calls.py", service, case])


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("way", WAYS)
def test_case(way: str, case: str, call: Call) -> None:
    done = call(way, case)
    assert done.code == 0, done.stderr or done.stdout


@pytest.mark.parametrize(("way", "by_worker"), BY_WORKER)
def test_upgrade_goes_the_way_that_is_meant(way: str, by_worker: int, sandbox: Sandbox, call: Call) -> None:
    pod = WAYS[way][0]
    before = served_by_worker(sandbox, pod)
    assert call(way, "closed_here").code == 0
    assert served_by_worker(sandbox, pod) - before == by_worker
