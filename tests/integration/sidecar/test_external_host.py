"""Copies to a host outside of the cluster: looked up with a real name server, counted when there is no such host."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator

import msgspec
import pytest

from mesh_policy.snapshot import Backend, HttpRoutes, Match, Mirror, RouteEntry, Rule, WeightedBackend
from tests.support.sidecar.applications import Application, Seen, get, http_echo
from tests.support.sidecar.mesh import HTTP, WEB, Mesh, caller_config, routed
from tests.support.sidecar.network import GATEWAY, within

OUTSIDE = "10.77.0.91"
PORT = 8000
VIP = "10.96.0.60"
NAMES = {"audit.example": OUTSIDE, "loop.example": "127.0.0.1", "metadata.example": "169.254.169.254"}
WAIT_SECONDS = 15.0


def answer(query: bytes) -> bytes:
    """One A record for the names we know, NXDOMAIN for all others (RFC 1035)."""
    end = query.index(b"\0", 12) + 5
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    address = NAMES.get(".".join(labels).lower())
    if address is None:
        return query[:2] + b"\x81\x83\0\1\0\0\0\0\0\0" + query[12:end]
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x05\0\4" + socket.inet_aton(address)
    return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] + record


@pytest.fixture(scope="module")
def names(mesh: Mesh) -> Iterator[None]:
    with within(mesh.network.name):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind((GATEWAY, 53))

    def serve() -> None:
        while True:
            try:
                query, client = server.recvfrom(4096)
                server.sendto(answer(query), client)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield
    server.close()


@pytest.fixture(scope="module")
def outside(mesh: Mesh) -> Iterator[Seen]:
    seen = Seen()
    namespace = mesh.network.join("abroad", OUTSIDE)
    with within(namespace):
        listener = socket.create_server((OUTSIDE, PORT))
    application = Application(listener, http_echo("outside", seen))
    yield seen
    application.close()


def apply(mesh: Mesh, hostname: str) -> None:
    before = caller_config("web")
    backend = Backend(name="shop/audit/80", protocol="http", hostname=hostname, external_port=PORT)
    rule = Rule(
        route="HTTPRoute/shop/copied",
        backends=(WeightedBackend(backend=f"shop/api/{HTTP}"),),
        mirrors=(Mirror(backend=backend.name),),
    )
    frontend = msgspec.structs.replace(
        routed(HTTP, "http"),
        name="shop/copied/80",
        addresses=(VIP,),
        port=80,
        routes=HttpRoutes(entries=(RouteEntry(match=Match(), rule=0),), rules=(rule,)),
    )
    outbound = msgspec.structs.replace(
        before.outbound,
        frontends=(*before.outbound.frontends, frontend),
        backends=(*before.outbound.backends, backend),
    )
    told = mesh.control_plane.apply(WEB, msgspec.structs.replace(before, outbound=outbound))
    assert told["accepted"], told


def failed(mesh: Mesh) -> int:
    found = re.search(r"^heddle_worker_mirror_failed (\d+)", mesh.web.health("/metrics", 15090).decode(), re.MULTILINE)
    return int(found[1]) if found else 0


def until(what: object, message: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not what():  # type: ignore[operator]
        assert time.monotonic() < deadline, message
        time.sleep(0.02)


def test_a_copy_reaches_a_host_by_its_name(names: None, outside: Seen, changing_mesh: Mesh) -> None:
    mesh = changing_mesh
    apply(mesh, "audit.example")
    assert mesh.ask(get("/copied", headers="x-mesh-internal-a: 1\r\n"), vip=VIP, port=80).headers["x-app"] == "api"
    until(lambda: any(" /copied " in start for start, _, _ in outside.requests), mesh.web.logs()[-3000:])
    headers = outside.requests[-1][1]
    assert headers["host"] == f"audit.example:{PORT}"
    assert not [name for name in headers if name.startswith("x-mesh-internal")]


@pytest.mark.parametrize("hostname", ["nobody.example", "loop.example", "metadata.example"])
def test_a_host_that_cannot_be_had_costs_the_copy_alone(names: None, changing_mesh: Mesh, hostname: str) -> None:
    mesh = changing_mesh
    apply(mesh, hostname)
    before = failed(mesh)
    assert mesh.ask(get("/no-copy"), vip=VIP, port=80).status == 200
    until(lambda: failed(mesh) > before, mesh.web.logs()[-3000:])
