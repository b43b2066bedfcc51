"""A Service with several endpoints outside of the mesh, for what a sidecar does in choosing among them."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from mesh_policy.snapshot import (
    Backend,
    Endpoint,
    Frontend,
    HttpRoutes,
    Match,
    RouteEntry,
    Rule,
    WeightedBackend,
    WorkloadConfig,
)
from tests.support.sidecar.applications import Application, Reply, Seen, exchange, get, http_echo
from tests.support.sidecar.mesh import WEB, Mesh, caller_config
from tests.support.sidecar.network import PREFIX, within

IP = f"{PREFIX}.70"
PORTS = (7101, 7102, 7103)
NATIVE, ROUTED = "10.96.0.30", "10.96.0.31"
"""Addresses of the Service: without a route, and with one that needs the worker."""
PORT = 80
NAME = "shop/pool/80"
SETTLED_SECONDS = 4.0
"""Less than a request waits in a queue."""


class Pool:
    """Endpoints that answer with their port as name; under `/slow` they wait for the gate."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.gate = threading.Event()
        self.seen = {port: Seen() for port in PORTS}
        self._applications: dict[int, Application] = {}
        self._namespace = mesh.network.join("pool", IP)
        for port in PORTS:
            self.open(port)

    def open(self, port: int) -> None:
        """An endpoint listens."""
        with within(self._namespace):
            listener = socket.create_server((IP, port), backlog=256)
        self._applications[port] = Application(listener, http_echo(str(port), self.seen[port], self.gate))

    def close(self) -> None:
        self.gate.set()
        for application in self._applications.values():
            application.close()

    def apply(self, ports: tuple[int, ...] = PORTS, *, zones: str = "", **backend: Any) -> None:
        """Makes `web` run on a snapshot with these endpoints. `zones`: one letter each."""
        self.mesh.control_plane.apply(WEB, self.config(ports, zones=zones, **backend))

    def config(self, ports: tuple[int, ...] = PORTS, *, zones: str = "", **changes: Any) -> WorkloadConfig:
        where = dict(zip(PORTS, zones, strict=False))
        return self._config(tuple(Endpoint(ip=IP, port=port, zone=where.get(port, "")) for port in ports), changes)

    def apply_at(self, places: dict[int, str], **backend: Any) -> None:
        """The same with endpoints of another's: address by port."""
        endpoints = tuple(Endpoint(ip=ip, port=port) for port, ip in places.items())
        self.mesh.control_plane.apply(WEB, self._config(endpoints, backend))

    def _config(self, endpoints: tuple[Endpoint, ...], changes: dict[str, Any]) -> WorkloadConfig:
        rule_changes = changes.pop("rule", {})
        backend = msgspec.structs.replace(Backend(name=NAME, protocol="http", endpoints=endpoints), **changes)
        native = Frontend(name=NAME, addresses=(NATIVE,), port=PORT, protocol=backend.protocol, backend=NAME)
        rule = Rule(route="HTTPRoute/shop/pool", backends=(WeightedBackend(backend=NAME),), **rule_changes)
        routed = Frontend(
            name="shop/pool-routed/80",
            addresses=(ROUTED,),
            port=PORT,
            protocol="http",
            backend=NAME,
            routes=HttpRoutes(entries=(RouteEntry(match=Match(), rule=0),), rules=(rule,)),
            engine="python",
        )
        base = caller_config("web", extra=(native,) if backend.protocol == "tcp" else (native, routed))
        outbound = msgspec.structs.replace(base.outbound, backends=(*base.outbound.backends, backend))
        workload = msgspec.structs.replace(base.workload, zone="a")
        return msgspec.structs.replace(base, outbound=outbound, workload=workload)

    def ask(self, path: str = "/", *, vip: str = NATIVE, headers: str = "") -> Reply:
        """One request on a connection of its own."""
        return self.mesh.ask(get(path, headers=headers), vip=vip, port=PORT)

    def count(self, requests: int, *, vip: str = NATIVE, headers: str = "") -> Counter[int]:
        """Which endpoints answered, of requests one after the other; `{}` in the headers is the request's number."""
        found: Counter[int] = Counter()
        with self.mesh.web.connect((vip, PORT)) as connection:
            for number in range(requests):
                answer = exchange(connection, get("/", headers=headers.replace("{}", str(number))))
                assert answer.status == 200, answer
                found[int(answer.headers["x-app"])] += 1
        return found

    def together(self, requests: int, path: str = "/slow", *, vip: str = NATIVE, waiting: int = 0) -> list[Reply]:
        """These requests at once. The gate opens when each is answered or at an endpoint, but for those that wait."""
        self.gate.clear()
        answers: list[Reply] = []
        before = self.asked()
        threads = [
            threading.Thread(target=lambda: answers.append(self.ask(path, vip=vip)), daemon=True)
            for _ in range(requests)
        ]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + SETTLED_SECONDS
        while len(answers) + self.asked() - before < requests - waiting and time.monotonic() < deadline:
            threads[0].join(0.01)
        self.gate.set()
        for thread in threads:
            thread.join(20)
        return answers

    @contextmanager
    def hanging(self, vip: str = NATIVE) -> Iterator[int]:
        """One request that is under way meanwhile, and at which endpoint."""
        self.gate.clear()
        before = {port: len(seen.requests) for port, seen in self.seen.items()}
        deadline = time.monotonic() + SETTLED_SECONDS
        with self.mesh.web.connect((vip, PORT)) as connection:
            connection.sendall(get("/slow"))
            while time.monotonic() < deadline:
                busy = [port for port, seen in self.seen.items() if len(seen.requests) > before[port]]
                if busy:
                    yield busy[0]
                    self.gate.set()
                    return
                time.sleep(0.005)
        raise AssertionError("no endpoint was asked")

    def asked(self) -> int:
        """Requests that the endpoints have had."""
        return sum(len(seen.requests) for seen in self.seen.values())
