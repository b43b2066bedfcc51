"""What goes through two sidecars: every protocol, both engines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import uuid

import pytest

from tests.support.sidecar.access_log import logged
from tests.support.sidecar.applications import Application, exchange, get, http_echo, tcp_greeting
from tests.support.sidecar.mesh import API_IP, DETECT, GRPC, HTTP, ROUTED_VIP, TCP, VIP, WEB, Mesh
from tests.support.sidecar.rootfs import ROOT

BOTH_ENGINES = pytest.mark.parametrize("vip", [VIP, ROUTED_VIP], ids=["native", "python"])


def received(mesh: Mesh, path: str) -> dict[str, str]:
    """Headers of the request for this path, as the application got it."""
    return next(headers for start, headers, _ in reversed(mesh.seen.requests) if f" {path} " in start)


@BOTH_ENGINES
def test_requests_of_one_connection_reach_the_application(mesh: Mesh, vip: str) -> None:
    with mesh.web.connect((vip, HTTP)) as connection:
        answers = [exchange(connection, get(f"/many/{i}")) for i in range(20)]
    assert [answer.status for answer in answers] == [200] * 20
    assert [answer.text.split("\n")[1] for answer in answers] == [f"GET /many/{i} HTTP/1.1" for i in range(20)]


@BOTH_ENGINES
def test_a_body_arrives_whole(mesh: Mesh, vip: str) -> None:
    body = bytes(range(256)) * 4096
    answer = mesh.ask(get("/body", method="POST", body=body), vip=vip)
    assert answer.status == 200
    assert answer.body.endswith(body)


@BOTH_ENGINES
def test_the_application_learns_who_called_and_the_request_id(mesh: Mesh, vip: str) -> None:
    mesh.ask(get("/who", headers="x-request-id: 0123-abc\r\n"), vip=vip)
    headers = received(mesh, "/who")
    assert headers["x-mesh-peer"] == WEB
    assert headers["x-request-id"] == "0123-abc"


@pytest.mark.parametrize("ids", [("a b",), ("x" * 65,), ("good-1", "good-2"), ("good-1", "x" * 5000)])
@BOTH_ENGINES
def test_an_id_that_cannot_be_used_is_replaced(mesh: Mesh, vip: str, ids: tuple[str, ...]) -> None:
    """Otherwise an application would write what it likes into other workloads' logs."""
    path = f"/ids/{uuid.uuid4()}"
    assert mesh.ask(get(path, headers="".join(f"x-request-id: {one}\r\n" for one in ids)), vip=vip).status == 200
    given = received(mesh, path)["x-request-id"]
    assert str(uuid.UUID(given)) == given
    assert {logged(mesh.web, path, "outbound")["id"], logged(mesh.api, path)["id"]} == {given}


@BOTH_ENGINES
def test_websocket(mesh: Mesh, vip: str) -> None:
    upgrade = "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    upgrade += "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    with mesh.web.connect((vip, HTTP)) as connection:
        connection.sendall(get("/ws", headers=upgrade))
        stream = connection.makefile("rb")
        assert b" 101 " in stream.readline()
        while stream.readline().strip():
            pass
        for message in (b"one", b"two"):
            connection.sendall(message)
            assert stream.read(3) == message


def test_tcp_where_the_server_speaks_first(mesh: Mesh) -> None:
    with mesh.web.connect((VIP, TCP)) as connection:
        stream = connection.makefile("rb")
        assert stream.readline() == b"220 hello\n"
        connection.sendall(b"EHLO\n")
        assert stream.readline() == b"echo EHLO\n"


@pytest.mark.parametrize("address", [(VIP, DETECT), (API_IP, DETECT)], ids=["service", "pod"])
def test_a_detected_protocol_that_is_not_http_passes_as_bytes(mesh: Mesh, address: tuple[str, int]) -> None:
    with mesh.web.connect(address) as connection:
        connection.sendall(b"\x00\x01binary\r\n\r\n")
        assert connection.makefile("rb").read(12) == b"\x00\x01binary\r\n\r\n"


def test_a_pod_is_reached_by_its_own_address_with_mtls(mesh: Mesh) -> None:
    answer = mesh.ask(get("/by-pod"), vip=API_IP)
    assert answer.status == 200
    assert received(mesh, "/by-pod")["x-mesh-peer"] == WEB


def test_two_ports_of_a_pod_are_not_mixed_up_by_pooled_connections(mesh: Mesh) -> None:
    second = Application(mesh.api.listener(9090), http_echo("second"))
    try:
        for _ in range(3):
            assert mesh.ask(get("/"), vip=API_IP, port=HTTP).headers["x-app"] == "api"
            assert mesh.ask(get("/"), vip=API_IP, port=9090).headers["x-app"] == "second"
    finally:
        second.close()


def test_a_foreign_destination_is_passed_on_untouched(mesh: Mesh) -> None:
    namespace = mesh.network.join("foreign", "10.77.0.50")
    import socket

    from tests.support.sidecar.network import within

    with within(namespace):
        listener = socket.create_server(("10.77.0.50", 7000))
    foreign = Application(listener, tcp_greeting)
    try:
        with mesh.web.connect(("10.77.0.50", 7000)) as connection:
            assert connection.makefile("rb").readline() == b"220 hello\n"
    finally:
        foreign.close()


def test_no_endpoint_is_503(mesh: Mesh) -> None:
    assert mesh.ask(get("/"), port=80).status == 503


@BOTH_ENGINES
def test_grpc(mesh: Mesh, vip: str) -> None:
    """Unary, error with metadata, both directions at once, cancellation: a real client and server of grpcio."""
    script = str(ROOT / "tests" / "support" / "sidecar" / "grpc_pair.py")
    inside = ["ip", "netns", "exec"]
    server = subprocess.Popen(
        [*inside, mesh.api.namespace, sys.executable, script, "serve", f"0.0.0.0:{GRPC}"], stdout=subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == b"serving\n"
        client = subprocess.run(
            [*inside, mesh.web.namespace, sys.executable, script, "call", f"{vip}:{GRPC}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "GRPC_VERBOSITY": "ERROR"},
        )
        assert client.returncode == 0, client.stderr
        found = json.loads(client.stdout)
    finally:
        server.kill()
        server.wait(10)
    assert found["peer"] == WEB
    assert found["error"] == ["NOT_FOUND", "no such thing", "detail"]
    assert found["echoes"] == ["echo m0", "echo m1", "echo m2"]
    assert found["trailer"] == "last"
    assert found["cancelled"] is True


def test_requests_side_by_side(mesh: Mesh) -> None:
    statuses: list[int] = []

    def work() -> None:
        statuses.extend(mesh.ask(get("/side"), vip=ROUTED_VIP).status for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert statuses == [200] * 80
