"""Who may call this workload, and how much (mesh_policy.authorization decides on the first)."""

from __future__ import annotations

from typing import Annotated, Literal

from mesh_policy.snapshot.base import REFINES, Action, DefaultAction, MtlsMode, Protocol, Struct


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
    source_name: Annotated[str, REFINES] = ""
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


class RateLimit(Struct, frozen=True, kw_only=True):
    """How many requests this pod takes (a token bucket); what is beyond gets 429 with `retry-after`."""

    name: str
    """`NAMESPACE/NAME` of the TrafficPolicy, for logs and explanations."""
    ports: tuple[int, ...] = ()
    """The pod's own; empty: all."""
    requests: int
    """Per `per_seconds`, 1 or more."""
    per_seconds: float = 1.0
    burst: int = 0
    """After a silence `requests` and so many more may come at once: that is what the bucket holds."""
    by: Literal["Workload", "Caller", "Header"] = "Workload"
    """One bucket for all; one for each identity (callers without one share one); one for each value of `header`
    (requests without it share one)."""
    header: str | None = None
    """In lower case."""


class Inbound(Struct, frozen=True, kw_only=True):
    mtls: MtlsMode = "Strict"
    ports: tuple[InboundPort, ...] = ()
    authorization: Authorization = Authorization()
    rate_limits: tuple[RateLimit, ...] = ()
    """Each of them counts every request; one that refuses is enough."""
