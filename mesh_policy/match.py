"""Does a match hold for a request, and which of two matches goes first.

Source: Gateway API, HTTPRouteRule ("Proxy or Load Balancer routing configuration MUST prioritize matches") and
HTTPRouteMatch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mesh_policy import regex
from mesh_policy.request import Fields, RequestView, joined_header, query_value
from mesh_policy.snapshot import Match, PathMatch, ValueMatch

_PATH_RANK = {"Exact": 0, "RegularExpression": 1, "PathPrefix": 2}


class Precedence(NamedTuple):
    """Sort key of a match within all rules of all routes that apply; smaller goes first. A total order: no two matches
    of a frontend are equal, since route, rule and match index are part of it."""

    path_rank: int
    """Exact, then regular expression (not ordered by the specification; Linkerd and Envoy Gateway do so), then
    prefix."""
    path_length: int
    """Negative number of characters; a prefix's trailing `/` does not count."""
    no_method: bool
    headers: int
    """Negative number of header matches."""
    query: int
    created: str
    """The route's creationTimestamp in RFC 3339 and UTC, as Kubernetes writes it: older first."""
    route: str
    """`NAMESPACE/NAME`, alphabetical."""
    rule: int
    match: int


def precedence(match: Match, *, created: str, route: str, rule: int, index: int) -> Precedence:
    """The key of one match: `rule` and `index` count within the route and within the rule."""
    return Precedence(
        _PATH_RANK[match.path.type],
        -len(_prefix(match.path.value) if match.path.type == "PathPrefix" else match.path.value),
        match.method is None,
        -len(_first_by_name(match.headers, lower=True)),
        -len(_first_by_name(match.query, lower=False)),
        created,
        route,
        rule,
        index,
    )


Test = Callable[[RequestView], bool]


def compile_match(match: Match) -> Test:
    """A match as a function of a request.

    Raises:
        ValueError: a regular expression cannot be used.
    """
    tests: list[Test] = []
    if match.method is not None:
        method = match.method.encode()
        tests.append(lambda request: request.method == method)
    if (path_test := _compile_path(match.path)) is not None:
        tests.append(path_test)
    tests += [_compile_header(header) for header in _first_by_name(match.headers, lower=True)]
    tests += [_compile_query(parameter) for parameter in _first_by_name(match.query, lower=False)]
    if not tests:
        return lambda _request: True
    if len(tests) == 1:
        return tests[0]
    return lambda request: all(test(request) for test in tests)


def compile_headers(headers: tuple[ValueMatch, ...]) -> Callable[[Fields], bool]:
    """All header matches as one function of the fields. Empty: it always holds.

    Raises:
        ValueError: a regular expression cannot be used.
    """
    tests = tuple(compile_header(header) for header in _first_by_name(headers, lower=True))
    return lambda fields: all(holds(fields) for holds in tests)


def compile_header(header: ValueMatch) -> Callable[[Fields], bool]:
    """One header match as a function of the fields. A header that is not there never matches."""
    name, holds = header.name.lower().encode(), _compile_value(header)

    def test(fields: Fields) -> bool:
        value = joined_header(fields, name)
        return value is not None and holds(value)

    return test


def path_has_prefix(path: bytes, prefix: bytes) -> bool:
    """By whole path elements: `/v2` holds for `/v2` and `/v2/x`, not for `/v2x`. `prefix` has no trailing `/`."""
    return path.startswith(prefix) and (len(path) == len(prefix) or path[len(prefix)] == 0x2F)


def _compile_path(match: PathMatch) -> Test | None:
    value = match.value.encode()
    if match.type == "Exact":
        return lambda request: request.path == value
    if match.type == "RegularExpression":
        holds = regex.compile_expression(match.value)
        return lambda request: holds(request.path)
    prefix = _prefix(match.value).encode()
    return (lambda request: path_has_prefix(request.path, prefix)) if prefix else None


def matched_prefix(match: PathMatch) -> bytes | None:
    """What a filter may replace, without a trailing `/`. None: the match is no prefix."""
    return _prefix(match.value).encode() if match.type == "PathPrefix" else None


def _prefix(value: str) -> str:
    return value.rstrip("/")


def _compile_header(header: ValueMatch) -> Test:
    holds = compile_header(header)
    return lambda request: holds(request.fields)


def _compile_query(parameter: ValueMatch) -> Test:
    name, holds = parameter.name.encode(), _compile_value(parameter)

    def test(request: RequestView) -> bool:
        value = query_value(request.query, name)
        return value is not None and holds(value)

    return test


def _compile_value(match: ValueMatch) -> Callable[[bytes], bool]:
    if match.type == "RegularExpression":
        return regex.compile_expression(match.value)
    wanted = match.value.encode()
    return lambda value: value == wanted


def _first_by_name(matches: tuple[ValueMatch, ...], *, lower: bool) -> list[ValueMatch]:
    """Gateway API: of several entries for one name only the first is considered."""
    seen: dict[str, ValueMatch] = {}
    for match in matches:
        seen.setdefault(match.name.lower() if lower else match.name, match)
    return list(seen.values())
