from __future__ import annotations

import time

import pytest

from mesh_policy import regex


@pytest.mark.parametrize(
    ("expression", "value", "holds"),
    [
        ("/v[0-9]+", b"/v12", True),
        ("/v[0-9]+", b"/v12/x", False),
        ("^/v1$", b"/v1", True),
        ("a|ab", b"ab", True),
        (".*", b"a\nb", False),
        ("é.", "éa".encode(), True),
        (".", "é".encode(), False),
        ("", b"", True),
        ("(?i)abc", b"ABC", True),
    ],
)
def test_an_expression_must_match_the_whole_value(expression: str, value: bytes, holds: bool) -> None:
    assert regex.compile_expression(expression)(value) is holds


@pytest.mark.parametrize("expression", ["(", "(?=a)", r"(a)\1", "a" * 1025, "((a{100}){100}){100}"])
def test_what_re2_cannot_run_in_linear_time_is_refused(expression: str) -> None:
    assert regex.refusal(expression)
    with pytest.raises(ValueError, match=r"RE2|at most"):
        regex.compile_expression(expression)


def test_no_expression_explodes() -> None:
    holds = regex.compile_expression("(a*)*(a*)*b")
    began = time.process_time()
    assert not holds(b"a" * 20_000)
    assert time.process_time() - began < 1


def test_thousands_of_expressions_are_judged_once() -> None:
    """Every snapshot asks it of all of them, far more than are kept compiled."""
    many = [f"judged{i}" for i in range(3000)]
    assert all(regex.refusal(one) is None for one in many)
    before = regex.compile_expression.cache_info().misses
    assert all(regex.refusal(one) is None for one in many)
    assert regex.compile_expression.cache_info().misses == before
