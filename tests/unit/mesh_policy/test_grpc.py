"""gRPC calls as paths, and the order of their matches."""

from __future__ import annotations

from typing import Any

import pytest

from mesh_policy import grpc
from mesh_policy.grpc import path_match, specificity
from mesh_policy.match import compile_match
from mesh_policy.request import view
from mesh_policy.route import RouteCandidate, order
from mesh_policy.snapshot import Match, ValueMatch


@pytest.mark.parametrize(
    ("kind", "service", "method", "held", "not_held"),
    [
        ("Exact", "a.B", "Get", ["/a.B/Get"], ["/a.B/Get2", "/a.B/get", "/xa.B/Get", "/a.B", "/a.B/Get/x"]),
        ("Exact", "a.B", None, ["/a.B/Get", "/a.B/Put"], ["/a.Bc/Get", "/a/Get"]),
        ("Exact", None, "Get", ["/a.B/Get", "/c/Get"], ["/a.B/Gets", "/a/b/Get", "/Get"]),
        ("RegularExpression", "a\\..*", "Get|Put", ["/a.B/Get", "/a./Put"], ["/ab/Get", "/a.B/GetPut"]),
        ("RegularExpression", None, "Get.*", ["/a/Get", "/b/GetAll"], ["/a/Put"]),
        ("RegularExpression", "a|b", None, ["/a/Get", "/b/Put"], ["/c/Get", "/a"]),
        ("Exact", None, None, ["/a/Get", "/"], []),
    ],
)
def test_a_method_match_as_a_path(kind: Any, service: Any, method: Any, held: list[str], not_held: list[str]) -> None:
    test = compile_match(Match(path=path_match(kind, service, method)))
    assert [path for path in held if not test(view("POST", path))] == []
    assert [path for path in not_held if test(view("POST", path))] == []


@pytest.mark.parametrize(
    ("http", "status"), [(400, 13), (401, 16), (403, 7), (404, 12), (408, 4), (429, 8), (500, 2), (503, 14), (504, 4)]
)
def test_what_the_mesh_says_in_the_place_of_an_http_status(http: int, status: int) -> None:
    assert grpc.status(http) == status


def test_a_message_is_percent_encoded() -> None:
    assert grpc.message("request-timeout") == b"mesh: request-timeout"
    assert grpc.message("100 % \n\u00fc") == b"mesh: 100 %25 %0A%C3%BC"


def candidate(route: str, *, headers: int = 0, **method: Any) -> RouteCandidate:
    parts = (method.get("kind", "Exact"), method.get("service"), method.get("method"))
    names = tuple(ValueMatch(name=f"h{index}", value="") for index in range(headers))
    return RouteCandidate(
        match=Match(path=path_match(*parts), headers=names),
        rule=0,
        created="2026-01-01T00:00:00Z",
        route=route,
        rule_index=0,
        match_index=0,
        specificity=specificity(*parts),
    )


IN_ORDER = (
    candidate("1", service="long.Service", method="A"),
    candidate("2", service="long.Service"),
    candidate("3", service="short", method="LongerMethod"),
    candidate("4", service="short", method="Get", headers=1),
    candidate("5", service="short", method="Get"),
    candidate("6", kind="RegularExpression", service=".*"),
    candidate("7", method="Get"),
    candidate("8", headers=2),
    candidate("9", headers=1),
    candidate("99"),
)


def test_service_then_method_then_headers_then_name() -> None:
    expected = [one.match for one in IN_ORDER]
    for some in (IN_ORDER[::-1], IN_ORDER[5:] + IN_ORDER[:5]):
        assert [entry.match for entry in order(some)] == expected


@pytest.mark.parametrize(
    ("kind", "speaks"),
    [
        (b"application/grpc", True),
        (b"application/grpc+proto", True),
        (b"Application/gRPC; charset=utf-8", True),
        (b"application/grpc-web+proto", False),
        (b"application/json", False),
    ],
)
def test_calls_are_told_by_their_content_type(kind: bytes, speaks: bool) -> None:
    assert grpc.is_call(((b"Content-Type", kind),)) is speaks
    assert not grpc.is_call(())


def test_every_status_has_a_name_and_a_status_of_http() -> None:
    assert sorted(grpc.STATUS.values()) == list(range(1, 17))
    assert grpc.http_status(grpc.STATUS["Unavailable"]) == 503
    assert grpc.http_status(grpc.STATUS["Unauthenticated"]) == 401
    assert grpc.http_status(grpc.STATUS["Cancelled"]) == 499
    assert len(grpc.HTTP_STATUS) == 16
