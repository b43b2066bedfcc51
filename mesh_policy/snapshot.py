"""WorkloadConfig: what one sidecar runs on, compiled by the control plane. Immutable, and the same value on the wire.

Names: a *frontend* is what a client dials (ClusterIP + port), a *backend* is where requests go (endpoints), in the
words of the Gateway API's mesh pages. A backend's name is `NAMESPACE/SERVICE/PORT` or, for a subset,
`NAMESPACE/SUBSET@subset/PORT`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

WIRE_VERSION = 1
"""Raised when an older sidecar could misread a snapshot. A sidecar refuses (nacks) a version it does not know."""

Protocol = Literal["http", "grpc", "tcp", "detect"]
"""What a port speaks. `http`: HTTP/1 or HTTP/2, as the client does. `grpc`: HTTP/2 only (h2c in the pod).
`tcp`: bytes, also when the server speaks first. `detect`: the client's first bytes decide, TCP after a silence."""
Engine = Literal["python", "native"]
MtlsMode = Literal["Strict", "Permissive", "Disabled"]
DefaultAction = Literal["Deny", "Audit", "Allow"]
Action = Literal["allow", "deny"]
MatchType = Literal["Exact", "PathPrefix", "RegularExpression"]


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """Base of every part: frozen, and a field that the decoder does not know is refused (fail closed)."""


# --- where requests go ----------------------------------------------------------------------------


class Endpoint(Struct, frozen=True, kw_only=True):
    """One ready pod (or other address) behind a backend."""

    ip: str
    port: int
    identity: str | None = None
    """SPIFFE URI the peer must prove (mTLS). None: not in the mesh, dialled in plain."""
    zone: str = ""
    node: str = ""


class Backend(Struct, frozen=True, kw_only=True):
    """A set of endpoints that serve the same thing on one port."""

    name: str
    protocol: Protocol = "detect"
    endpoints: tuple[Endpoint, ...] = ()
    """Only ready ones. Empty: requests get 503."""


class PodAddress(Struct, frozen=True, kw_only=True):
    """A meshed pod that may be dialled by its own address, without a Service."""

    ip: str
    identity: str
    plain_ports: tuple[int, ...] = ()
    """Ports that the pod excludes from capture: dialled in plain."""


# --- HTTP rules (mesh_policy.route, .filters, .split, .mirror, .fault decide on them) -------------


class PathMatch(Struct, frozen=True, kw_only=True):
    type: MatchType = "PathPrefix"
    value: str = "/"


class ValueMatch(Struct, frozen=True, kw_only=True):
    """A header or a query parameter. Header names are in lower case; query names as they are."""

    name: str
    value: str
    type: Literal["Exact", "RegularExpression"] = "Exact"


class Match(Struct, frozen=True, kw_only=True):
    """All given parts must hold. The empty match holds for every request."""

    path: PathMatch = PathMatch()
    method: str | None = None
    headers: tuple[ValueMatch, ...] = ()
    query: tuple[ValueMatch, ...] = ()


class HeaderModifier(Struct, frozen=True, kw_only=True):
    """Applied in the order set, add, remove. Names in lower case. `add` appends after the values that are there."""

    set: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()


class PathChange(Struct, frozen=True, kw_only=True):
    """A new path; exactly one is given. The query stays."""

    full: str | None = None
    """The whole path."""
    prefix: str | None = None
    """Stands for the prefix that the match matched; only where every match of the rule is a PathPrefix."""


class Redirect(Struct, frozen=True, kw_only=True):
    """The answer of a rule that redirects. What is None stays as the request has it."""

    status: int = 302
    """301, 302, 303, 307 or 308."""
    scheme: Literal["http", "https"] | None = None
    hostname: str | None = None
    port: int | None = None
    """None: the scheme's own port where a scheme is given, else the port that was called."""
    path: PathChange | None = None


class Rewrite(Struct, frozen=True, kw_only=True):
    """What the backend sees in place of what the client sent. None: as it was."""

    hostname: str | None = None
    path: PathChange | None = None


class WeightedBackend(Struct, frozen=True, kw_only=True):
    backend: str | None
    """A name in `Outbound.backends`; None: the reference is invalid, its share of requests gets 500 (Gateway API)."""
    weight: int = 1
    """0 to 1,000,000; 0: no traffic."""
    request_headers: HeaderModifier | None = None
    response_headers: HeaderModifier | None = None
    rewrite: Rewrite | None = None


class Mirror(Struct, frozen=True, kw_only=True):
    backend: str
    percent: float = 100.0


class Fault(Struct, frozen=True, kw_only=True):
    """Exactly one of delay and abort is given. `percent` of the requests that match `headers` (empty: all) meet it."""

    name: str
    percent: float = 100.0
    delay_seconds: float | None = None
    abort_status: int | None = None
    headers: tuple[ValueMatch, ...] = ()


class Cors(Struct, frozen=True, kw_only=True):
    """Which pages of other origins may read the answers (mesh_policy.cors). `*` in a list stands alone, for all."""

    allow_origins: tuple[str, ...] = ()
    """`*`, or `SCHEME://HOST[:PORT]` where the host may begin with `*.` or be `*`. Empty: none."""
    allow_credentials: bool = False
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age_seconds: int = 5


class Timeouts(Struct, frozen=True, kw_only=True):
    """Limits of a rule's requests, in seconds, above 0. None: no limit of the rule's own. What passes one gets 504."""

    request_seconds: float | None = None
    """From the request's head to the end of the answer."""
    backend_seconds: float | None = None
    """The same for one request to a backend."""


class Rule(Struct, frozen=True, kw_only=True):
    route: str
    """`KIND/NAMESPACE/NAME` of the route it comes from, for logs, metrics and explanations."""
    name: str = ""
    """The rule's own name, or its index in the route as text."""
    request_headers: HeaderModifier | None = None
    response_headers: HeaderModifier | None = None
    redirect: Redirect | None = None
    """The rule answers by itself: nothing goes to a backend."""
    rewrite: Rewrite | None = None
    backends: tuple[WeightedBackend, ...] = ()
    cors: Cors | None = None
    timeouts: Timeouts | None = None
    mirrors: tuple[Mirror, ...] = ()
    faults: tuple[Fault, ...] = ()


class RouteEntry(Struct, frozen=True, kw_only=True):
    """One match of one rule. Entries stand in order of precedence: the first that matches decides."""

    match: Match
    rule: int
    """Index into `HttpRoutes.rules`."""


class HttpRoutes(Struct, frozen=True, kw_only=True):
    """The routes of one frontend. A request that matches no entry gets 404; it never falls through to the Service."""

    entries: tuple[RouteEntry, ...] = ()
    rules: tuple[Rule, ...] = ()


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
    faults: tuple[Fault, ...] = ()
    """Faults of the Service itself (TrafficPolicy on a Service): they act when no route is attached; a compiled rule
    carries the faults that apply to it, its Service's included."""
    engine: Engine = "native"
    """`python` exactly when something on this frontend needs the worker."""
    engine_reason: str = ""


class Outbound(Struct, frozen=True, kw_only=True):
    frontends: tuple[Frontend, ...] = ()
    backends: tuple[Backend, ...] = ()
    pods: tuple[PodAddress, ...] = ()


# --- who may call this workload (mesh_policy.authorization decides) -------------------------------


class SourceMatch(Struct, frozen=True, kw_only=True):
    """A caller. `identities`: any of these, whole. Else `namespace`: any ServiceAccount there. Neither: any identity
    of the trust domain. A client without a certificate (Permissive) matches nothing."""

    identities: tuple[str, ...] | None = None
    namespace: str | None = None


class HeaderPresence(Struct, frozen=True, kw_only=True):
    """A header test of an intention; exactly one of the tests is set."""

    name: str
    present: bool | None = None
    exact: str | None = None
    prefix: str | None = None
    suffix: str | None = None
    regex: str | None = None
    invert: bool = False


class HttpPermissionMatch(Struct, frozen=True, kw_only=True):
    path_exact: str | None = None
    path_prefix: str | None = None
    """By whole path elements, as in the Gateway API."""
    path_regex: str | None = None
    methods: tuple[str, ...] = ()
    """Empty: any."""
    headers: tuple[HeaderPresence, ...] = ()


class Permission(Struct, frozen=True, kw_only=True):
    action: Action
    http: HttpPermissionMatch = HttpPermissionMatch()


class Intention(Struct, frozen=True, kw_only=True):
    """One source of one ServiceIntentions. Either `action`, or `permissions` tried in order (none matches: deny)."""

    name: str
    """`NAMESPACE/NAME` of the ServiceIntentions, for logs and explanations."""
    source: SourceMatch
    source_name: str = ""
    """As the object says it, for people: `web`, `analytics/reports`, `*`."""
    action: Action | None = None
    permissions: tuple[Permission, ...] = ()


class Authorization(Struct, frozen=True, kw_only=True):
    default: DefaultAction = "Deny"
    """When no intention matches. `Audit`: allow, log and count what Deny would have refused."""
    intentions: tuple[Intention, ...] = ()
    """In order of precedence: the first whose source matches decides."""


class InboundPort(Struct, frozen=True, kw_only=True):
    port: int
    protocol: Protocol = "detect"
    mtls: MtlsMode | None = None
    """None: as `Inbound.mtls`."""


class Inbound(Struct, frozen=True, kw_only=True):
    mtls: MtlsMode = "Strict"
    ports: tuple[InboundPort, ...] = ()
    authorization: Authorization = Authorization()


# --- the whole ------------------------------------------------------------------------------------


class Workload(Struct, frozen=True, kw_only=True):
    namespace: str
    pod: str
    service_account: str
    labels: dict[str, str] = {}


class AccessLog(Struct, frozen=True, kw_only=True):
    sample_percent: float = 100.0
    """0: only refused and failed requests are logged."""


class WorkloadConfig(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """What the control plane sends to one sidecar, whole."""

    wire_version: int = WIRE_VERSION
    """Always sent, so that an older reader sees a version that it does not know."""
    version: str = ""
    """`sha256:` + first 16 hex digits of the hash of everything else (mesh_policy.wire.encode sets it)."""
    workload: Workload
    trust_domain: str
    outbound: Outbound = Outbound()
    inbound: Inbound = Inbound()
    access_log: AccessLog = AccessLog()
