"""Filters: redirects and rewrites (header changes and mirrors: test_http_route.py)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from control_plane.kinds.filters import BackendRef, Filter, backend_violations, violations


def read(**body: Any) -> tuple[Filter, ...]:
    return (msgspec.convert(body, Filter),)


def redirect(**body: Any) -> tuple[Filter, ...]:
    return read(type="RequestRedirect", requestRedirect=body)


def rewrite(**body: Any) -> tuple[Filter, ...]:
    return read(type="URLRewrite", urlRewrite=body)


PREFIX = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/x"}
FULL = {"type": "ReplaceFullPath", "replaceFullPath": "/x"}


@pytest.mark.parametrize(
    ("filters", "path"),
    [
        (redirect(scheme="ftp"), "at[0].requestRedirect.scheme"),
        (redirect(hostname="A B"), "at[0].requestRedirect.hostname"),
        (redirect(hostname="*.example.org"), "at[0].requestRedirect.hostname"),
        (redirect(port=0), "at[0].requestRedirect.port"),
        (redirect(statusCode=300), "at[0].requestRedirect.statusCode"),
        (
            redirect(path={"type": "ReplaceFullPath", "replaceFullPath": "x"}),
            "at[0].requestRedirect.path.replaceFullPath",
        ),
        (rewrite(path={"type": "Surprise"}), "at[0].urlRewrite.path"),
        (rewrite(path={"type": "ReplaceFullPath"}), "at[0].urlRewrite.path"),
        (rewrite(path={**FULL, **PREFIX}), "at[0].urlRewrite.path"),
        (rewrite(path={**PREFIX, "replacePrefixMatch": "/a/../b"}), "at[0].urlRewrite.path.replacePrefixMatch"),
        (read(type="URLRewrite"), "at[0]"),
        (read(type="RequestRedirect"), "at[0]"),
        ((*redirect(), *rewrite()), "at"),
    ],
)
def test_malformed(filters: tuple[Filter, ...], path: str) -> None:
    assert [violation.path for violation in violations("at", filters, only_prefixes=True)] == [path]


@pytest.mark.parametrize("filters", [redirect(path=PREFIX), rewrite(path=PREFIX)])
def test_a_prefix_can_be_replaced_only_where_one_is_matched(filters: tuple[Filter, ...]) -> None:
    assert list(violations("at", filters, only_prefixes=True)) == []
    (violation,) = violations("at", filters, only_prefixes=False)
    assert "PathPrefix" in violation.message


def test_what_the_specification_allows_is_right() -> None:
    everything = redirect(scheme="https", hostname="a.example", port=8443, statusCode=308, path=FULL)
    assert list(violations("at", everything, only_prefixes=False)) == []
    empty = rewrite(hostname="a.example", path={"type": "ReplacePrefixMatch", "replacePrefixMatch": ""})
    assert list(violations("at", empty, only_prefixes=True)) == []


def test_the_filters_of_a_backend_are_read_too() -> None:
    ref = BackendRef(name="api", port=80, weight=1_000_001, filters=rewrite(hostname=""))
    found = [violation.path for violation in backend_violations("refs", (ref,), only_prefixes=True)]
    assert found == ["refs[0].weight", "refs[0].filters[0].urlRewrite.hostname"]
