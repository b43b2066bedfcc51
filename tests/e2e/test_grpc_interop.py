"""gRPC's own interoperability programs agree through the mesh as they do without it, whichever way a call goes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from meshctl.client import Cluster, Executed
from meshctl.names import GROUP
from tests.e2e.conftest import STATE_DIR
from tests.e2e.images import build, nodes
from tests.e2e.namespace import Sandbox
from tests.e2e.workload import OUTSIDE, Program, Workload, access_log, expose, route, served_by_worker, start

LABELS = {f"{GROUP}/authorization": "Allow"}
PORT = 10000
CASE_SECONDS = 60
# Every case of interop_test.sh in the module, which leaves out those that need Google's credentials.
CASES = (
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "timeout_on_sleeping_server",
    "cancel_after_begin",
    "cancel_after_first_response",
    "status_code_and_message",
    "special_status_message",
    "custom_metadata",
    "unimplemented_method",
    "unimplemented_service",
    "orca_per_rpc",
    "orca_oob",
    "rpc_soak",
    "channel_soak",
)
WAYS = {
    "unmeshed": ("outside", "unmeshed"),
    "native": ("client", "plain"),
    "route": ("client", "routed"),
    "python": ("python", "plain"),
}
"""Which pod calls which Service."""
ORCA = json.dumps({"loadBalancingConfig": [{"test_backend_metrics_load_balancer": {}}]})

type Call = Callable[[str, str], Executed]


@pytest.fixture(scope="module")
def call(cluster: Cluster, sandbox: Sandbox) -> Call:
    """Run one case one way."""
    image = build.grpc_interop()
    nodes.bring(cluster, image, STATE_DIR)
    port = {"name": "grpc", "port": 80, "targetPort": PORT}
    expose(sandbox, "plain", "server", port)
    expose(sandbox, "routed", "server", port)
    expose(sandbox, "unmeshed", "lonely", port)
    route(sandbox, "GRPCRoute", "routed", "plain", 80)
    server = [Program(["/server", f"--port={PORT}"], PORT)]
    start(
        sandbox,
        Workload("server", image.name, server),
        Workload("client", image.name, server),
        Workload("python", image.name, server, annotations={f"{GROUP}/engine": "python"}),
        Workload("lonely", image.name, server, OUTSIDE),
        Workload("outside", image.name, server, OUTSIDE),
    )

    def run(way: str, case: str) -> Executed:
        pod, service = WAYS[way]
        words = ["/client", f"--server_host={service}", "--server_port=80", f"--test_case={case}"]
        words += [f"--service_config_json={ORCA}"] if case.startswith("orca") else []
        return cluster.execute(sandbox.name, pod, "app", words, CASE_SECONDS)

    return run


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("way", WAYS)
def test_case(way: str, case: str, call: Call) -> None:
    done = call(way, case)
    assert done.code == 0, done.stderr or done.stdout


@pytest.mark.parametrize(("way", "by_worker"), [("native", 0), ("route", 1), ("python", 1)])
def test_call_goes_the_way_that_is_meant(way: str, by_worker: int, sandbox: Sandbox, call: Call) -> None:
    """Otherwise four ways might have been one. The receiver knows who called, whichever way it was."""
    pod = WAYS[way][0]
    before = served_by_worker(sandbox, pod)
    assert call(way, "empty_unary").code == 0
    assert served_by_worker(sandbox, pod) - before == by_worker
    peers = {json.loads(line)["peer"] for line in access_log(sandbox, "server") if "/EmptyCall" in line}
    assert peers == {f"spiffe://cluster.local/ns/{sandbox.name}/sa/default"}
