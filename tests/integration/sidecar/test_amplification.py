"""A server that fails does not get more work because it fails: how often one request is sent, at the most."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from mesh_policy.snapshot import Backend, Endpoint, Frontend, Inbound, InboundPort, Outbound, WorkloadConfig
from tests.integration.sidecar.test_traffic import BOTH_ENGINES
from tests.support.sidecar.applications import Application, get, read_head
from tests.support.sidecar.mesh import API, API_IP, DOMAIN, VIP, WEB, Mesh, api_config, routed, workload

PORT = 8095


class Hangs:
    """Reads each request and closes the connection: as an application that crashes on it."""

    def __init__(self) -> None:
        self.requests: list[str] = []

    def serve(self, client: socket.socket) -> None:
        start, _ = read_head(client.makefile("rb"))
        if start:
            self.requests.append(start)


@pytest.fixture
def crashing(changing_mesh: Mesh) -> Iterator[tuple[Mesh, Hangs]]:
    mesh, hangs = changing_mesh, Hangs()
    backend = Backend(
        name=f"shop/api/{PORT}", protocol="http", endpoints=(Endpoint(ip=API_IP, port=PORT, identity=API),)
    )
    native = Frontend(name=backend.name, addresses=(VIP,), port=PORT, protocol="http", backend=backend.name)
    outbound = Outbound(frontends=(native, routed(PORT, "http")), backends=(backend,))
    authorization = api_config().inbound.authorization
    inbound = Inbound(ports=(InboundPort(port=PORT, protocol="http"),), authorization=authorization)
    mesh.control_plane.apply(API, WorkloadConfig(workload=workload("api"), trust_domain=DOMAIN, inbound=inbound))
    mesh.control_plane.apply(WEB, WorkloadConfig(workload=workload("web"), trust_domain=DOMAIN, outbound=outbound))
    with closing(Application(mesh.api.listener(PORT), hangs.serve)):
        yield mesh, hangs


@BOTH_ENGINES
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_that_a_server_ends_without_an_answer(crashing: tuple[Mesh, Hangs], vip: str, method: str) -> None:
    mesh, hangs = crashing
    """The called sidecar cannot know whether a connection that it had kept was closed before or after the request: it
    sends a request without effect once more, and no other. The caller's sidecar sees an answer and sends nothing."""
    answer = mesh.ask(get("/crash", method=method), vip=vip, port=PORT)
    assert answer.status in (502, 503)
    assert len(hangs.requests) <= (2 if method == "GET" else 1)
