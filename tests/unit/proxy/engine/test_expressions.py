"""Which regular expressions HAProxy is given."""

from __future__ import annotations

import pytest

from mesh_policy.errors import InvalidConfig
from proxy.engine.haproxy.expressions import whole


@pytest.mark.parametrize(
    "text", ["/a", "/items/[0-9]+", "a*b*", "(a|b)+", "(ab){2}", r"/\d+/x", "[(*]+", r"\(a+\)+", "(?i)x"]
)
def test_plain_expressions_match_whole_values(text: str) -> None:
    assert whole(text) == f"^(?:{text})$"


@pytest.mark.parametrize("text", ["(a*)*", "(a+)+b", "((a+)b)*", "(a|b*){2,}", "(?:x+y)+", "(a{2,})*"])
def test_a_repeated_group_with_an_unbounded_repetition_is_refused(text: str) -> None:
    with pytest.raises(InvalidConfig, match="unbounded"):
        whole(text)


@pytest.mark.parametrize("text", [r"\pL", r"\v", r"(?U)a*", r"\x{100}", r"\C", r"\K", "[[.a.]]"])
def test_what_the_two_engines_read_differently_is_refused(text: str) -> None:
    with pytest.raises(InvalidConfig, match="differently"):
        whole(text)
