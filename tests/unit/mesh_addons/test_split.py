from __future__ import annotations

from collections import Counter

import pytest

from mesh_addons.flow_view import mesh_flow
from mesh_addons.frontends import Frontends
from mesh_addons.route import Route
from mesh_addons.split import Split
from mesh_policy.snapshot import Rule, WeightedBackend
from tests.support.flows import answer, draws, flow, frontends, rule


def choices(addon: Split, to: Frontends, count: int, path: str = "/0") -> list[str | int | None]:
    """The backend of each request, or the status it was refused with."""
    made = []
    for _ in range(count):
        one = flow(to, path)
        Route().requestheaders(one)
        addon.requestheaders(one)
        made.append(one.response.status_code if one.response else mesh_flow(one).backend)
    return made


V1, V2 = WeightedBackend(backend="shop/v1", weight=80), WeightedBackend(backend="shop/v2", weight=20)


def test_shares_are_exact() -> None:
    assert Counter(choices(Split(draws(0.3)), frontends(rule(V1, V2)), 100)) == {"shop/v1": 80, "shop/v2": 20}


@pytest.mark.parametrize(
    ("backends", "expected"),
    [
        ((WeightedBackend(backend="shop/v1"), WeightedBackend(backend=None)), {"shop/v1": 5, 500: 5}),
        ((WeightedBackend(backend=None),), {500: 10}),
        ((WeightedBackend(backend="shop/v1", weight=0),), {503: 10}),
        ((WeightedBackend(backend="shop/v1", weight=0), WeightedBackend(backend=None, weight=0)), {503: 10}),
        ((V1, WeightedBackend(backend=None, weight=0)), {"shop/v1": 10}),
    ],
)
def test_invalid_backends_and_weights_of_zero(
    backends: tuple[WeightedBackend, ...], expected: dict[str | int, int]
) -> None:
    assert Counter(choices(Split(draws(0.0)), frontends(rule(*backends)), 10)) == expected


def test_a_rule_without_backends_is_refused() -> None:
    empty = rule()
    to = frontends(type(empty)(route=empty.route))
    assert choices(Split(draws(0.0)), to, 1) == [500]


def test_rules_do_not_share_their_credit() -> None:
    addon, to = Split(draws(0.0)), frontends(rule(V1, V2, name="a"), rule(V1, V2, name="b"))
    alone = choices(Split(draws(0.0)), to, 5)
    mixed = [(choices(addon, to, 1, "/0"), choices(addon, to, 1, "/1")) for _ in range(5)]
    assert [a for a, _ in mixed] == [b for _, b in mixed] == [[one] for one in alone]


def test_credit_outlives_a_snapshot_that_changes_something_else() -> None:
    addon = Split(draws(0.0))
    seen = []
    for _ in range(10):
        seen += choices(addon, frontends(rule(V1, V2)), 1)
    assert Counter(seen) == {"shop/v1": 8, "shop/v2": 2}


def test_rules_that_are_gone_take_no_memory() -> None:
    addon = Split(draws(0.0))
    for weight in range(1, 50):
        choices(addon, frontends(rule(V1, WeightedBackend(backend="shop/v2", weight=weight))), 1)
    assert len(addon._states) == 1


def test_a_decided_flow_is_left_alone() -> None:
    made = flow(frontends(rule(V1, V2)))
    Route().requestheaders(made)
    Split(draws(0.0)).requestheaders(answer(made))
    assert mesh_flow(made).backend is None


def test_clients_of_grpc_see_unavailable_where_others_see_500() -> None:
    for backends, reason in (((WeightedBackend(backend=None),), "invalid-backend"), ((), "no-backend")):
        made = flow(frontends(Rule(route="GRPCRoute/shop/api", backends=backends)))
        Route().requestheaders(made)
        Split(draws(0.0)).requestheaders(made)
        assert made.response is not None
        assert (made.response.status_code, made.response.headers["x-mesh-error"]) == (503, reason)
