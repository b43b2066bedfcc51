from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_policy import route
from mesh_policy.request import view
from mesh_policy.route import RouteCandidate
from mesh_policy.snapshot import (
    Fault,
    HeaderModifier,
    HttpRoutes,
    Match,
    Mirror,
    PathMatch,
    RouteEntry,
    Rule,
    ValueMatch,
    WeightedBackend,
)


def candidate(path: str, rule: int, created: str = "2026-01-01T00:00:00Z") -> RouteCandidate:
    return RouteCandidate(Match(path=PathMatch(value=path)), rule, created, "shop/api", rule, 0)


def table(*paths: str) -> route.RouteTable:
    entries = route.order(candidate(path, index) for index, path in enumerate(paths))
    rules = tuple(Rule(route="HTTPRoute/shop/api", name=path) for path in paths)
    return route.prepare(HttpRoutes(entries=entries, rules=rules))


def test_the_longest_prefix_decides_wherever_it_stands() -> None:
    found = route.find(table("/", "/payment", "/payment/card"), view("GET", "/payment/card/1"))
    assert found is not None
    assert (found.rule.rule.name, found.rule.position, found.entry) == ("/payment/card", 2, 0)


def test_no_match_is_none_and_never_falls_through() -> None:
    assert route.find(table("/payment"), view("GET", "/")) is None
    assert route.find(route.prepare(HttpRoutes()), view("GET", "/")) is None


def test_the_older_route_wins_between_equals() -> None:
    entries = route.order([candidate("/", 0), candidate("/", 1, "2025-12-31T23:59:59Z")])
    assert [entry.rule for entry in entries] == [1, 0]


@given(st.permutations([candidate(path, i) for i, path in enumerate(["/", "/a", "/a/b", "/b", "/a/b/c"])]))
def test_the_order_does_not_depend_on_the_order_of_arrival(candidates: list[RouteCandidate]) -> None:
    assert [entry.match.path.value for entry in route.order(candidates)] == ["/a/b/c", "/a/b", "/a", "/b", "/"]


@given(st.sampled_from(["/", "/a", "/a/b", "/a/b/c", "/ab", "/b/x"]))
def test_no_rule_of_a_losing_prefix_answers(target: str) -> None:
    found = route.find(table("/", "/a", "/a/b", "/b"), view("GET", target))
    assert found is not None
    chosen = found.rule.rule.name
    holding = [p for p in ("/", "/a", "/a/b", "/b") if p in ("/", target) or target.startswith(p + "/")]
    assert chosen == max(holding, key=len)


def matching(match: Match) -> HttpRoutes:
    return HttpRoutes(entries=(RouteEntry(match=match, rule=0),), rules=(Rule(route="r"),))


def ruled(**rule: Any) -> HttpRoutes:
    return HttpRoutes(rules=(Rule(route="r", **rule),))


BAD_VALUE = ValueMatch(name="a", value="(", type="RegularExpression")
SPLITTING = HeaderModifier(add=(("a", "x\ny"),))


@pytest.mark.parametrize(
    ("routes", "path"),
    [
        (HttpRoutes(entries=(RouteEntry(match=Match(), rule=0),)), "r.entries[0].rule"),
        (matching(Match(path=PathMatch(type="RegularExpression", value="("))), "r.entries[0].match.path.value"),
        (matching(Match(path=PathMatch(value="x"))), "r.entries[0].match.path.value"),
        (matching(Match(headers=(BAD_VALUE,))), "r.entries[0].match.headers[0].value"),
        (matching(Match(query=(BAD_VALUE,))), "r.entries[0].match.query[0].value"),
        (ruled(backends=(WeightedBackend(backend="b", weight=-1),)), "r.rules[0].backends[0].weight"),
        (ruled(mirrors=(Mirror(backend="b", percent=101),)), "r.rules[0].mirrors[0].percent"),
        (ruled(faults=(Fault(name="f"),)), "r.rules[0].faults[0]"),
        (ruled(request_headers=HeaderModifier(set=(("content-length", "1"),))), "r.rules[0].requestHeaders.set"),
        (
            ruled(backends=(WeightedBackend(backend="b", response_headers=SPLITTING),)),
            "r.rules[0].backends[0].responseHeaders.add",
        ),
    ],
)
def test_what_could_not_be_used_is_named_by_its_field(routes: HttpRoutes, path: str) -> None:
    assert [violation.path for violation in route.check(routes, "r")] == [path]


def test_good_routes_have_no_violation() -> None:
    rule = Rule(
        route="r",
        backends=(WeightedBackend(backend="b", weight=0), WeightedBackend(backend=None)),
        mirrors=(Mirror(backend="b", percent=0.5),),
        faults=(Fault(name="f", delay_seconds=1.5, headers=(ValueMatch(name="a", value="b"),)),),
    )
    assert route.check(HttpRoutes(entries=(RouteEntry(match=Match(), rule=0),), rules=(rule,)), "r") == []
