"""What a caller of gRPC reads where the mesh answers itself: a head with a status of gRPC, and nothing else."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from h2.events import DataReceived, RequestReceived, ResponseReceived, StreamEnded

from mesh_policy.snapshot import Authorization, Circuit, Inbound, InboundPort, Intention, SourceMatch, Timeouts
from tests.integration.sidecar.test_traffic import BOTH_ENGINES
from tests.support.sidecar.access_log import logged
from tests.support.sidecar.applications import Application, get
from tests.support.sidecar.http2 import Connection
from tests.support.sidecar.mesh import API, API_IP, GRPC, HTTP, WEB, Mesh, api_config
from tests.support.sidecar.network import within
from tests.support.sidecar.pod import Pod
from tests.support.sidecar.pool import IP, NATIVE, PORT, PORTS, ROUTED, Pool

CLIENT = Path(__file__).parents[2] / "support" / "sidecar" / "grpc_pair.py"
NOBODY = 7199
"""A port of the pool where nobody listens."""
CALL = "content-type: application/grpc\r\n"
BOTH = pytest.mark.parametrize("vip", [NATIVE, ROUTED], ids=["native", "python"])


class Read(NamedTuple):
    """What came on a stream of HTTP/2."""

    fields: dict[str, str]
    head_is_all: bool
    """The end came with the head."""
    body: bytes


def call(pod: Pod, address: tuple[str, int], path: str, *, kind: str = "application/grpc", ends: bool = True) -> Read:
    """A call, of which nothing comes but the head; `ends` False: and which is not finished either."""
    with pod.connect(address, 10) as plain:
        connection = Connection(plain, client=True)
        head = [(":method", "POST"), (":scheme", "http"), (":authority", "api"), (":path", path), ("te", "trailers")]
        connection.h2.send_headers(1, [*head, ("content-type", kind)], end_stream=ends)
        connection.flush()
        return _read(connection)


def _read(connection: Connection) -> Read:
    fields: dict[str, str] = {}
    body, head_is_all = b"", False
    for event in connection.events():
        match event:
            case ResponseReceived():
                fields, head_is_all = dict(event.headers), event.stream_ended is not None
            case DataReceived():
                body += event.data
            case StreamEnded():
                return Read(fields, head_is_all, body)
    raise AssertionError(f"closed after {fields} {body!r}")


def refused(read: Read, status: int, reason: str) -> None:
    told = {name: read.fields.get(name) for name in (":status", "content-type", "grpc-status", "grpc-message")}
    assert told == {
        ":status": "200",
        "content-type": "application/grpc",
        "grpc-status": str(status),
        "grpc-message": f"mesh: {reason}",
    }
    assert read.fields["x-mesh-error"] == reason
    assert read.head_is_all
    assert not [name for name in read.fields if name.startswith("x-mesh-internal")]


def old(pool: Pool, vip: str, path: str) -> Read:
    """A call in HTTP/1.1, which the pool's endpoints understand."""
    reply = pool.ask(path, vip=vip, headers=CALL)
    return Read({":status": str(reply.status), **reply.headers}, reply.headers["content-length"] == "0", reply.body)


def client(pod: Pod, vip: str, port: int) -> list[str]:
    """What the client of grpcio says of a call and of a stream that is not finished."""
    command = ["ip", "netns", "exec", pod.namespace, sys.executable, str(CLIENT), "fail", f"{vip}:{port}"]
    quiet = {**os.environ, "GRPC_VERBOSITY": "ERROR"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=quiet)
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout)
    return found


@BOTH
def test_no_endpoint(pool: Pool, vip: str) -> None:
    pool.apply(())
    assert client(pool.mesh.web, vip, PORT) == ["UNAVAILABLE: mesh: no-endpoint"] * 2
    refused(call(pool.mesh.web, (vip, PORT), "/s/none"), 14, "no-endpoint")
    refused(call(pool.mesh.web, (vip, PORT), "/s/none", ends=False), 14, "no-endpoint")
    plain = pool.ask("/none", vip=vip)
    assert (plain.status, plain.headers["x-mesh-error"], plain.headers["content-type"]) == (
        503,
        "no-endpoint",
        "text/plain",
    )
    assert plain.body


@BOTH
def test_nobody_listens(pool: Pool, vip: str) -> None:
    pool.apply_at({NOBODY: IP})
    refused(call(pool.mesh.web, (vip, PORT), "/s/away"), 14, "upstream-unavailable")
    assert pool.ask("/away", vip=vip).headers["x-mesh-error"] == "upstream-unavailable"


def test_a_limit_of_time_has_passed(pool: Pool) -> None:
    for limit, reason in (("request", "request-timeout"), ("backend", "backend-timeout")):
        pool.apply(rule={"timeouts": Timeouts(**{f"{limit}_seconds": 0.2})})
        pool.gate.clear()
        refused(old(pool, ROUTED, f"/slow/{limit}"), 4, reason)
        pool.gate.set()
        line = logged(pool.mesh.web, f"/slow/{limit}", "outbound")
        assert (line["status"], line["grpc_status"]) == (504, 4)


@BOTH
def test_a_circuit_is_open(pool: Pool, vip: str) -> None:
    pool.apply(PORTS[:1], circuit=Circuit(max_requests=1))
    with pool.hanging(vip):
        refused(old(pool, vip, "/s/m"), 14, "circuit-open")


@BOTH
def test_a_path_that_two_could_read_differently(pool: Pool, vip: str) -> None:
    pool.apply()
    refused(call(pool.mesh.web, (vip, PORT), "/s/../m"), 13, "path-dot-segment")


@BOTH_ENGINES
def test_a_caller_who_may_not(mesh: Mesh, vip: str) -> None:
    """By the called sidecar, and each of both logs has the status of HTTP."""
    assert client(mesh.thief, vip, GRPC) == ["PERMISSION_DENIED: mesh: denied"] * 2
    path = f"/s/denied-{vip}"
    refused(call(mesh.thief, (vip, GRPC), path), 7, "denied")
    for pod, direction in ((mesh.thief, "outbound"), (mesh.api, "inbound")):
        line = logged(pod, path, direction)
        assert (line["status"], line["grpc_status"]) == (403, 7)
    assert mesh.ask(get("/denied"), vip=vip, pod=mesh.thief).status == 403


@BOTH_ENGINES
def test_the_application_does_not_listen(mesh: Mesh, vip: str) -> None:
    refused(call(mesh.web, (vip, GRPC), "/s/m"), 14, "application-unavailable")


def unavailable(client: socket.socket) -> None:
    """An application that answers every call as the mesh would answer others."""
    connection = Connection(client, client=False)
    for event in connection.events():
        if isinstance(event, RequestReceived):
            head = [(":status", "503"), ("content-type", "text/plain"), ("x-mesh-error", "no-endpoint")]
            connection.h2.send_headers(event.stream_id, [*head, ("x-mesh-internal-grpc", "1")])
            connection.h2.send_data(event.stream_id, b"page", end_stream=True)
            connection.flush()


@BOTH_ENGINES
def test_answers_of_applications_are_theirs(mesh: Mesh, vip: str) -> None:
    with closing(Application(mesh.api.listener(GRPC), unavailable)):
        read = call(mesh.web, (vip, GRPC), "/s/m")
    assert (read.fields[":status"], read.fields.get("grpc-status"), read.body) == ("503", None, b"page")


@BOTH
def test_other_callers_read_the_status_of_http(pool: Pool, vip: str) -> None:
    pool.apply(())
    for kind in ("application/grpc-web", "application/json"):
        read = call(pool.mesh.web, (vip, PORT), "/s/m", kind=kind)
        assert (read.fields[":status"], read.fields.get("grpc-status")) == ("503", None)
        assert read.body


def test_a_caller_without_a_sidecar(changing_mesh: Mesh) -> None:
    mesh = changing_mesh
    outside = mesh.network.join("caller", "10.77.0.62")
    inbound = Inbound(
        mtls="Permissive",
        ports=(InboundPort(port=HTTP, protocol="http"),),
        authorization=Authorization(
            intentions=(Intention(name="shop/api", source=SourceMatch(identities=(WEB,)), action="allow"),)
        ),
    )
    mesh.control_plane.apply(API, api_config(inbound=inbound))
    before = counted(mesh.api, "inbound")
    with within(outside), socket.create_connection((API_IP, HTTP), 5) as plain:
        connection = Connection(plain, client=True)
        head = [(":method", "POST"), (":scheme", "http"), (":authority", "api"), (":path", "/s/m")]
        connection.h2.send_headers(1, [*head, ("content-type", "application/grpc")], end_stream=True)
        connection.flush()
        refused(_read(connection), 7, "denied")
    assert counted(mesh.api, "inbound") == before + 1


def counted(pod: Pod, direction: str) -> int:
    """Calls that were refused, by what the sidecar's metrics say."""
    text = pod.health("/metrics", 15090).decode()
    found = re.findall(rf'^heddle_grpc_refused_total{{direction="{direction}",code="[45]xx"}} (\d+)$', text, re.M)
    assert len(found) == 2
    return sum(map(int, found))


@BOTH
def test_they_are_counted(pool: Pool, vip: str) -> None:
    pool.apply(())
    before = counted(pool.mesh.web, "outbound")
    for _ in range(3):
        call(pool.mesh.web, (vip, PORT), "/s/m")
    pool.ask("/", vip=vip)
    assert counted(pool.mesh.web, "outbound") == before + 3
