from __future__ import annotations

import pytest

from mesh_addons.redirect import Redirect as Addon
from mesh_addons.route import Route
from mesh_policy.snapshot import PathChange, Redirect
from tests.support.flows import answer, flow, frontends, rule


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_the_rule_answers(status: int) -> None:
    made = flow(frontends(rule(redirect=Redirect(status=status, path=PathChange(prefix="/new")))), path="/0/a?b")
    for addon in (Route(), Addon()):
        addon.requestheaders(made)
    assert made.response is not None
    assert made.response.status_code == status
    assert made.response.headers["location"] == "http://api/new/a?b"
    assert made.response.raw_content == b""


def test_other_rules_and_decided_flows_are_left_alone() -> None:
    made = flow(frontends(rule()))
    Route().requestheaders(made)
    Addon().requestheaders(made)
    assert made.response is None
    done = answer(flow(frontends(rule(redirect=Redirect()))))
    Addon().requestheaders(done)
    assert done.response is not None
    assert done.response.status_code == 200
