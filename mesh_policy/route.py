"""Routes of one frontend: their order, and the rule that decides on a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mesh_policy import cors, fault, filters, match, redirect, regex, retry, rewrite, session, timeouts
from mesh_policy.errors import Violation
from mesh_policy.fault import PreparedFault
from mesh_policy.filters import HeaderChange
from mesh_policy.identity import SpiffeId
from mesh_policy.match import Test
from mesh_policy.request import RequestView
from mesh_policy.snapshot import Cors, Fault, HttpRoutes, Match, Mirror, RouteEntry, Rule, ValueMatch, WeightedBackend
from mesh_policy.split import MAX_WEIGHT


class RouteCandidate(NamedTuple):
    """One match of one rule with what its precedence depends on."""

    match: Match
    rule: int
    """Index into `HttpRoutes.rules`."""
    created: str
    """creationTimestamp of the route, RFC 3339 in UTC."""
    route: str
    """`NAMESPACE/NAME`."""
    rule_index: int
    """Index of the rule in its route."""
    match_index: int
    """Index of the match in its rule."""
    specificity: tuple[int, ...] = ()
    """What goes before the match's own precedence, for kinds whose matches are more than their paths
    (mesh_policy.grpc)."""


def order(candidates: Iterable[RouteCandidate]) -> tuple[RouteEntry, ...]:
    """`HttpRoutes.entries`: the first that matches a request decides (Gateway API precedence, a total order)."""

    def key(c: RouteCandidate) -> tuple[tuple[int, ...], match.Precedence]:
        own = match.precedence(c.match, created=c.created, route=c.route, rule=c.rule_index, index=c.match_index)
        return c.specificity, own

    ordered = sorted(candidates, key=key)
    return tuple(RouteEntry(match=candidate.match, rule=candidate.rule) for candidate in ordered)


class PreparedBackend(NamedTuple):
    """A share of a rule with its own filters made ready."""

    backend: WeightedBackend
    request_change: HeaderChange | None
    response_change: HeaderChange | None
    cors: Cors | None
    """Its own, else the rule's; None: nobody's, or `PreparedRule.cors` counts."""
    is_plain: bool
    """It has no filter of its own."""


class Here(NamedTuple):
    """What a sidecar knows beside the rules."""

    caller: SpiffeId | None = None
    """Whose requests they are. None: nobody's in particular."""
    endpoints: Mapping[str, tuple[str, ...]] = {}
    """`IP:PORT` by backend."""


NOWHERE = Here()


class PreparedRule(NamedTuple):
    """A rule with its changes made ready."""

    rule: Rule
    position: int
    """Index in `HttpRoutes.rules`."""
    request_change: HeaderChange | None
    response_change: HeaderChange | None
    faults: tuple[PreparedFault, ...]
    """Those that concern this workload."""
    sessions: session.Table | None
    """None: the rule has no sessions."""
    cors: Cors | None
    """What counts for all shares; None: each of them says it, or nobody does."""
    backends: tuple[PreparedBackend, ...]


class RouteMatch(NamedTuple):
    """What matched."""

    rule: PreparedRule
    entry: int
    """Index into `HttpRoutes.entries`, for explanations."""
    prefix: bytes | None
    """The prefix that matched, without a trailing `/`; None: the match is no prefix."""


class RouteTable(NamedTuple):
    """HttpRoutes made ready for `find`: expressions compiled, text turned into bytes, once per snapshot."""

    tests: tuple[tuple[Test, PreparedRule, bytes | None], ...]
    """Of each entry: does it match, which rule, which prefix."""


def prepare(routes: HttpRoutes, here: Here = NOWHERE) -> RouteTable:
    """Make routes ready. `check` tells beforehand whether they are valid.

    Raises:
        ValueError: a regular expression cannot be used.
    """
    rules = [prepare_rule(rule, index, here) for index, rule in enumerate(routes.rules)]
    return RouteTable(
        tuple(
            (match.compile_match(entry.match), rules[entry.rule], match.matched_prefix(entry.match.path))
            for entry in routes.entries
        )
    )


def prepare_rule(rule: Rule, position: int = 0, here: Here = NOWHERE) -> PreparedRule:
    """Make one rule ready: of `prepare`, or that of a Service without a route."""
    each = any(backend.cors is not None for backend in rule.backends)
    return PreparedRule(
        rule,
        position,
        filters.compile_change(rule.request_headers),
        filters.compile_change(rule.response_headers),
        fault.prepare(rule.faults, here.caller),
        None if rule.session is None else session.table(rule, here.endpoints),
        None if each else rule.cors,
        tuple(_prepare_backend(backend, rule.cors if each else None) for backend in rule.backends),
    )


def _prepare_backend(backend: WeightedBackend, inherited: Cors | None) -> PreparedBackend:
    found = PreparedBackend(
        backend,
        filters.compile_change(backend.request_headers),
        filters.compile_change(backend.response_headers),
        backend.cors or inherited,
        is_plain=False,
    )
    own = (found.request_change, found.response_change, found.cors, backend.rewrite, backend.redirect)
    return found._replace(is_plain=own == (None,) * len(own) and not backend.mirrors)


def find(table: RouteTable, request: RequestView) -> RouteMatch | None:
    """The rule that decides, or None: 404. Gateway API: routes replace the Service's own path, the rest is rejected."""
    for index, (test, rule, prefix) in enumerate(table.tests):
        if test(request):
            return RouteMatch(rule, index, prefix)
    return None


def check(routes: HttpRoutes, path: str) -> list[Violation]:
    """Everything in the routes that types cannot say. Empty: they can be prepared and used."""
    found: list[Violation] = []
    for i, entry in enumerate(routes.entries):
        found += _check_match(entry.match, f"{path}.entries[{i}].match")
        if not 0 <= entry.rule < len(routes.rules):
            found.append(Violation(f"{path}.entries[{i}].rule", f"{entry.rule} is not the index of a rule"))
    for i, rule in enumerate(routes.rules):
        found += check_rule(rule, f"{path}.rules[{i}]")
    return found


def check_rule(rule: Rule, path: str) -> list[Violation]:
    """Everything in a rule that types cannot say."""
    found = filters.check(rule.request_headers, f"{path}.requestHeaders")
    found += filters.check(rule.response_headers, f"{path}.responseHeaders")
    found += cors.check(rule.cors, f"{path}.cors")
    found += session.check(rule.session, f"{path}.session")
    found += timeouts.check(rule.timeouts, f"{path}.timeouts") + retry.check(rule.retry, f"{path}.retry")
    found += redirect.check(rule.redirect, f"{path}.redirect") + rewrite.check(rule.rewrite, f"{path}.rewrite")
    for i, backend in enumerate(rule.backends):
        found += _check_backend(backend, f"{path}.backends[{i}]")
    found += _check_mirrors(rule.mirrors, f"{path}.mirrors")
    for i, one in enumerate(rule.faults):
        found += check_fault(one, f"{path}.faults[{i}]")
    return found


def _check_backend(backend: WeightedBackend, path: str) -> list[Violation]:
    found = rewrite.check(backend.rewrite, f"{path}.rewrite") + redirect.check(backend.redirect, f"{path}.redirect")
    if not 0 <= backend.weight <= MAX_WEIGHT:
        found.append(Violation(f"{path}.weight", f"{backend.weight} is not between 0 and {MAX_WEIGHT}"))
    found += filters.check(backend.request_headers, f"{path}.requestHeaders")
    found += filters.check(backend.response_headers, f"{path}.responseHeaders")
    return found + cors.check(backend.cors, f"{path}.cors") + _check_mirrors(backend.mirrors, f"{path}.mirrors")


def _check_mirrors(mirrors: tuple[Mirror, ...], path: str) -> list[Violation]:
    return [
        Violation(f"{path}[{i}].percent", f"{mirror.percent} is not between 0 and 100")
        for i, mirror in enumerate(mirrors)
        if not 0 <= mirror.percent <= 100
    ]


def check_fault(one: Fault, path: str) -> list[Violation]:
    """What is wrong with a fault, its header matches included."""
    return fault.check(one, path) + _check_values(one.headers, f"{path}.headers")


def _check_match(one: Match, path: str) -> list[Violation]:
    found = _check_values(one.headers, f"{path}.headers") + _check_values(one.query, f"{path}.query")
    if one.path.type == "RegularExpression":
        if (why := regex.refusal(one.path.value)) is not None:
            found.append(Violation(f"{path}.path.value", why))
    elif not one.path.value.startswith("/"):
        found.append(Violation(f"{path}.path.value", f"{one.path.value!r} does not begin with /"))
    return found


def _check_values(values: tuple[ValueMatch, ...], path: str) -> list[Violation]:
    return [
        Violation(f"{path}[{i}].value", why)
        for i, value in enumerate(values)
        if value.type == "RegularExpression" and (why := regex.refusal(value.value)) is not None
    ]
