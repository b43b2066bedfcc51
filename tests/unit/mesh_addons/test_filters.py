from __future__ import annotations

from mesh_addons.filters import Filters, change_answer
from mesh_addons.flow_view import mesh_flow
from mesh_addons.mirror import Mirror
from mesh_addons.route import Route
from mesh_addons.share import Share
from mesh_addons.split import Split
from mesh_policy.snapshot import HeaderModifier, WeightedBackend
from tests.support.flows import Kept, answer, draws, flow, frontends, rule


def test_the_rule_changes_the_request_and_its_answer() -> None:
    changes = {
        "request_headers": HeaderModifier(set=(("x-a", "rule"),)),
        "response_headers": HeaderModifier(add=(("x-b", "rule"),)),
    }
    backend = WeightedBackend(
        backend="shop/v1",
        request_headers=HeaderModifier(add=(("x-a", "backend"),)),
        response_headers=HeaderModifier(set=(("x-b", "backend"),)),
    )
    made = flow(frontends(rule(backend, **changes)), headers={"X-A": "caller"})
    for addon in (Route(), Filters(), Split(draws(0.0)), Share(Mirror(draws(0.0), Kept()))):
        addon.requestheaders(made)
    assert made.request.headers.get_all("x-a") == ["rule", "backend"]
    answer(made, x_b="server")
    Filters().responseheaders(made)
    assert made.response is not None
    assert made.response.headers.get_all("x-b") == ["backend", "rule"]


def test_without_changes_nothing_is_touched() -> None:
    made = flow(frontends(rule()), headers={"a": "b"})
    before = made.request.headers.fields
    Route().requestheaders(made)
    Filters().requestheaders(made)
    Filters().responseheaders(made)
    assert made.request.headers.fields is before


def test_a_decided_flow_is_left_alone() -> None:
    made = answer(flow(frontends(rule(request_headers=HeaderModifier(set=(("a", "b"),))))))
    Filters().requestheaders(made)
    assert "a" not in made.request.headers
    assert mesh_flow(made).response_changes == []


def test_an_answer_of_the_mesh_is_changed_once() -> None:
    """Also where the rule answers before anything is sent: its changes are known by then."""
    backend = WeightedBackend(backend=None)
    made = flow(frontends(rule(backend, response_headers=HeaderModifier(add=(("x-b", "rule"),)))))
    for addon in (Route(), Filters(), Split(draws(0.0))):
        addon.requestheaders(made)
    assert made.response is not None
    change_answer(made)
    change_answer(made)
    assert made.response.headers.get_all("x-b") == ["rule"]
    answer(made)
    change_answer(made)
    assert made.response.headers.get_all("x-b") == ["rule"]
