"""How far a change has got."""

from __future__ import annotations

import pytest

from control_plane.status.progress import Answer, Progress, progress

A, B, C = ("shop", "a"), ("shop", "b"), ("shop", "c")
EXPECTED = {A: "v2", B: "v2", C: "v2"}
RUNS, OLD = Answer("v2", True), Answer("v1", True)
REFUSES = Answer("v2", False, "outbound: too many")


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ({}, Progress(3, 0, "shop/a")),
        ({A: (RUNS,), B: (OLD,), C: (RUNS,)}, Progress(3, 2, "shop/b")),
        ({A: (RUNS,), B: (RUNS,), C: (RUNS,)}, Progress(3, 3)),
        ({A: (OLD, RUNS), B: (RUNS,), C: (RUNS,)}, Progress(3, 3)),
        ({A: (RUNS,), B: (OLD,), C: (REFUSES,)}, Progress(3, 1, "shop/c", "outbound: too many")),
    ],
    ids=["none", "one is late", "all", "it moved to another replica", "a refusal is named before a laggard"],
)
def test_progress(answers: dict[tuple[str, str], tuple[Answer, ...]], found: Progress) -> None:
    assert progress(frozenset(EXPECTED), EXPECTED, answers) == found


def test_pods_that_an_object_does_not_reach_do_not_count() -> None:
    assert progress(frozenset({A}), EXPECTED, {A: (RUNS,)}) == Progress(1, 1)
    assert progress(frozenset({("shop", "gone")}), EXPECTED, {}) == Progress(0, 0)
