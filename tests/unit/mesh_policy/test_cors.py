"""CORS, as the text of HTTPCORSFilter says."""

from __future__ import annotations

from typing import Any

import pytest

from mesh_policy.cors import allowed_origin, answer, check, is_preflight, preflight
from mesh_policy.filters import HeaderChange
from mesh_policy.request import RequestView, view
from mesh_policy.snapshot import Cors

PAGE = "https://www.example.org"


def asked(origin: str = PAGE, method: str = "PUT", headers: str = "") -> RequestView:
    fields = [("Origin", origin), ("Access-Control-Request-Method", method)]
    return view("OPTIONS", "/", [*fields, *([("Access-Control-Request-Headers", headers)] if headers else [])])


@pytest.mark.parametrize(
    ("pattern", "origin", "allowed"),
    [
        ("*", PAGE, True),
        ("*", "null", True),
        (PAGE, PAGE, True),
        (PAGE, "https://WWW.Example.org", True),
        (PAGE, "https://www.example.org:443", True),
        (PAGE, "http://www.example.org", False),
        (PAGE, "https://www.example.org:8443", False),
        (PAGE, "https://www.example.org.evil.example", False),
        (PAGE, "null", False),
        ("http://a.example:80", "http://a.example", True),
        ("https://*.example.org", PAGE, True),
        ("https://*.example.org", "https://a.b.example.org", True),
        ("https://*.example.org", "https://example.org", False),
        ("https://*.example.org", "https://.example.org", False),
        ("https://*.example.org", "https://evilexample.org", False),
        ("https://*", "https://anything.example", True),
        ("https://*", "http://anything.example", False),
        ("https://*:8443", "https://a.example:8443", True),
    ],
)
def test_origins(pattern: str, origin: str, allowed: bool) -> None:
    found = allowed_origin(Cors(allow_origins=(pattern,)), ((b"Origin", origin.encode()),))
    assert found == (origin if allowed else None)


@pytest.mark.parametrize(
    "fields", [(), ((b"origin", b"a"), (b"origin", b"b")), ((b"origin", b"https://" + b"a" * 600),)]
)
def test_no_origin_two_or_a_huge_one_are_not_allowed(fields: Any) -> None:
    assert allowed_origin(Cors(allow_origins=("*",)), fields) is None


def test_what_is_a_preflight_request() -> None:
    assert is_preflight(asked())
    assert not is_preflight(asked()._replace(method=b"GET"))
    assert not is_preflight(view("OPTIONS", "/", [("Origin", PAGE)]))
    assert not is_preflight(view("OPTIONS", "/", [("Access-Control-Request-Method", "PUT")]))


EVERY = {"allow_origins": ("*",), "allow_methods": ("*",), "allow_headers": ("*",), "expose_headers": ("*",)}


@pytest.mark.parametrize(
    ("cors", "request_", "expected"),
    [
        ({"allow_origins": (PAGE,)}, {}, {"access-control-allow-origin": PAGE, "access-control-max-age": "5"}),
        ({"allow_origins": ("https://other.example",)}, {}, {}),
        (
            {"allow_origins": (PAGE,), "allow_methods": ("GET", "PUT"), "allow_headers": ("x-a", "x-b")},
            {"headers": "x-a"},
            {
                "access-control-allow-origin": PAGE,
                "access-control-allow-methods": "GET, PUT",
                "access-control-allow-headers": "x-a, x-b",
                "access-control-max-age": "5",
            },
        ),
        (
            {**EVERY, "max_age_seconds": 60},
            {"headers": "x-a"},
            {
                "access-control-allow-origin": PAGE,
                "access-control-allow-methods": "*",
                "access-control-allow-headers": "*",
                "access-control-max-age": "60",
            },
        ),
        (
            {**EVERY, "allow_credentials": True},
            {"headers": "x-a,x-c"},
            {
                "access-control-allow-origin": PAGE,
                "access-control-allow-credentials": "true",
                "access-control-allow-methods": "PUT",
                "access-control-allow-headers": "x-a,x-c",
                "access-control-max-age": "5",
            },
        ),
        (
            {**EVERY, "allow_credentials": True},
            {},
            {
                "access-control-allow-origin": PAGE,
                "access-control-allow-credentials": "true",
                "access-control-allow-methods": "PUT",
                "access-control-max-age": "5",
            },
        ),
    ],
)
def test_the_answer_to_a_preflight_request(
    cors: dict[str, Any], request_: dict[str, Any], expected: dict[str, str]
) -> None:
    found = dict(preflight(Cors(**cors), asked(**request_)))
    assert found.pop(b"vary") == b"Origin"
    assert {name.decode(): value.decode() for name, value in found.items()} == expected


BACKEND = (
    (b"Access-Control-Allow-Origin", b"*"),
    (b"access-control-expose-headers", b"x-own"),
    (b"vary", b"Accept"),
    (b"x-a", b"1"),
)


@pytest.mark.parametrize(
    ("cors", "origin", "expected"),
    [
        ({}, PAGE, {b"access-control-allow-origin": PAGE.encode()}),
        ({}, None, {}),
        (
            {"expose_headers": ("x-b", "x-c"), "allow_credentials": True},
            PAGE,
            {
                b"access-control-allow-origin": PAGE.encode(),
                b"access-control-allow-credentials": b"true",
                b"access-control-expose-headers": b"x-b, x-c",
            },
        ),
        (
            {"expose_headers": ("*",)},
            PAGE,
            {b"access-control-allow-origin": PAGE.encode(), b"access-control-expose-headers": b"*"},
        ),
        (
            {"expose_headers": ("*",), "allow_credentials": True},
            PAGE,
            {b"access-control-allow-origin": PAGE.encode(), b"access-control-allow-credentials": b"true"},
        ),
    ],
)
def test_the_answer_of_a_backend(cors: dict[str, Any], origin: str | None, expected: dict[bytes, bytes]) -> None:
    found = HeaderChange(answer(Cors(**cors), origin))(BACKEND)
    ours = [(name.lower(), value) for name, value in found if name.lower().startswith(b"access-control-")]
    assert len(ours) == len(expected)
    assert dict(ours) == expected
    assert [value for name, value in found if name == b"vary"] == [b"Accept", b"Origin"]
    assert (b"x-a", b"1") in found


@pytest.mark.parametrize(
    ("cors", "path"),
    [
        ({"allow_origins": ("example.org",)}, "at.allowOrigins"),
        ({"allow_origins": ("https://a.example/path",)}, "at.allowOrigins"),
        ({"allow_origins": ("https://a.*.example",)}, "at.allowOrigins"),
        ({"allow_origins": ("*x",)}, "at.allowOrigins"),
        ({"allow_origins": ("*", PAGE)}, "at.allowOrigins"),
        ({"allow_methods": ("*", "GET")}, "at.allowMethods"),
        ({"allow_headers": ("a\r\nb",)}, "at.allowHeaders"),
        ({"expose_headers": ("",)}, "at.exposeHeaders"),
        ({"max_age_seconds": 0}, "at.maxAge"),
    ],
)
def test_what_is_wrong(cors: dict[str, Any], path: str) -> None:
    assert [violation.path for violation in check(Cors(**cors), "at")] == [path]


def test_what_the_specification_allows_is_right() -> None:
    assert check(None, "at") == []
    assert check(Cors(**EVERY), "at") == []
    assert check(Cors(allow_origins=("https://*", "http://*.example.org:8080", "http://localhost:3000")), "at") == []
