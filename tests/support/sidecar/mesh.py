"""Three pods of a shop, `web` → `api` and a `thief`, with a control plane, ready to be tested."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field

from msgspec import structs

from mesh_policy.snapshot import (
    Authorization,
    Backend,
    Endpoint,
    Frontend,
    HttpRoutes,
    Inbound,
    InboundPort,
    Intention,
    Match,
    Outbound,
    PodAddress,
    RouteEntry,
    Rule,
    SourceMatch,
    WeightedBackend,
    Workload,
    WorkloadConfig,
)
from tests.support.sidecar.applications import (
    Application,
    Reply,
    Seen,
    exchange,
    get,
    http_echo,
    tcp_echo,
    tcp_greeting,
)
from tests.support.sidecar.certificates import Authority
from tests.support.sidecar.control_plane import FakeControlPlane
from tests.support.sidecar.network import GATEWAY, PREFIX, Network, within
from tests.support.sidecar.pod import Pod

DOMAIN = "cluster.local"
WEB, API, THIEF = (f"spiffe://{DOMAIN}/ns/shop/sa/{name}" for name in ("web", "api", "thief"))
API_IP = f"{PREFIX}.11"
HTTP, TCP, DETECT, GRPC = 8080, 8081, 8082, 8083
"""Ports of the application `api`."""
VIP = "10.96.0.10"
"""The Service `api`, native: its ports are the application's."""
ROUTED_VIP = "10.96.0.11"
"""The Service `routed`, whose route needs the worker; backends are those of `api`."""


def workload(name: str) -> Workload:
    return Workload(namespace="shop", pod=name, service_account=name)


def api_config(
    *, inbound: Inbound | None = None, intentions: tuple[Intention, ...] | None = None, mtls: str = "Strict"
) -> WorkloadConfig:
    """What the pod `api` runs on: `web` may call it."""
    allowed = (Intention(name="shop/api", source=SourceMatch(identities=(WEB,)), source_name="web", action="allow"),)
    ports = (
        InboundPort(port=HTTP, protocol="http"),
        InboundPort(port=TCP, protocol="tcp"),
        InboundPort(port=DETECT, protocol="detect"),
        InboundPort(port=GRPC, protocol="grpc"),
    )
    authorization = Authorization(intentions=allowed if intentions is None else intentions)
    default = Inbound(mtls=mtls, ports=ports, authorization=authorization)  # type: ignore[arg-type]
    return WorkloadConfig(workload=workload("api"), trust_domain=DOMAIN, inbound=inbound or default)


def caller_config(name: str, *, extra: tuple[Frontend, ...] = (), identity: str = API) -> WorkloadConfig:
    """What a caller runs on. `identity` is what it expects of the endpoints."""
    backends = tuple(
        Backend(
            name=f"shop/api/{port}",
            protocol=protocol,
            endpoints=(Endpoint(ip=API_IP, port=port, identity=identity),),
        )
        for port, protocol in ((HTTP, "http"), (TCP, "tcp"), (DETECT, "detect"), (GRPC, "grpc"))
    )
    empty = Backend(name="shop/empty/80", protocol="http")
    native = tuple(
        Frontend(name=one.name, addresses=(VIP,), port=one.endpoints[0].port, protocol=one.protocol, backend=one.name)
        for one in backends
    )
    nobody = Frontend(name="shop/empty/80", addresses=(VIP,), port=80, protocol="http", backend="shop/empty/80")
    outbound = Outbound(
        frontends=(*native, nobody, routed(HTTP, "http"), routed(GRPC, "grpc"), *extra),
        backends=(*backends, empty),
        pods=(PodAddress(ip=API_IP, identity=identity),),
    )
    return WorkloadConfig(workload=workload(name), trust_domain=DOMAIN, outbound=outbound)


def with_more_backends(count: int) -> WorkloadConfig:
    """`web`'s configuration with as many more backends: nothing that the load uses changes."""
    config = caller_config("web")
    more = tuple(
        Backend(name=f"shop/more{i}/80", protocol="http", endpoints=(Endpoint(ip=API_IP, port=HTTP, identity=API),))
        for i in range(count)
    )
    outbound = structs.replace(config.outbound, backends=(*config.outbound.backends, *more))
    return structs.replace(config, outbound=outbound)


def routed(port: int, protocol: str) -> Frontend:
    """A frontend with one route that sends everything to `api`, by the worker."""
    rule = Rule(route="HTTPRoute/shop/routed", name="0", backends=(WeightedBackend(backend=f"shop/api/{port}"),))
    return Frontend(
        name=f"shop/routed/{port}",
        addresses=(ROUTED_VIP,),
        port=port,
        protocol=protocol,  # type: ignore[arg-type]
        backend=f"shop/api/{port}",
        routes=HttpRoutes(entries=(RouteEntry(match=Match(), rule=0),), rules=(rule,)),
        engine="python",
        engine_reason="test",
    )


@dataclass
class Mesh:
    """The pods, and what `api` was asked."""

    name: str
    seen: Seen = field(default_factory=Seen)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.network = Network(self.name)
        self.authority = Authority()
        self.control_plane = FakeControlPlane(self.authority, GATEWAY, self._control_plane_listener)
        self.web = self._pod("web", 10, WEB)
        self.api = self._pod("api", 11, API)
        self.thief = self._pod("thief", 12, THIEF)
        self.pods = (self.web, self.api, self.thief)

    def start(self) -> None:
        self.control_plane.start()
        self.reset()
        for pod in self.pods:
            pod.capture()
            pod.start(ready=False)
        applications = {HTTP: http_echo("api", self.seen, self.gate), TCP: tcp_greeting, DETECT: tcp_echo}
        self.applications = [Application(self.api.listener(port), serve) for port, serve in applications.items()]
        for pod in self.pods:
            pod.wait_ready()

    def reset(self) -> None:
        """The configurations that every test begins with."""
        self.control_plane.push(API, api_config())
        self.control_plane.push(WEB, caller_config("web"))
        self.control_plane.push(THIEF, caller_config("thief"))

    def close(self) -> None:
        self.gate.set()
        for application in getattr(self, "applications", []):
            application.close()
        for pod in self.pods:
            pod.close()
        self.control_plane.close()
        self.network.close()

    def ask(self, request: bytes, *, vip: str = VIP, port: int = HTTP, pod: Pod | None = None) -> Reply:
        """One request on a connection of its own, from the application of `web` or another pod."""
        with (pod or self.web).connect((vip, port)) as connection:
            return exchange(connection, request)

    def works(self, vip: str = VIP) -> None:
        """A request that must succeed."""
        answer = self.ask(get("/works"), vip=vip)
        assert answer.status == 200, answer

    def _pod(self, name: str, number: int, identity: str) -> Pod:
        return Pod(self.network, name, f"{PREFIX}.{number}", identity, self.control_plane)

    def _control_plane_listener(self) -> socket.socket:
        with within(self.network.name):
            return socket.create_server((GATEWAY, 8443))
