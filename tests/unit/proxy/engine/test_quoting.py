"""Strings from outside: whatever they hold, they stay one word, one key, one name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_policy.errors import InvalidConfig
from proxy.engine.haproxy.quoting import header_name, map_line, map_lines, quote, section, word

printable = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60)


def unquote(text: str) -> str:
    """What HAProxy reads: strong quotes, and a backslash outside of them (configuration manual, section 2.2)."""
    found, inside, i = "", False, 0
    while i < len(text):
        if text[i] == "'":
            inside = not inside
        elif text[i] == "\\" and not inside:
            i += 1
            found += text[i]
        else:
            assert inside, f"{text[i]!r} stands outside of the quotes"
            found += text[i]
        i += 1
    assert not inside
    return found


@given(printable)
def test_a_quoted_word_reads_as_it_was(text: str) -> None:
    assert unquote(quote(text)) == text


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\0b", "\x1b", "x" * 4097, "\ud800"])
def test_what_cannot_be_quoted_is_refused(text: str) -> None:
    with pytest.raises(InvalidConfig):
        quote(text)


@given(printable, printable)
def test_names_of_sections_never_collide(one: str, other: str) -> None:
    assert (section(one) == section(other)) == (one == other)
    assert re.fullmatch(r"[A-Za-z0-9_.:-]*", section(one))


def test_a_backend_s_name_stays_readable() -> None:
    assert section("shop/api/8080") == "shop:api:8080"
    assert section("shop/v1@subset/8080") == "shop:v1_40subset:8080"


@given(printable.filter(bool), printable.filter(bool))
def test_an_entry_of_a_map_is_one_line_that_splits_at_its_first_blank(key: str, value: str) -> None:
    try:
        line = map_line(key, value)
    except InvalidConfig:
        assert " " in key or key.startswith("#") or value != value.strip()
        return
    assert line.split(" ", 1) == [key, value]


@pytest.mark.parametrize(
    ("key", "value"), [("", "v"), ("#k", "v"), ("a b", "v"), ("k", ""), ("k", " v"), ("k", "v\nk2 v2")]
)
def test_what_is_no_entry_is_refused(key: str, value: str) -> None:
    with pytest.raises(InvalidConfig):
        map_lines({key: value})


@pytest.mark.parametrize("text", ["", "a b", "a'b", "a\nb", "a;b", 'a"b', "a\\b", "a%b"])
def test_a_plain_word_needs_no_quotes(text: str) -> None:
    with pytest.raises(InvalidConfig):
        word(text)
    assert word("10.0.0.1:80") == "10.0.0.1:80"


@pytest.mark.parametrize("name", ["", "X", "a b", "a)", "a,1", "a'", "-a", "a\n", "x" * 129])
def test_what_is_no_header_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidConfig):
        header_name(name)
    assert header_name("x-user.id_2") == "x-user.id_2"
