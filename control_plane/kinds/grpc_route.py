"""GRPCRoute (gateway.networking.k8s.io/v1), as far as it has a Service for a parent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from control_plane.kinds import checks, filters, session
from control_plane.kinds.filters import FilteredRule
from control_plane.kinds.meta import Strict
from control_plane.kinds.route import MAX_MATCHES, AnyRoute, RouteSpec, ValueMatch, value_expressions, value_violations
from mesh_policy.errors import Violation
from mesh_policy.grpc import path_match

_SERVICE = re.compile(r"[A-Za-z_][A-Za-z_0-9]*(\.[A-Za-z_][A-Za-z_0-9]*)*\Z")
_METHOD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*\Z")


class GrpcMethodMatch(Strict, frozen=True, kw_only=True):
    """`method`; at least one of service and method."""

    type: Literal["Exact", "RegularExpression"] = "Exact"
    service: str | None = None
    method: str | None = None


class GrpcMatch(Strict, frozen=True, kw_only=True):
    """All given parts must hold."""

    method: GrpcMethodMatch | None = None
    headers: tuple[ValueMatch, ...] = ()


class GrpcRule(FilteredRule, frozen=True, kw_only=True):
    """One rule."""

    filter_types: ClassVar[frozenset[str]] = filters.OF_CALLS
    matches: tuple[GrpcMatch, ...] = ()
    """Empty: every call."""

    def expressions(self) -> Iterator[str]:
        """Of methods and headers."""
        for match in self.matches:
            if match.method is not None and match.method.type == "RegularExpression":
                yield f"{match.method.service}/{match.method.method}"
            yield from value_expressions(match.headers)


class GrpcRouteSpec(RouteSpec, frozen=True, kw_only=True):
    """`spec`."""

    rules: tuple[GrpcRule, ...] = ()


class GrpcRoute(AnyRoute, frozen=True, kw_only=True):
    """A route of gRPC calls."""

    kind: ClassVar[str] = "GRPCRoute"
    spec: GrpcRouteSpec


def violations(spec: GrpcRouteSpec) -> Iterator[Violation]:
    """What is malformed in its rules."""
    for i, rule in enumerate(spec.rules):
        at = f"spec.rules[{i}]"
        yield from checks.at_most(f"{at}.matches", rule.matches, MAX_MATCHES)
        for j, match in enumerate(rule.matches):
            if match.method is not None:
                # The expression of both together is what a sidecar compiles: it has the same limit.
                wrong = tuple(_method(f"{at}.matches[{j}].method", match.method))
                yield from wrong or _expression(f"{at}.matches[{j}].method", match.method)
            yield from value_violations(f"{at}.matches[{j}].headers", match.headers, are_headers=True)
        yield from session.violations(f"{at}.sessionPersistence", rule.session_persistence)
        yield from filters.violations(f"{at}.filters", rule.filters, only_prefixes=False)
        yield from filters.backend_violations(f"{at}.backendRefs", rule.backend_refs, only_prefixes=False)


def _method(at: str, match: GrpcMethodMatch) -> Iterator[Violation]:
    if match.service is None and match.method is None:
        yield Violation(at, "give a service, a method, or both")
    for field, value, pattern in (("service", match.service, _SERVICE), ("method", match.method, _METHOD)):
        if value is None:
            continue
        if len(value) > checks.MAX_PATH:
            yield Violation(f"{at}.{field}", f"has {len(value)} characters, at most {checks.MAX_PATH} are allowed")
        elif match.type == "RegularExpression":
            yield from checks.regex(f"{at}.{field}", value)
        elif not pattern.match(value):
            yield Violation(f"{at}.{field}", f"{value!r} is no {field} of gRPC: use letters, digits, '_' (and '.')")


def _expression(at: str, match: GrpcMethodMatch) -> Iterator[Violation]:
    path = path_match(match.type, match.service, match.method)
    if path.type == "RegularExpression":
        yield from checks.regex(at, path.value)


def unsupported(spec: GrpcRouteSpec) -> Iterator[Violation]:
    """What the API allows and this mesh does not do (yet)."""
    for i, rule in enumerate(spec.rules):
        at = f"spec.rules[{i}]"
        for j, match in enumerate(rule.matches):
            yield from checks.match_types(f"{at}.matches[{j}].headers", [header.type for header in match.headers])
        yield from filters.repeated(f"{at}.filters", rule.filters)
        for j, ref in enumerate(rule.backend_refs):
            yield from filters.repeated(f"{at}.backendRefs[{j}].filters", ref.filters)
