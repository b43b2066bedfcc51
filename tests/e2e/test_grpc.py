"""What a client of gRPC in Go reads where the mesh answers in a server's place."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from meshctl.client import Cluster, Object
from meshctl.names import GROUP
from tests.e2e.conftest import STATE_DIR
from tests.e2e.images import build, nodes
from tests.e2e.namespace import Sandbox, eventually
from tests.e2e.workload import Program, Workload, access_log, expose, route, start

LABELS = {f"{GROUP}/authorization": "Allow", f"{GROUP}/chaos": "allowed"}
PORT = 10000
CALL_SECONDS = 30
LIVE_SECONDS = 20

type Call = Callable[[str], str]
"""Service to what the client says of the call; empty: it succeeded."""


@pytest.fixture(scope="module")
def call(cluster: Cluster, sandbox: Sandbox) -> Call:
    image = build.grpc_interop()
    nodes.bring(cluster, image, STATE_DIR)
    port = {"name": "grpc", "port": 80, "targetPort": PORT}
    for service in ("plain", "late", "wrong", "absent"):
        expose(sandbox, service, "server", port)
    for service in ("limited", "guarded"):  # limits and intentions are the pods', whichever Service is called
        expose(sandbox, service, service, port)
    expose(sandbox, "empty", "nobody", port)
    route(sandbox, "GRPCRoute", "absent", "not-there", 80)
    for one in _objects():
        sandbox.cluster.apply(sandbox.path(one), one)
    server = [Program(["/server", f"--port={PORT}"], PORT)]
    start(sandbox, *(Workload(name, image.name, server) for name in ("server", "limited", "guarded", "client")))

    def run(service: str) -> str:
        words = ["/client", f"--server_host={service}", "--server_port=80", "--test_case=empty_unary"]
        done = cluster.execute(sandbox.name, "client", "app", words, CALL_SECONDS)
        return "" if done.code == 0 else done.stderr or done.stdout

    assert eventually(LIVE_SECONDS, lambda: run("plain"), lambda said: not said) == ""
    return run


def _objects() -> list[Object]:
    method = {"service": "some.other.Service"}
    return [
        _object(
            "gateway.networking.k8s.io/v1",
            "GRPCRoute",
            "wrong",
            parentRefs=[{"group": "", "kind": "Service", "name": "wrong"}],
            rules=[{"matches": [{"method": method}], "backendRefs": [{"name": "plain", "port": 80}]}],
        ),
        _policy(
            "late", timeouts={"request": "200ms"}, faults=[{"name": "slow", "percent": 100, "delay": {"fixed": "5s"}}]
        ),
        _policy("limited", rateLimit={"requests": 1, "per": "1h", "by": "Workload"}),
        _object(
            f"{GROUP}/v1alpha1",
            "ServiceIntentions",
            "guarded",
            destination={"name": "guarded"},
            sources=[{"name": "*", "action": "deny"}],
        ),
    ]


def _policy(service: str, **spec: object) -> Object:
    target = {"group": "", "kind": "Service", "name": service}
    return _object(f"{GROUP}/v1alpha1", "TrafficPolicy", service, targetRefs=[target], **spec)


def _object(version: str, kind: str, name: str, **spec: object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, "spec": spec}


WANTED = {
    "empty": ("Unavailable", "no-endpoint", 503),
    "absent": ("Unavailable", "invalid-backend", 503),
    "wrong": ("Unimplemented", "route-not-found", 404),
    "late": ("DeadlineExceeded", "request-timeout", 504),
    "limited": ("ResourceExhausted", "rate-limited", 429),
    "guarded": ("PermissionDenied", "denied", 403),
}
"""Service to what the client says, why, and the status in the access log."""


@pytest.mark.parametrize("service", WANTED)
def test_an_answer_of_the_mesh(service: str, call: Call, sandbox: Sandbox) -> None:
    code, reason, status = WANTED[service]
    wanted = f"code = {code} desc = mesh: {reason}"
    said = eventually(LIVE_SECONDS, lambda: call(service), lambda text: wanted in text)
    assert wanted in said

    def logged() -> list[Object]:
        lines = [json.loads(line) for line in access_log(sandbox, "client") if '"direction": "outbound"' in line]
        return [line for line in lines if f"/{service}/" in str(line["frontend"]) and line["status"] == status]

    assert eventually(LIVE_SECONDS, logged, bool)


def test_a_call_that_a_server_answers_is_as_it_was(call: Call) -> None:
    assert call("plain") == ""
