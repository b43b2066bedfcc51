"""Snapshots for golden files and for tests of rendering."""

from __future__ import annotations

from mesh_policy.snapshot import (
    AccessLog,
    Authorization,
    Backend,
    Endpoint,
    Frontend,
    HeaderPresence,
    HttpPermissionMatch,
    HttpRoutes,
    Inbound,
    InboundPort,
    Intention,
    Match,
    Outbound,
    Permission,
    PodAddress,
    RateLimit,
    RouteEntry,
    Rule,
    SourceMatch,
    Target,
    TcpRoutes,
    TcpRule,
    WeightedBackend,
    Workload,
    WorkloadConfig,
)
from proxy.engine.haproxy.rendering import Place

DOMAIN = "cluster.local"
API = f"spiffe://{DOMAIN}/ns/shop/sa/api"
WEB = f"spiffe://{DOMAIN}/ns/shop/sa/web"
PLACE = Place(
    run_dir="/run/heddle", files_dir="/run/heddle/gen/1", identity_fd=10, pod_ip="10.0.0.9", nameservers=("10.96.0.53",)
)

_workload = Workload(namespace="shop", pod="web-1", service_account="web")
_api = Backend(
    name="shop/api/80",
    protocol="http",
    endpoints=(Endpoint(ip="10.0.0.2", port=8080, identity=API), Endpoint(ip="10.0.0.3", port=8080)),
)
_ledger = Backend(name="shop/ledger/90", protocol="grpc", endpoints=(Endpoint(ip="10.0.0.4", port=9090, identity=API),))
_db = Backend(name="shop/db/5432", protocol="tcp", endpoints=(Endpoint(ip="10.0.0.5", port=5432, identity=API),))
_any = Backend(name="shop/v1@subset/70", endpoints=(Endpoint(ip="10.0.0.9", port=7070, identity=WEB),))
_elsewhere = Backend(name="shop/elsewhere/8000", protocol="http", hostname="audit.example", external_port=8000)
_routes = HttpRoutes(
    entries=(RouteEntry(match=Match(), rule=0),),
    rules=(Rule(route="HTTPRoute/shop/api", name="0", backends=(WeightedBackend(backend="shop/api/80"),)),),
)

_tcp_routes = TcpRoutes(
    rules=(
        TcpRule(
            route="TLSRoute/shop/vault",
            server_names=("vault.example", "*.vault.example"),
            targets=(Target(backend="shop/db/5432", weight=3), Target(backend=None)),
        ),
        TcpRule(route="TCPRoute/shop/rest", name="rest", targets=(Target(backend="shop/api/80"),)),
        TcpRule(route="TCPRoute/shop/never", targets=(Target(backend="shop/api/80", weight=0),)),
    ),
)


def _front(backend: Backend, number: int) -> Frontend:
    port = int(backend.name.rsplit("/", 1)[1])
    address = f"10.96.0.{number}"
    return Frontend(name=backend.name, addresses=(address,), port=port, protocol=backend.protocol, backend=backend.name)


STRICT = WorkloadConfig(workload=_workload, trust_domain=DOMAIN)
"""Nothing to call, nobody may call."""

CALLER = WorkloadConfig(
    workload=_workload,
    trust_domain=DOMAIN,
    access_log=AccessLog(sample_percent=25),
    outbound=Outbound(
        frontends=(
            *(_front(backend, number) for number, backend in enumerate((_api, _ledger, _db, _any), 1)),
            Frontend(
                name="shop/routed/80",
                addresses=("10.96.0.9",),
                port=80,
                protocol="http",
                backend="shop/api/80",
                routes=_routes,
                engine="python",
            ),
            Frontend(
                name="shop/vault/443",
                addresses=("10.96.0.10",),
                port=443,
                protocol="tcp",
                backend="shop/db/5432",
                tcp_routes=_tcp_routes,
            ),
        ),
        backends=(_api, _ledger, _db, _any, _elsewhere),
        pods=(PodAddress(ip="10.0.0.2", identity=API, plain_ports=(9000,)),),
    ),
)
"""Every protocol, an endpoint without identity, one that is the pod itself, a route."""

CALLED = WorkloadConfig(
    workload=_workload,
    trust_domain=DOMAIN,
    inbound=Inbound(
        mtls="Permissive",
        ports=(
            InboundPort(port=8080, protocol="http", mtls="Strict"),
            InboundPort(port=9090, protocol="grpc"),
            InboundPort(port=5432, protocol="tcp", mtls="Disabled"),
        ),
        rate_limits=(
            RateLimit(name="shop/all", requests=100),
            RateLimit(name="shop/each", ports=(8080, 9090), requests=10, per_seconds=60, burst=5, by="Caller"),
            RateLimit(name="shop/tenant", ports=(8080,), requests=1, per_seconds=3600, by="Header", header="x-tenant"),
        ),
        authorization=Authorization(
            default="Audit",
            intentions=(
                Intention(
                    name="shop/api",
                    source=SourceMatch(identities=(WEB,)),
                    permissions=(
                        Permission(
                            action="deny",
                            http=HttpPermissionMatch(
                                path_prefix="/admin it's/", headers=(HeaderPresence(name="x-a", exact='%[src]"#$x'),)
                            ),
                        ),
                        Permission(
                            action="allow",
                            http=HttpPermissionMatch(
                                path_regex="/v[0-9]+/.*",
                                methods=("GET", "POST"),
                                headers=(HeaderPresence(name="x-b", present=True, invert=True),),
                            ),
                        ),
                    ),
                ),
                Intention(name="shop/neighbours", source=SourceMatch(namespace="shop"), action="allow"),
                Intention(name="shop/nobody", source=SourceMatch(), action="deny"),
            ),
        ),
    ),
)
"""Every mode, and every kind of intention."""

ALL = {"strict": STRICT, "caller": CALLER, "called": CALLED}
