from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_policy.filters import check, compile_change
from mesh_policy.snapshot import HeaderModifier

FIELDS = ((b"Host", b"api"), (b"X-A", b"1"), (b"x-b", b"2"), (b"x-a", b"3"))


def changed(modifier: HeaderModifier) -> tuple[tuple[bytes, bytes], ...]:
    change = compile_change(modifier)
    return FIELDS if change is None else change(FIELDS)


@pytest.mark.parametrize(
    ("modifier", "expected"),
    [
        (HeaderModifier(), FIELDS),
        (HeaderModifier(set=(("X-A", "9"),)), ((b"Host", b"api"), (b"x-b", b"2"), (b"x-a", b"9"))),
        (HeaderModifier(add=(("x-b", "9"),)), (*FIELDS, (b"x-b", b"9"))),
        (HeaderModifier(remove=("X-a",)), ((b"Host", b"api"), (b"x-b", b"2"))),
        (HeaderModifier(set=(("x-c", "1"),), add=(("x-c", "2"),)), (*FIELDS, (b"x-c", b"1"), (b"x-c", b"2"))),
        (HeaderModifier(add=(("x-a", "4"),), remove=("x-a",)), ((b"Host", b"api"), (b"x-b", b"2"))),
        (
            HeaderModifier(set=(("x-b", "é"),)),
            ((b"Host", b"api"), (b"X-A", b"1"), (b"x-a", b"3"), (b"x-b", "é".encode())),
        ),
    ],
)
def test_set_then_add_then_remove_whatever_the_case(
    modifier: HeaderModifier, expected: tuple[tuple[bytes, bytes], ...]
) -> None:
    assert changed(modifier) == expected


@given(st.sampled_from(["x-a", "X-B", "x-new"]), st.text("abc", max_size=3))
def test_after_set_there_is_exactly_one_value(name: str, value: str) -> None:
    after = [v for n, v in changed(HeaderModifier(set=((name, value),))) if n.lower() == name.lower().encode()]
    assert after == [value.encode()]


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a:b",
        "a\r\nb",
        "é",
        "connection",
        "Content-Length",
        "transfer-encoding",
        "Upgrade",
        "X-Mesh-Internal-Backend",
    ],
)
@pytest.mark.parametrize("part", ["set", "add", "remove"])
def test_names_of_the_connection_and_of_the_mesh_are_refused(name: str, part: str) -> None:
    modifier = HeaderModifier(**{part: (name,) if part == "remove" else ((name, "1"),)})  # type: ignore[arg-type]
    assert [violation.path for violation in check(modifier, "at")] == [f"at.{part}"]


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\x00b", "a\x7fb"])
def test_values_with_control_bytes_are_refused(value: str) -> None:
    assert check(HeaderModifier(set=(("a", value),), add=(("b", value),)), "at")


def test_ordinary_changes_are_accepted() -> None:
    assert check(HeaderModifier(set=(("host", "a\tb"),), add=(("x-mesh-peer", ""),), remove=("cookie",)), "at") == []
    assert check(None, "at") == []
