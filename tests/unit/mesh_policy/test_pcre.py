from __future__ import annotations

import pytest

from mesh_policy import pcre, regex

# fmt: off
SAME = [
    "/a", "/items/[0-9]+", "a*b*", "(a|b)+", "(ab){2}", r"/\d+/x", "[(*]+", r"\(a+\)+", "(?i)x", "(?i:x)y", "(?P<n>a)",
    r"\\v", r"[\w-]+", "[a-z-]", "[[:alpha:]_-]", "x{2,}", "{a}", "a{,b}", "é+", r"\x41", "({a*})b", r"\.\*", "",
]
NESTED = ["(a*)*", "(a+)+b", "((a+)b)*", "(a|b*){2,}", "(?:x+y)+", "(a{2,})*", "({a*})*"]
DIFFERENT = [
    r"\pL", r"\v", r"\s", r"\S", r"(?U)a*", r"\x{100}", r"\C", r"\K", "[[.a.]]", "[[=a=]]", r"\Qa\E", r"(a)\10",
    "(?<n>a)", "a{,3}", "a{ 1, 3 }", "$+", r"\b*", "^{2}", "a(?i)b", "(?s)?", "(?i)é", r"(?i)\xe9", r"(?i)[\351]",
    "[:alpha:]", r"[\w-z]", "[[:alpha:]-z]", "[+-[:alpha:]]",
]
# fmt: on


@pytest.mark.parametrize("text", SAME)
def test_plain_expressions_are_given_to_haproxy(text: str) -> None:
    assert regex.refusal(text) is None
    assert pcre.refusal(text) is None


@pytest.mark.parametrize("text", NESTED)
def test_a_repeated_group_with_an_unbounded_repetition_is_refused(text: str) -> None:
    assert "unbounded" in (pcre.refusal(text) or "")


@pytest.mark.parametrize("text", DIFFERENT)
def test_what_the_two_engines_read_differently_is_refused(text: str) -> None:
    assert "differently" in (pcre.refusal(text) or "")
