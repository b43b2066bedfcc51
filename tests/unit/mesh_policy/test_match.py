from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_policy.match import compile_headers, compile_match, precedence
from mesh_policy.request import view
from mesh_policy.snapshot import Match, PathMatch, ValueMatch


def prefix(value: str) -> Match:
    return Match(path=PathMatch(value=value))


@pytest.mark.parametrize(
    ("match", "target", "holds"),
    [
        (Match(), "/anything", True),
        (prefix("/v2"), "/v2", True),
        (prefix("/v2"), "/v2/", True),
        (prefix("/v2/"), "/v2", True),
        (prefix("/v2"), "/v2/x", True),
        (prefix("/v2"), "/v2example", False),
        (prefix("/V2"), "/v2", False),
        (Match(path=PathMatch(type="Exact", value="/v2")), "/v2/", False),
        (Match(path=PathMatch(type="Exact", value="/v2")), "/v2?x=1", True),
        (Match(path=PathMatch(type="RegularExpression", value="/v[12]")), "/v1", True),
        (Match(path=PathMatch(type="RegularExpression", value="/v[12]")), "/v1/x", False),
        (Match(query=(ValueMatch(name="a", value="b c"),)), "/?a=b%20c", True),
        (Match(query=(ValueMatch(name="a", value="1"), ValueMatch(name="a", value="2"))), "/?a=1", True),
        (Match(query=(ValueMatch(name="a", value="1"), ValueMatch(name="A", value="2"))), "/?a=1", False),
        (Match(query=(ValueMatch(name="a", value="[0-9]+", type="RegularExpression"),)), "/?a=12", True),
        (Match(query=(ValueMatch(name="a", value=""),)), "/", False),
        (Match(method="POST"), "/", False),
        (Match(method="GET"), "/", True),
        (Match(method="GET", path=PathMatch(value="/x")), "/", False),
    ],
)
def test_a_match_holds_when_all_its_parts_do(match: Match, target: str, holds: bool) -> None:
    assert compile_match(match)(view("GET", target)) is holds


@pytest.mark.parametrize(
    ("headers", "holds"),
    [
        ((ValueMatch(name="X-A", value="1"),), False),
        ((ValueMatch(name="x-a", value="1,2"),), True),
        ((ValueMatch(name="x-b", value="on"),), True),
        ((ValueMatch(name="x-b", value="ON"),), False),
        ((ValueMatch(name="x-b", value="on"), ValueMatch(name="X-B", value="off")), True),
        ((ValueMatch(name="x-b", value="o.", type="RegularExpression"),), True),
        ((ValueMatch(name="x-c", value=".*", type="RegularExpression"),), False),
        ((), True),
    ],
)
def test_header_matches(headers: tuple[ValueMatch, ...], holds: bool) -> None:
    fields = ((b"x-a", b"1"), (b"X-B", b"on"), (b"X-A", b"2"))
    assert compile_headers(headers)(fields) is holds
    assert (
        compile_match(Match(headers=headers))(view("GET", "/", [(n.decode(), v.decode()) for n, v in fields])) is holds
    )


def key(
    match: Match, created: str = "2026-01-01T00:00:00Z", route: str = "a/b", rule: int = 0, index: int = 0
) -> object:
    return precedence(match, created=created, route=route, rule=rule, index=index)


HEADER = ValueMatch(name="a", value="1")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (key(Match(path=PathMatch(type="Exact", value="/"))), key(prefix("/very/long"))),
        (key(prefix("/longer")), key(prefix("/long"))),
        (key(prefix("/same/"), index=0), key(prefix("/same"), index=1)),
        (key(prefix("/a")), key(Match(method="GET", headers=(HEADER,)))),
        (key(Match(method="GET")), key(Match(headers=(HEADER, ValueMatch(name="b", value="1"))))),
        (key(Match(headers=(HEADER,))), key(Match(query=(HEADER, ValueMatch(name="b", value="1"))))),
        (key(Match(query=(HEADER,))), key(Match())),
        (key(Match(), created="2025-01-01T00:00:00Z", route="z/z"), key(Match())),
        (key(Match(), route="a/a", rule=5), key(Match(), route="a/b")),
        (key(Match(), rule=0, index=9), key(Match(), rule=1)),
        (key(Match(), index=0), key(Match(), index=1)),
        (key(Match(headers=(HEADER,)), index=0), key(Match(headers=(HEADER, HEADER)), index=1)),
    ],
    ids=[
        "exact path", "longer prefix", "trailing slash does not count", "path before all else", "method", "headers",
        "query", "older route", "alphabetical", "first rule", "first match", "duplicate header does not count",
    ],
)  # fmt: skip
def test_precedence_of_the_gateway_api(first: object, second: object) -> None:
    assert first < second  # type: ignore[operator]


matches = st.builds(
    Match,
    path=st.builds(
        PathMatch, type=st.sampled_from(["Exact", "PathPrefix"]), value=st.sampled_from(["/", "/a", "/a/b", "/b"])
    ),
    method=st.sampled_from([None, "GET"]),
    headers=st.sampled_from([(), (HEADER,)]),
)
placed = st.tuples(
    matches, st.sampled_from(["2025", "2026"]), st.sampled_from(["a/a", "a/b"]), st.integers(0, 2), st.integers(0, 2)
)


@given(st.lists(placed, min_size=2, max_size=6, unique_by=lambda p: p[2:]))
def test_precedence_is_a_total_order(candidates: list[tuple[Match, str, str, int, int]]) -> None:
    keys = [precedence(m, created=c, route=r, rule=i, index=j) for m, c, r, i, j in candidates]
    assert len(set(keys)) == len(keys)
    assert all((a < b) != (b < a) for a, b in itertools.combinations(keys, 2))
