"""Header changes."""

from __future__ import annotations

import msgspec

from control_plane.compile.filters import redirect, request_headers, response_headers, rewrite
from control_plane.kinds.filters import Filter
from mesh_policy.snapshot import HeaderModifier, PathChange, Redirect, Rewrite

BODY = {"set": [{"name": "X-A", "value": "Blue"}], "add": [{"name": "B", "value": "2"}], "remove": ["C"]}
REQUEST = msgspec.convert({"type": "RequestHeaderModifier", "requestHeaderModifier": BODY}, Filter)
RESPONSE = msgspec.convert({"type": "ResponseHeaderModifier", "responseHeaderModifier": BODY}, Filter)
WANTED = HeaderModifier(set=(("x-a", "Blue"),), add=(("b", "2"),), remove=("c",))


def test_names_become_lower_case_and_values_stay() -> None:
    assert request_headers((RESPONSE, REQUEST)) == WANTED
    assert response_headers((RESPONSE, REQUEST)) == WANTED


def test_each_side_reads_its_own() -> None:
    assert request_headers((RESPONSE,)) is None
    assert response_headers((REQUEST,)) is None


def test_a_filter_that_does_nothing_is_nothing() -> None:
    empty = msgspec.convert({"type": "RequestHeaderModifier", "requestHeaderModifier": {}}, Filter)
    assert request_headers((empty,)) is None


def test_redirects_and_rewrites() -> None:
    prefix = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/x"}
    redirected = msgspec.convert(
        {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "port": 8443, "path": prefix}}, Filter
    )
    full = {"type": "ReplaceFullPath", "replaceFullPath": "/y"}
    rewritten = msgspec.convert({"type": "URLRewrite", "urlRewrite": {"hostname": "b.example", "path": full}}, Filter)
    assert redirect((REQUEST, redirected)) == Redirect(scheme="https", port=8443, path=PathChange(prefix="/x"))
    assert rewrite((REQUEST, rewritten)) == Rewrite(hostname="b.example", path=PathChange(full="/y"))
    assert (redirect((rewritten,)), rewrite((redirected,))) == (None, None)


def test_a_rewrite_that_changes_nothing_is_nothing() -> None:
    assert rewrite((msgspec.convert({"type": "URLRewrite", "urlRewrite": {}}, Filter),)) is None
