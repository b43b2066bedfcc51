from __future__ import annotations

from mesh_addons.cors import Cors as Addon
from mesh_addons.filters import Filters
from mesh_addons.route import Route
from mesh_policy.snapshot import Cors
from tests.support.flows import answer, flow, frontends, rule

PAGE = "https://www.example.org"
RULE = rule(cors=Cors(allow_origins=(PAGE,), allow_methods=("PUT",)))
ASKED = {"Origin": PAGE, "Access-Control-Request-Method": "PUT"}


def test_a_browsers_question_is_answered_here() -> None:
    made = flow(frontends(RULE), headers=ASKED, method="OPTIONS")
    for addon in (Route(), Addon()):
        addon.requestheaders(made)
    assert made.response is not None
    assert made.response.status_code == 204
    assert made.response.headers["access-control-allow-origin"] == PAGE
    assert made.response.headers["access-control-allow-methods"] == "PUT"


def test_the_answer_of_a_backend_gets_the_permission() -> None:
    for origin, expected in ((PAGE, [PAGE]), ("https://other.example", [])):
        made = flow(frontends(RULE), headers={"Origin": origin})
        for addon in (Route(), Addon(), Filters()):
            addon.requestheaders(made)
        assert made.response is None
        Filters().responseheaders(answer(made, access_control_allow_origin="*"))
        assert made.response is not None
        assert made.response.headers.get_all("access-control-allow-origin") == expected


def test_without_the_filter_backends_answer_for_themselves() -> None:
    made = flow(frontends(rule()), headers=ASKED, method="OPTIONS")
    Route().requestheaders(made)
    Addon().requestheaders(made)
    assert made.response is None


def test_a_decided_flow_is_left_alone() -> None:
    made = answer(flow(frontends(RULE), headers=ASKED, method="OPTIONS"))
    Addon().requestheaders(made)
    assert made.response is not None
    assert made.response.status_code == 200
