"""Flows as the worker makes them, for tests of addons."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from mitmproxy.connection import Client, Server
from mitmproxy.http import Headers, HTTPFlow, Request, Response

from mesh_addons.flow_view import attach
from mesh_addons.frontends import Frontends, prepare
from mesh_addons.mirror import RequestCopy
from mesh_addons.room import Room
from mesh_policy import grpc
from mesh_policy.snapshot import (
    Backend,
    Endpoint,
    Frontend,
    HttpRoutes,
    Match,
    Outbound,
    PathMatch,
    RouteEntry,
    Rule,
    WeightedBackend,
    Workload,
    WorkloadConfig,
)

BACKENDS = tuple(
    Backend(name=name, endpoints=tuple(Endpoint(ip=f"10.1.{index}.{pod}", port=80) for pod in (1, 2)))
    for index, name in enumerate(("shop/api", "shop/v1", "shop/v2", "staging/api"))
)
"""Each with two endpoints: `shop/v1` has 10.1.1.1:80 and 10.1.1.2:80."""


class Kept:
    """A sink of copies that keeps them."""

    def __init__(self) -> None:
        self.sent: list[RequestCopy] = []
        self.lost = 0
        self.room = Room(1 << 20)

    def send(self, copy: RequestCopy) -> None:
        self.sent.append(copy)

    def dropped(self, copies: int) -> None:
        self.lost += copies


def frontends(*rules: Rule, routes: bool = True) -> Frontends:
    """One frontend `shop/api/80`; the rules match `/0`, `/1`, … in their order. Without routes the only rule, if there
    is one, is the Service's own."""
    entries = tuple(
        RouteEntry(match=Match(path=PathMatch(value=f"/{index}")), rule=index) for index in range(len(rules))
    )
    frontend = Frontend(
        name="shop/api/80",
        addresses=("10.0.0.1",),
        port=80,
        protocol="http",
        backend="shop/api",
        routes=HttpRoutes(entries=entries, rules=rules) if routes else None,
        rule=rules[0] if rules and not routes else None,
    )
    workload = Workload(namespace="shop", pod="web-0", service_account="web")
    outbound = Outbound(frontends=(frontend,), backends=BACKENDS)
    return prepare(WorkloadConfig(workload=workload, trust_domain="cluster.local", outbound=outbound))


def rule(*backends: WeightedBackend, **parts: Any) -> Rule:
    """A rule; without backends it goes to `shop/v1`."""
    return Rule(route="HTTPRoute/shop/api", backends=backends or (WeightedBackend(backend="shop/v1"),), **parts)


def flow(to: Frontends, path: str = "/0", headers: dict[str, str] | None = None, method: str = "GET") -> HTTPFlow:
    """A request that has just come, attached to the frontend of `frontends`."""
    client = Client(peername=("worker.sock", 0), sockname=("worker.sock", 0))
    made = HTTPFlow(client, Server(address=None), True)
    fields = [(b"host", b"api"), *((name.encode(), value.encode()) for name, value in (headers or {}).items())]
    made.request = Request(
        "", 0, method.encode(), b"http", b"", path.encode(), b"HTTP/1.1", Headers(fields), None, None, 1.0, None
    )
    attach(made, to, to["shop/api/80"]).call = grpc.is_call(tuple(fields))
    return made


def answer(made: HTTPFlow, status: int = 200, **headers: str) -> HTTPFlow:
    """The flow with a server's answer."""
    made.response = Response(b"HTTP/1.1", status, b"", Headers(**headers), None, None, 2.0, None)
    return made


def settle(pending: Awaitable[None] | None) -> None:
    """Finish what a hook returned."""
    if pending is not None:

        async def wait() -> None:
            await pending

        asyncio.run(wait())


def draws(*values: float) -> Callable[[], float]:
    """A source of chance that gives these values in turn, and then the last one for ever."""
    left = list(values)
    return lambda: left.pop(0) if len(left) > 1 else left[0]
