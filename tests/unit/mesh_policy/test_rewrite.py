"""Rewritten paths and hosts, by the table of the specification (HTTPPathModifier.replacePrefixMatch)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_policy.match import matched_prefix
from mesh_policy.rewrite import changed_host, changed_path, changed_target, check
from mesh_policy.snapshot import PathChange, PathMatch, Rewrite
from tests.support.gateway.paths import PREFIX_MATCH


@pytest.mark.parametrize(("target", "match", "replacement", "expected"), PREFIX_MATCH)
def test_the_table_of_the_specification(target: str, match: str, replacement: str, expected: str) -> None:
    prefix = matched_prefix(PathMatch(value=match))
    assert changed_target(PathChange(prefix=replacement), target.encode(), prefix) == expected.encode()


def test_a_full_path_replaces_everything_but_the_query() -> None:
    assert changed_target(PathChange(full="/one"), b"/a/b?c=/d", b"/a") == b"/one?c=/d"
    assert changed_target(PathChange(prefix="/one"), b"/a/b?c=/a", b"/a") == b"/one/b?c=/a"
    assert changed_target(PathChange(full="/one"), b"/a", None) == b"/one"


@pytest.mark.parametrize(("path", "prefix"), [(b"/a/b", None), (b"*", b"")])
def test_what_has_no_prefix_stays(path: bytes, prefix: bytes | None) -> None:
    assert changed_path(PathChange(prefix="/x"), path, prefix) == path


def test_no_change() -> None:
    assert changed_path(None, b"/a", b"/a") == b"/a"
    assert matched_prefix(PathMatch(type="Exact", value="/a")) is None


segments = st.lists(st.text("abc", min_size=1, max_size=3), max_size=3)


@given(segments, segments, segments)
def test_a_replaced_prefix_is_absolute_and_never_doubles_a_slash(
    before: list[str], rest: list[str], replacement: list[str]
) -> None:
    prefix = "".join(f"/{one}" for one in before)
    path = (prefix + "".join(f"/{one}" for one in rest)) or "/"
    change = PathChange(prefix="/" + "/".join(replacement))
    after = changed_path(change, path.encode(), prefix.encode())
    assert after.startswith(b"/")
    assert b"//" not in after
    assert [part for part in after.decode().split("/") if part] == replacement + rest


def test_the_host_stays_at_its_place() -> None:
    fields = ((b"a", b"1"), (b"Host", b"api:80"), (b"b", b"2"))
    assert changed_host("other.example", fields) == ((b"a", b"1"), (b"Host", b"other.example"), (b"b", b"2"))


@pytest.mark.parametrize(
    ("rewrite", "path"),
    [
        (Rewrite(path=PathChange()), "at.path"),
        (Rewrite(path=PathChange(full="/a", prefix="/b")), "at.path"),
        (Rewrite(path=PathChange(full="a")), "at.path"),
        (Rewrite(path=PathChange(full="/a/../b")), "at.path"),
        (Rewrite(path=PathChange(prefix="/a?b=c")), "at.path"),
        (Rewrite(hostname="a b"), "at.hostname"),
        (Rewrite(hostname=""), "at.hostname"),
        (Rewrite(hostname="a\r\nb"), "at.hostname"),
    ],
)
def test_what_cannot_be_sent_is_refused(rewrite: Rewrite, path: str) -> None:
    assert [violation.path for violation in check(rewrite, "at")] == [path]


def test_ordinary_rewrites_are_accepted() -> None:
    assert check(None, "at") == []
    assert check(Rewrite(hostname="a.example", path=PathChange(prefix="")), "at") == []
