"""How far a change has got."""

from __future__ import annotations

import pytest

from control_plane.status.progress import Answer, Progress, lagging, progress

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


def test_who_is_forgiven_counts_unless_it_refuses() -> None:
    answers = {A: (RUNS,), B: (OLD,), C: (REFUSES,)}
    assert progress(frozenset(EXPECTED), EXPECTED, answers, frozenset({B, C})) == Progress(
        3, 2, "shop/c", "outbound: too many"
    )


def test_a_pod_lags_since_it_was_first_seen_to() -> None:
    first = lagging({}, EXPECTED, {A: (RUNS,), B: (OLD,)}, 10.0)
    assert first == {B: 10.0, C: 10.0}
    second = lagging(first, EXPECTED, {A: (OLD,), B: (OLD,), C: (RUNS,)}, 12.0)
    assert second == {A: 12.0, B: 10.0}


def test_older_sidecars_that_leave_something_out_are_counted_apart() -> None:
    answers = {A: (RUNS,), B: (RUNS,), C: (OLD,)}
    older = "shop/b is of an older version and runs it without x, y"
    assert progress(frozenset(EXPECTED), EXPECTED, answers, without={B: "x, y", C: "x"}) == Progress(
        3, 1, "shop/c", "", 1, older
    )
    assert progress(frozenset(EXPECTED), EXPECTED, answers, frozenset({C}), {B: "x, y"}) == Progress(
        3, 2, "", "", 1, older
    )


def test_an_older_sidecar_that_refuses_is_not_said_to_run_it() -> None:
    found = progress(frozenset({A}), EXPECTED, {A: (REFUSES,)}, without={A: "x"})
    assert found == Progress(1, 0, "shop/a", "outbound: too many")
