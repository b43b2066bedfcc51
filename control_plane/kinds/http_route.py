"""HTTPRoute (gateway.networking.k8s.io/v1), as far as it has a Service for a parent.

`violations` says what is malformed, `unsupported` what the API knows and this mesh does not do yet; both are asked
through control_plane.kinds.routes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from control_plane.kinds import checks, filters, retry, session, timeouts
from control_plane.kinds.filters import FilteredRule
from control_plane.kinds.meta import Strict
from control_plane.kinds.retry import RouteRetry
from control_plane.kinds.route import MAX_MATCHES, AnyRoute, RouteSpec, ValueMatch, value_expressions, value_violations
from control_plane.kinds.timeouts import HttpTimeouts
from mesh_policy.errors import Violation
from mesh_policy.snapshot import MatchType


class HttpPathMatch(Strict, frozen=True, kw_only=True):
    """`path`."""

    type: MatchType = "PathPrefix"
    value: str = "/"


class HttpMatch(Strict, frozen=True, kw_only=True):
    """All given parts must hold."""

    path: HttpPathMatch | None = None
    headers: tuple[ValueMatch, ...] = ()
    query_params: tuple[ValueMatch, ...] = ()
    method: str | None = None


class HttpRule(FilteredRule, frozen=True, kw_only=True):
    """One rule."""

    matches: tuple[HttpMatch, ...] = ()
    """Empty: every request."""
    timeouts: HttpTimeouts | None = None
    retry: RouteRetry | None = None

    def expressions(self) -> Iterator[str]:
        """Of paths, headers and query parameters."""
        for match in self.matches:
            if match.path is not None and match.path.type == "RegularExpression":
                yield match.path.value
            yield from value_expressions((*match.headers, *match.query_params))

    @property
    def only_prefixes(self) -> bool:
        """Every match is a PathPrefix."""
        return all(match.path is None or match.path.type == "PathPrefix" for match in self.matches)


class HttpRouteSpec(RouteSpec, frozen=True, kw_only=True):
    """`spec`."""

    rules: tuple[HttpRule, ...] = ()


class HttpRoute(AnyRoute, frozen=True, kw_only=True):
    """A route."""

    kind: ClassVar[str] = "HTTPRoute"
    spec: HttpRouteSpec


def violations(spec: HttpRouteSpec) -> Iterator[Violation]:
    """What is malformed in its rules."""
    for i, rule in enumerate(spec.rules):
        at = f"spec.rules[{i}]"
        yield from checks.at_most(f"{at}.matches", rule.matches, MAX_MATCHES)
        for j, match in enumerate(rule.matches):
            yield from _match(f"{at}.matches[{j}]", match)
        yield from timeouts.violations(f"{at}.timeouts", rule.timeouts)
        yield from retry.route_violations(f"{at}.retry", rule.retry)
        yield from session.violations(f"{at}.sessionPersistence", rule.session_persistence)
        prefixes = rule.only_prefixes
        yield from filters.violations(f"{at}.filters", rule.filters, only_prefixes=prefixes)
        yield from filters.backend_violations(f"{at}.backendRefs", rule.backend_refs, only_prefixes=prefixes)
        if rule.backend_refs and any(entry.type == "RequestRedirect" for entry in rule.filters):
            yield Violation(f"{at}.backendRefs", "a rule that redirects sends nothing to a backend: leave them out")


def _match(at: str, match: HttpMatch) -> Iterator[Violation]:
    if match.path is not None and match.path.type == "RegularExpression":
        yield from checks.regex(f"{at}.path.value", match.path.value)
    elif match.path is not None:
        yield from checks.http_path(f"{at}.path.value", match.path.value)
    if match.method is not None:
        yield from checks.method(f"{at}.method", match.method)
    yield from value_violations(f"{at}.headers", match.headers, are_headers=True)
    yield from value_violations(f"{at}.queryParams", match.query_params, are_headers=False)


def unsupported(spec: HttpRouteSpec) -> Iterator[Violation]:
    """What the API allows and this mesh does not do (yet)."""
    for i, rule in enumerate(spec.rules):
        at = f"spec.rules[{i}]"
        for j, match in enumerate(rule.matches):
            for field, values in (("headers", match.headers), ("queryParams", match.query_params)):
                yield from checks.match_types(f"{at}.matches[{j}].{field}", [value.type for value in values])
        yield from filters.repeated(f"{at}.filters", rule.filters)
        for j, ref in enumerate(rule.backend_refs):
            yield from filters.repeated(f"{at}.backendRefs[{j}].filters", ref.filters)
