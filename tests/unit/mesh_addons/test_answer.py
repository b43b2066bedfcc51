from __future__ import annotations

from mesh_addons.answer import error_response, refuse
from tests.support.flows import flow, frontends


def test_an_answer_says_why_and_nothing_of_any_software() -> None:
    response = error_response(503, "no-weight")
    assert response.headers["x-mesh-error"] == "no-weight"
    assert response.raw_content == b"mesh: no-weight\n"
    assert response.headers["content-length"] == "16"
    assert response.reason == "Service Unavailable"
    assert "server" not in response.headers


def test_a_refused_flow_has_an_answer() -> None:
    made = flow(frontends())
    refuse(made, 404, "route-not-found")
    assert made.response is not None
    assert made.response.status_code == 404
