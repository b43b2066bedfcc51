"""Permissive and Disabled: who is let in without a certificate, and as whom."""

from __future__ import annotations

import socket

import pytest

from mesh_policy.snapshot import Authorization, DefaultAction, Inbound, InboundPort, Intention, MtlsMode, SourceMatch
from tests.support.sidecar.applications import Reply, exchange, get
from tests.support.sidecar.mesh import API, API_IP, DETECT, HTTP, TCP, VIP, WEB, Mesh, api_config
from tests.support.sidecar.network import within


@pytest.fixture(scope="module")
def plain(mesh: Mesh) -> str:
    """A namespace without a sidecar."""
    return mesh.network.join("plain", "10.77.0.61")


def connect(namespace: str, port: int) -> socket.socket:
    with within(namespace):
        return socket.create_connection((API_IP, port), 5)


def ask(namespace: str, request: bytes, port: int = HTTP) -> Reply:
    with connect(namespace, port) as connection:
        return exchange(connection, request)


def mode(mesh: Mesh, mtls: MtlsMode, default: DefaultAction, *ports: InboundPort) -> None:
    authorization = Authorization(
        default=default, intentions=(Intention(name="shop/api", source=SourceMatch(identities=(WEB,)), action="allow"),)
    )
    listed = (InboundPort(port=TCP, protocol="tcp"), *ports)
    ack = mesh.control_plane.apply(
        API, api_config(inbound=Inbound(mtls=mtls, ports=listed, authorization=authorization))
    )
    assert ack["accepted"], ack
    # Another layout is a reload: a kept connection is answered once more as before, and closed (ADR 0003).
    for pod in (mesh.web, mesh.thief):
        mesh.ask(get("/last-of-the-kept-connection"), pod=pod)


def seen(mesh: Mesh, path: str) -> dict[str, str]:
    return next(headers for start, headers, _ in reversed(mesh.seen.requests) if f" {path} " in start)


def test_permissive_lets_plaintext_in_without_an_identity(changing_mesh: Mesh, plain: str) -> None:
    mesh = changing_mesh
    mode(mesh, "Permissive", "Allow")
    assert ask(plain, get("/permissive", headers=f"x-mesh-peer: {WEB}\r\nx-mesh-timeout-ms: 1\r\n")).status == 200
    assert not {"x-mesh-peer", "x-mesh-timeout-ms"} & seen(mesh, "/permissive").keys()
    with connect(plain, TCP) as connection:
        assert connection.makefile("rb").readline() == b"220 hello\n"
    with connect(plain, DETECT) as connection:
        connection.sendall(b"\x01bytes")
        assert connection.makefile("rb").read(6) == b"\x01bytes"


def test_permissive_still_knows_who_has_a_certificate(changing_mesh: Mesh) -> None:
    mesh = changing_mesh
    mode(mesh, "Permissive", "Deny")
    assert mesh.ask(get("/known")).status == 200
    assert seen(mesh, "/known")["x-mesh-peer"] == WEB
    with mesh.web.connect((VIP, TCP)) as connection:
        assert connection.makefile("rb").readline() == b"220 hello\n"
    assert mesh.ask(get("/known"), pod=mesh.thief).status == 403


def test_permissive_decides_on_plaintext_by_the_default(changing_mesh: Mesh, plain: str) -> None:
    mesh = changing_mesh
    mode(mesh, "Permissive", "Deny")
    assert ask(plain, get("/denied")).status == 403
    with connect(plain, TCP) as connection:
        assert connection.recv(100) == b""


def test_audit_allows_and_says_so_in_the_log(changing_mesh: Mesh) -> None:
    mesh = changing_mesh
    mode(mesh, "Strict", "Audit")
    assert mesh.ask(get("/audited"), pod=mesh.thief).status == 200
    line = next(line for line in mesh.api.logs().splitlines() if '"/audited"' in line)
    assert '"reason": "audit default"' in line


def test_a_strict_port_of_a_permissive_pod(changing_mesh: Mesh, plain: str) -> None:
    mesh = changing_mesh
    mode(mesh, "Permissive", "Allow", InboundPort(port=HTTP, protocol="http", mtls="Strict"))
    with pytest.raises(OSError):
        ask(plain, get("/strict-port"))
    assert mesh.ask(get("/strict-port")).status == 200
    with connect(plain, TCP) as connection:
        assert connection.makefile("rb").readline() == b"220 hello\n"


def test_a_disabled_port_takes_plaintext_at_once(changing_mesh: Mesh, plain: str) -> None:
    mesh = changing_mesh
    mode(mesh, "Strict", "Allow", InboundPort(port=HTTP, protocol="http", mtls="Disabled"))
    assert ask(plain, get("/disabled")).status == 200
    with pytest.raises(OSError), connect(plain, TCP) as connection:
        connection.sendall(b"x")
        if not connection.recv(100):
            raise ConnectionError("closed")
