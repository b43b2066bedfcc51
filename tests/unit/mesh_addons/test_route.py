from __future__ import annotations

from mesh_addons.flow_view import mesh_flow
from mesh_addons.route import Route
from tests.support.flows import answer, flow, frontends, rule


def test_the_rule_that_matches_is_found() -> None:
    made = flow(frontends(rule(name="a"), rule(name="b")), "/1/x?y")
    Route().requestheaders(made)
    found = mesh_flow(made).rule
    assert found is not None
    assert found.rule.name == "b"


def test_no_match_is_404_and_names_no_backend() -> None:
    made = flow(frontends(rule()), "/other")
    Route().requestheaders(made)
    assert made.response is not None
    assert made.response.status_code == 404
    assert mesh_flow(made).backend is None


def test_without_routes_the_frontends_backend_is_taken() -> None:
    made = flow(frontends(routes=False))
    Route().requestheaders(made)
    assert mesh_flow(made).backend == "shop/api"


def test_a_decided_flow_is_left_alone() -> None:
    made = answer(flow(frontends(rule())))
    Route().requestheaders(made)
    assert mesh_flow(made).rule is None
