"""HTTP rules: mesh_policy.route, .filters, .split, .mirror, .fault, .retry and .session decide on them."""

from __future__ import annotations

from typing import Annotated, Literal

from mesh_policy.snapshot.base import REFINES, Failure, MatchType, Struct
from mesh_policy.snapshot.inbound import SourceMatch


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


class Mirror(Struct, frozen=True, kw_only=True):
    backend: str
    percent: float = 100.0


class Cors(Struct, frozen=True, kw_only=True):
    """Which pages of other origins may read the answers (mesh_policy.cors). `*` in a list stands alone, for all."""

    allow_origins: tuple[str, ...] = ()
    """`*`, or `SCHEME://HOST[:PORT]` where the host may begin with `*.` or be `*`. Empty: none."""
    allow_credentials: bool = False
    allow_methods: tuple[str, ...] = ()
    allow_headers: tuple[str, ...] = ()
    expose_headers: tuple[str, ...] = ()
    max_age_seconds: int = 5


class WeightedBackend(Struct, frozen=True, kw_only=True):
    backend: str | None
    """A name in `Outbound.backends`; None: the reference is invalid, its share of requests gets 500 (Gateway API)."""
    weight: int = 1
    """0 to 1,000,000; 0: no traffic."""
    request_headers: HeaderModifier | None = None
    response_headers: HeaderModifier | None = None
    rewrite: Rewrite | None = None
    redirect: Redirect | None = None
    """Requests of this share are sent elsewhere; nothing goes to `backend`."""
    cors: Cors | None = None
    """None: as the rule says."""
    mirrors: tuple[Mirror, ...] = ()
    """Copies of this share's requests, beside the rule's."""


class Uniform(Struct, frozen=True, kw_only=True):
    """Every value between the two is as likely."""

    min_seconds: float
    max_seconds: float


class Normal(Struct, frozen=True, kw_only=True):
    """The bell curve; what it gives below 0 counts as 0, above an hour as an hour."""

    mean_seconds: float
    deviation_seconds: float


class Fault(Struct, frozen=True, kw_only=True):
    """Exactly one of a delay, an abort and a bandwidth is given. `percent` of the attempts that match meet it."""

    name: str
    percent: float = 100.0
    delay_seconds: float | None = None
    """Always as long, 0 to 3600."""
    delay_uniform: Uniform | None = None
    delay_normal: Normal | None = None
    abort_status: int | None = None
    """HTTP, 200 to 599."""
    abort_grpc_status: int | None = None
    """1 to 16; callers that do not speak gRPC get the HTTP status that says the same (mesh_policy.grpc)."""
    bytes_per_second: int | None = None
    """The body of the answer comes no faster, 1 to 1 GiB."""
    headers: tuple[ValueMatch, ...] = ()
    """All of them must be there; empty: every request."""
    callers: tuple[SourceMatch, ...] = ()
    """One of them must be this workload; empty: every workload."""


class Timeouts(Struct, frozen=True, kw_only=True):
    """Limits of a rule's requests, in seconds, above 0. None: no limit of the rule's own. What passes one gets 504."""

    request_seconds: float | None = None
    """From the request's head to the end of the answer."""
    backend_seconds: float | None = None
    """The same for one attempt, the faults that it meets included."""
    idle_seconds: float | None = None
    """Longest silence in both directions once the request has been sent. The only limit after an upgrade."""


class Retry(Struct, frozen=True, kw_only=True):
    """Which failed attempts are followed by another one (mesh_policy.retry). The budget of the backend comes on top."""

    attempts: int = 1
    """After the first, 1 to 100."""
    on: tuple[Failure, ...] = ("ConnectFailure", "Reset", "Timeout")
    """`ConnectFailure`: no endpoint could be reached. `Reset`: the connection ended before the answer's head.
    `Timeout`: `Timeouts.backend_seconds` passed before it."""
    statuses: tuple[int, ...] = ()
    """400 to 599."""
    grpc_statuses: tuple[int, ...] = ()
    """1 to 16, of answers that consist of a head alone: of others something has been passed on already."""
    backoff_base_seconds: float = 0.025
    """Of the first pause; each one that follows is twice as long, and chance shortens it (full jitter). 0: no pause."""
    backoff_min_seconds: float = 0.0
    """No pause is shorter, whatever chance says (Gateway API: `retry.backoff` is a minimum)."""
    backoff_max_seconds: float = 0.25
    methods: tuple[str, ...] | None = ("DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE")
    """Methods that may be sent twice (RFC 9110 9.2.2: the idempotent ones); an `idempotency-key` header makes any
    method one of them. None: every method."""


class Session(Struct, frozen=True, kw_only=True):
    """Requests of one client go to one endpoint (Gateway API, GEP-1619). It beats weights, also a weight of 0."""

    type: Literal["Cookie", "Header"] = "Cookie"
    name: str
    """Of the cookie or the header. Unique for each rule, so that no two rules share a session."""
    absolute_seconds: float | None = None
    """The session ends so long after it began. None: not by age."""
    idle_seconds: float | None = None
    """The session ends so long after its last request. None: not by silence."""
    permanent: bool = False
    """The cookie outlives the browser (needs `absolute_seconds`)."""


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
    retry: Annotated[Retry | None, REFINES] = None
    """None: no second attempt, but for connections that could not be made."""
    session: Session | None = None
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
