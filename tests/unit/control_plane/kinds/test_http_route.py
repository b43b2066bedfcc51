"""HTTPRoute: what is malformed, and what is right but not done by this mesh."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.kinds.filters import MirrorFilter
from control_plane.kinds.http_route import HttpRoute
from control_plane.kinds.registry import decode
from control_plane.kinds.routes import unsupported, validate
from tests.support.cluster import a_route, to


def read(*rules: dict[str, Any]) -> HttpRoute:
    found = decode("HTTPRoute", json.dumps(a_route("api", "api", *rules)).encode())
    assert isinstance(found, HttpRoute)
    return found


def headers(**body: Any) -> dict[str, Any]:
    return {"type": "RequestHeaderModifier", "requestHeaderModifier": body}


def redirect(**body: Any) -> dict[str, Any]:
    return {"type": "RequestRedirect", "requestRedirect": body}


PREFIX = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/x"}


def test_a_route_with_everything_we_do_is_right() -> None:
    mirror = {"type": "RequestMirror", "requestMirror": {"backendRef": to("api"), "percent": 50}}
    route = read(
        {
            "name": "all",
            "matches": [
                {
                    "path": {"type": "Exact", "value": "/a"},
                    "method": "GET",
                    "headers": [{"name": "X-A", "value": "b"}],
                    "queryParams": [{"name": "q", "value": "x.*", "type": "RegularExpression"}],
                }
            ],
            "filters": [headers(set=[{"name": "a", "value": "b"}], remove=["c"]), mirror, mirror],
            "backendRefs": [to("api", weight=80, filters=[headers(add=[{"name": "d", "value": "e"}])])],
        }
    )
    assert validate(route) == ()
    assert unsupported(route) == ()


def test_redirects_and_rewrites_are_right() -> None:
    rewrite = {"type": "URLRewrite", "urlRewrite": {"hostname": "b.example", "path": PREFIX}}
    route = read({"filters": [redirect(path=PREFIX)]}, {"backendRefs": [to("api", filters=[rewrite])]})
    assert validate(route) == ()
    assert unsupported(route) == ()


HEADERS = "spec.rules[0].filters[0].requestHeaderModifier"


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"matches": [{"path": {"value": "/a//b"}}]}, "spec.rules[0].matches[0].path.value"),
        ({"matches": [{"path": {"type": "RegularExpression", "value": "("}}]}, "spec.rules[0].matches[0].path.value"),
        ({"matches": [{"method": "FETCH"}]}, "spec.rules[0].matches[0].method"),
        ({"matches": [{"headers": [{"name": "a b", "value": "c"}]}]}, "spec.rules[0].matches[0].headers[0].name"),
        (
            {"matches": [{"headers": [{"name": "a", "value": "(", "type": "RegularExpression"}]}]},
            "spec.rules[0].matches[0].headers[0].value",
        ),
        ({"filters": [{"type": "RequestMirror"}]}, "spec.rules[0].filters[0]"),
        ({"filters": [headers(set=[{"name": "a", "value": "b"}], remove=["A"])]}, HEADERS),
        ({"filters": [headers(remove=["Content-Length"])]}, HEADERS),
        (
            {"filters": [headers(set=[{"name": "x-mesh-internal-backend", "value": "b"}])]},
            f"{HEADERS}.set[0].name",
        ),
        ({"backendRefs": [to("api", weight=-1)]}, "spec.rules[0].backendRefs[0].weight"),
        ({"backendRefs": [to("api")], "filters": [redirect()]}, "spec.rules[0].backendRefs"),
        ({"filters": [redirect(scheme="ftp")]}, "spec.rules[0].filters[0].requestRedirect.scheme"),
        (
            {"matches": [{"path": {"type": "Exact", "value": "/a"}}], "filters": [redirect(path=PREFIX)]},
            "spec.rules[0].filters[0].requestRedirect.path.replacePrefixMatch",
        ),
        (
            {"filters": [{"type": "RequestMirror", "requestMirror": {"backendRef": to("a"), "percent": 101}}]},
            "spec.rules[0].filters[0].requestMirror.percent",
        ),
    ],
)
def test_malformed(rule: dict[str, Any], path: str) -> None:
    assert [violation.path for violation in validate(read(rule))] == [path]


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"filters": [{"type": "ExtensionRef", "extensionRef": {}}]}, "spec.rules[0].filters[0].type"),
        (
            {"backendRefs": [to("a", filters=[{"type": "ExtensionRef", "extensionRef": {}}])]},
            "spec.rules[0].backendRefs[0].filters[0].type",
        ),
        ({"filters": [headers(remove=["a"]), headers(remove=["b"])]}, "spec.rules[0].filters"),
        (
            {"matches": [{"headers": [{"name": "a", "value": "b", "type": "Fuzzy"}]}]},
            "spec.rules[0].matches[0].headers[0].type",
        ),
    ],
)
def test_what_is_not_done_is_never_silent(rule: dict[str, Any], path: str) -> None:
    route = read(rule)
    assert validate(route) == ()
    assert [violation.path for violation in unsupported(route)] == [path]


def test_the_share_of_a_mirror() -> None:
    def share(**more: Any) -> float:
        raw = {"type": "RequestMirror", "requestMirror": {"backendRef": to("api"), **more}}
        mirror = read({"filters": [raw]}).spec.rules[0].filters[0].request_mirror
        assert isinstance(mirror, MirrorFilter)
        return mirror.share

    assert share() == 100
    assert share(percent=20) == 20
    assert share(fraction={"numerator": 1, "denominator": 4}) == 25
    assert share(fraction={"numerator": 3}) == 3
