from __future__ import annotations

from mitmproxy.http import Response

from mesh_addons.answer import error_response, for_call, refuse, refuse_call
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


def test_an_error_as_a_client_of_grpc_reads_it() -> None:
    response = error_response(504, "request-timeout")
    response.headers["retry-after"] = "1"
    made = for_call(response)
    assert made is not None
    assert (made.status_code, made.raw_content, made.headers["content-length"]) == (504, b"", "0")
    assert made.headers["content-type"] == "application/grpc"
    assert (made.headers["grpc-status"], made.headers["grpc-message"]) == ("4", "mesh: request-timeout")
    assert (made.headers["x-mesh-error"], made.headers["retry-after"]) == ("request-timeout", "1")


def test_a_status_of_grpc_stays_and_has_one_of_http_for_the_log() -> None:
    made = flow(frontends())
    refuse_call(made, 8, "fault")
    assert made.response is not None
    assert made.response.status_code == 200
    changed = for_call(made.response)
    assert changed is not None
    assert (changed.status_code, changed.headers["grpc-status"]) == (429, "8")


def test_what_is_no_error_of_the_mesh_stays() -> None:
    assert for_call(error_response(200, "fault")) is None
    assert for_call(Response.make(503, b"", {"content-type": "text/plain"})) is None
