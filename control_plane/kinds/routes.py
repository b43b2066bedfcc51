"""The kinds of routes: one table, in the order in which they win a Service's port (GEP-1294, "Route kinds").

What is asked of every route alike is asked here. Two questions are answered apart: `validate` says what is malformed,
`unsupported` what the API knows and this mesh does not do. Either makes a route `Accepted=False` and leaves it out; but
where only filters are unsupported the rules that have them stay and refuse what they match. Nothing is ever skipped in
silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from control_plane.kinds import checks, filters, grpc_route, http_route, tcp_route, tls_route
from control_plane.kinds.route import MAX_RULES, AnyRoute, RouteSpec, decode_outline
from mesh_policy.errors import Violation

Questions = Callable[[Any], Iterator[Violation]]
"""What is to be said about the spec of a route."""


def nothing(_: RouteSpec) -> Iterator[Violation]:
    """There is nothing to be said."""
    yield from ()


class RouteKind(NamedTuple):
    """One kind of routes."""

    struct: type[AnyRoute]
    spec: type[RouteSpec]
    plural: str
    violations: Questions
    unsupported: Questions = nothing


ROUTES: dict[str, RouteKind] = {
    "GRPCRoute": RouteKind(
        grpc_route.GrpcRoute, grpc_route.GrpcRouteSpec, "grpcroutes", grpc_route.violations, grpc_route.unsupported
    ),
    "HTTPRoute": RouteKind(
        http_route.HttpRoute, http_route.HttpRouteSpec, "httproutes", http_route.violations, http_route.unsupported
    ),
    "TLSRoute": RouteKind(tls_route.TlsRoute, tls_route.TlsRouteSpec, "tlsroutes", tls_route.violations),
    "TCPRoute": RouteKind(tcp_route.TcpRoute, tcp_route.TcpRouteSpec, "tcproutes", tcp_route.violations),
}
_RANKS = {kind: rank for rank, kind in enumerate(ROUTES)}


def rank(route: AnyRoute) -> int:
    """Of two routes on one port the one with the lower rank wins; equal ranks share it."""
    return _RANKS[route.kind]


def validate(route: AnyRoute) -> tuple[Violation, ...]:
    """What is malformed. Routes without a Service as parent are another implementation's: nothing is said of them."""
    if not route.is_ours:
        return ()
    bounds = (
        *checks.at_most("spec.rules", route.spec.rules, MAX_RULES),
        *checks.few_expressions("spec.rules", route.expressions),
    )
    if bounds:
        return (*route.reading_violations(), *bounds)
    return (*route.reading_violations(), *ROUTES[route.kind].violations(route.spec))


def unsupported(route: AnyRoute) -> tuple[Violation, ...]:
    """What the Gateway API allows and this mesh does not do (yet): reason `UnsupportedValue`."""
    if not route.is_ours:
        return ()
    return (*ROUTES[route.kind].unsupported(route.spec), *(one for some in shut_rules(route).values() for one in some))


def shut_rules(route: AnyRoute) -> dict[int, tuple[Violation, ...]]:
    """By its position, each rule with a filter that this mesh does not have, and which these are. The requests that the
    filter would see are answered with an error: it "MUST NOT be skipped" (HTTPRouteFilter.type)."""
    found = {i: tuple(filters.unknown(f"spec.rules[{i}]", rule)) for i, rule in enumerate(route.spec.rules)}
    return {i: some for i, some in found.items() if some}


def acts_shut(route: AnyRoute) -> bool:
    """Nothing is wrong with a route but that some of its rules are shut: the others act, and these refuse."""
    if not route.is_ours or validate(route) or any(ROUTES[route.kind].unsupported(route.spec)):
        return False
    return bool(shut_rules(route))


def outline(kind: str, data: bytes | msgspec.Raw, message: str) -> AnyRoute | None:
    """A route that does not decode, by its parents alone. None: not even these can be read, or it is no route."""
    known = ROUTES.get(kind)
    return None if known is None else decode_outline(data, message, known.struct, known.spec)
