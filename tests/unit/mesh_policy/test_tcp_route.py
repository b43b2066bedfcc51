from __future__ import annotations

from collections import Counter

import pytest

from mesh_policy import tcp_route
from mesh_policy.snapshot import Target, TcpRoutes, TcpRule


def rule(name: str, *server_names: str) -> TcpRule:
    return TcpRule(route="TLSRoute/shop/x", name=name, server_names=server_names)


ROUTES = TcpRoutes(
    rules=(
        rule("any"),
        rule("wide", "*.example"),
        rule("long", "*.shop.example", "*.example"),
        rule("exact", "a.shop.example", "other.example"),
        rule("late", "a.shop.example"),
        rule("later any"),
    )
)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("a.shop.example", "exact"),
        ("other.example", "exact"),
        ("b.shop.example", "long"),
        ("a.b.shop.example", "long"),
        ("shop.example", "wide"),
        ("x.example", "wide"),
        ("example", "any"),
        ("xexample", "any"),
        ("x.shopexample", "any"),
        ("", "any"),
        (None, "any"),
    ],
)
def test_the_most_specific_name_decides_and_then_the_order(asked: str | None, expected: str) -> None:
    found = tcp_route.find(ROUTES, asked)
    assert found is not None
    assert found.name == expected


def test_a_connection_that_no_rule_names_is_refused() -> None:
    named = TcpRoutes(rules=(rule("wide", "*.example"),))
    assert [tcp_route.find(named, asked) for asked in ("example", "a.test", "", None)] == [None] * 4


def test_names_are_compared_without_case_and_final_dot() -> None:
    assert tcp_route.normal("A.Shop.Example.") == "a.shop.example"


def targets(*weights: int) -> tuple[Target, ...]:
    return tuple(Target(backend=f"shop/v{i}/1", weight=weight) for i, weight in enumerate(weights))


@pytest.mark.parametrize("weights", [(1,), (80, 20), (3, 0, 1), (1, 1, 1), (999, 1), (7, 11, 13)])
def test_a_pattern_holds_the_shares_exactly(weights: tuple[int, ...]) -> None:
    found = Counter(tcp_route.pattern(targets(*weights)))
    length = sum(found.values())
    assert all(found[i] * sum(weights) == weight * length for i, weight in enumerate(weights))


def test_a_pattern_is_smooth() -> None:
    assert tcp_route.pattern(targets(3, 1)) == (0, 0, 1, 0)


@pytest.mark.parametrize(
    "weights",
    [(1_000_000, 1), (1_000_000, 999_999), (33333, 33333, 33335), (1, 1_000_000, 0), (*[1] * 30, *[10_000] * 32)],
)
def test_long_patterns_are_bounded_and_nearly_right(weights: tuple[int, ...]) -> None:
    found = tcp_route.pattern(targets(*weights))
    assert 0 < len(found) <= tcp_route.MAX_PATTERN
    for index, weight in enumerate(weights):
        assert abs(found.count(index) / len(found) - weight / sum(weights)) <= 0.002
        assert (found.count(index) > 0) == (weight > 0)


@pytest.mark.parametrize("weights", [(), (0,), (0, 0)])
def test_without_a_weight_nothing_is_chosen(weights: tuple[int, ...]) -> None:
    assert tcp_route.pattern(targets(*weights)) == ()
    assert tcp_route.choose(TcpRule(route="r", targets=targets(*weights)), 3) is None


def test_counting_goes_round_the_pattern() -> None:
    one = TcpRule(route="r", targets=targets(3, 1))
    chosen = [tcp_route.choose(one, count) for count in range(5, 9)]
    assert [target.backend for target in chosen if target] == ["shop/v0/1", "shop/v1/1", "shop/v0/1", "shop/v0/1"]


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (TcpRule(route="r", server_names=("ok.example", "Upper.example")), "serverNames[1]"),
        (TcpRule(route="r", server_names=("*",)), "serverNames[0]"),
        (TcpRule(route="r", server_names=("a.*.example",)), "serverNames[0]"),
        (TcpRule(route="r", server_names=("a b",)), "serverNames[0]"),
        (TcpRule(route="r", server_names=("a\n",)), "serverNames[0]"),
        (TcpRule(route="r", server_names=("*." + "a." * 15 + "b",)), "serverNames[0]"),
        (TcpRule(route="r", targets=targets(1, -1)), "targets[1].weight"),
        (TcpRule(route="r", targets=targets(1_000_001)), "targets[0].weight"),
        (TcpRule(route="r", targets=targets(*[1] * 63)), "targets"),
    ],
)
def test_what_cannot_be_used_is_named(bad: TcpRule, field: str) -> None:
    (found,) = tcp_route.check(TcpRoutes(rules=(TcpRule(route="r"), bad)), "outbound.frontends[0].tcpRoutes")
    assert found.path == f"outbound.frontends[0].tcpRoutes.rules[1].{field}"


def test_good_routes_pass() -> None:
    assert tcp_route.check(ROUTES, "") == []
