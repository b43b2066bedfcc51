"""What a workload may call."""

from __future__ import annotations

from typing import Annotated

from mesh_policy.snapshot.base import REFINES, Engine, Protocol, Struct
from mesh_policy.snapshot.destination import Backend, PodAddress
from mesh_policy.snapshot.rules import HttpRoutes, Rule


class Target(Struct, frozen=True, kw_only=True):
    """A share of the connections of a TcpRule."""

    backend: str | None
    """None: the reference is invalid, its share of connections is refused."""
    weight: int = 1


class TcpRule(Struct, frozen=True, kw_only=True):
    """A rule of a TCPRoute or TLSRoute: it decides once per connection."""

    route: str
    """`KIND/NAMESPACE/NAME`."""
    name: str = ""
    server_names: tuple[str, ...] = ()
    """Of the client's TLS hello, in lower case: `a.example`, or `*.example` for one or more labels. Empty: every
    connection, also without TLS."""
    targets: tuple[Target, ...] = ()


class TcpRoutes(Struct, frozen=True, kw_only=True):
    """Of the rules that match, the one with the most specific server name decides, then the first
    (mesh_policy.tcp_route). A connection that matches none is refused."""

    rules: tuple[TcpRule, ...] = ()


class Frontend(Struct, frozen=True, kw_only=True):
    """A Service port as this workload sees it (producer routes, or the consumer routes of its own namespace)."""

    name: str
    """`NAMESPACE/SERVICE/PORT`."""
    addresses: tuple[str, ...]
    """ClusterIPs (IPv4). Empty for a headless Service: it is reached by pod address."""
    port: int
    protocol: Protocol
    backend: str
    """Where requests go when there is no route."""
    routes: HttpRoutes | None = None
    """None: no route is attached, traffic passes as if there were no mesh (but with mTLS)."""
    rule: Rule | None = None
    """What the Service's own TrafficPolicy says (timeouts, retries, faults), as the rule of requests that no route
    decides on; a compiled rule of a route carries it already. None: nothing. Only without `routes`."""
    tcp_routes: TcpRoutes | None = None
    """TCPRoutes or TLSRoutes; then the protocol is `tcp` and there are no `routes`. None: `backend`."""
    engine: Engine = "native"
    """`python` exactly when something on this frontend needs the worker."""
    engine_reason: Annotated[str, REFINES] = ""


class Outbound(Struct, frozen=True, kw_only=True):
    frontends: tuple[Frontend, ...] = ()
    backends: tuple[Backend, ...] = ()
    pods: tuple[PodAddress, ...] = ()
