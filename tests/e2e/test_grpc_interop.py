"""gRPC's own interoperability programs agree through the mesh as they do without it, whichever way a call goes."""

from __future__ import annotations

import json

import pytest

from meshctl.client import Cluster
from meshctl.names import GROUP
from tests.e2e.conftest import STATE_DIR
from tests.e2e.images import build, nodes
from tests.e2e.namespace import Sandbox
from tests.e2e.ways import BY_WORKER, WAYS, Call, calls, start_on_all_ways
from tests.e2e.workload import Program, access_log, served_by_worker

LABELS = {f"{GROUP}/authorization": "Allow"}
PORT = 10000
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
ORCA = json.dumps({"loadBalancingConfig": [{"test_backend_metrics_load_balancer": {}}]})


@pytest.fixture(scope="module")
def call(cluster: Cluster, sandbox: Sandbox) -> Call:
    image = build.grpc_interop()
    nodes.bring(cluster, image, STATE_DIR)
    port = {"name": "grpc", "port": 80, "targetPort": PORT}
    start_on_all_ways(sandbox, image.name, "GRPCRoute", port, server=Program(["/server", f"--port={PORT}"], PORT))

    def words(service: str, case: str) -> list[str]:
        own = [f"--service_config_json={ORCA}"] if case.startswith("orca") else []
        return ["/client", f"--server_host={service}", "--server_port=80", f"--test_case={case}", *own]

    return calls(sandbox, WAYS, words)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("way", WAYS)
def test_case(way: str, case: str, call: Call) -> None:
    done = call(way, case)
    assert done.code == 0, done.stderr or done.stdout


@pytest.mark.parametrize(("way", "by_worker"), BY_WORKER)
def test_call_goes_the_way_that_is_meant(way: str, by_worker: int, sandbox: Sandbox, call: Call) -> None:
    """Otherwise four ways might have been one. The receiver knows who called, whichever way it was."""
    pod = WAYS[way][0]
    before = served_by_worker(sandbox, pod)
    assert call(way, "empty_unary").code == 0
    assert served_by_worker(sandbox, pod) - before == by_worker
    peers = {json.loads(line)["peer"] for line in access_log(sandbox, "server") if "/EmptyCall" in line}
    assert peers == {f"spiffe://cluster.local/ns/{sandbox.name}/sa/default"}
