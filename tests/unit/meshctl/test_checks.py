"""The runner: order, retries, what a failure stops."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from meshctl.checks import Category, Check, CheckFailed, Clock, Context, Finding, Skipped, Warned, run
from meshctl.errors import MeshctlError
from tests.support.fake_cluster import FakeCluster

CONTEXT = Context(cluster=FakeCluster(), namespace="heddle-system")  # type: ignore[arg-type]


class Time:
    """Moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.at = 0.0

    def sleep(self, seconds: float) -> None:
        self.at += seconds

    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, sleep=self.sleep)


def a_check(answer: Callable[[], Finding], **changes: object) -> Check:
    known = {"name": "c", "description": "it is so", "hint": "do this", "run": lambda _: answer()}
    return Check(**{**known, **changes})  # type: ignore[arg-type]


def raising(error: Exception) -> Callable[[], Finding]:
    def answer() -> Finding:
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "result", "message", "has_hint"),
    [
        (lambda: Finding("fine"), "ok", "fine", False),
        (raising(Warned("hm")), "warning", "hm", True),
        (raising(Skipped("no demo")), "skipped", "no demo", False),
        (raising(CheckFailed("bad", count=3)), "failed", "bad", True),
        (raising(MeshctlError("API away")), "failed", "API away", True),
    ],
)
def test_what_a_check_says_becomes_its_outcome(
    answer: Callable[[], Finding], result: str, message: str, has_hint: bool
) -> None:
    (outcome,) = run([Category("k", "K", (a_check(answer),))], CONTEXT, Time().clock())
    shown = outcome.to_json()
    assert (shown["result"], shown["message"], "hint" in shown) == (result, message, has_hint)


def test_facts_of_a_failure_are_kept() -> None:
    (outcome,) = run([Category("k", "K", (a_check(raising(CheckFailed("bad", count=3))),))], CONTEXT, Time().clock())
    assert outcome.to_json()["facts"] == {"count": 3}


def test_a_check_is_tried_again_until_it_is_content() -> None:
    answers = iter([raising(CheckFailed("not yet")), raising(CheckFailed("not yet")), lambda: Finding("now")])
    time = Time()

    def answer() -> Finding:
        return next(answers)()

    check = a_check(answer, retry_seconds=30)
    (outcome,) = run([Category("k", "K", (check,))], CONTEXT, time.clock())
    assert (outcome.result, outcome.message) == ("ok", "now")
    assert outcome.seconds == time.at == 2.0


def test_retries_end() -> None:
    time = Time()
    (outcome,) = run(
        [Category("k", "K", (a_check(raising(CheckFailed("never")), retry_seconds=10),))], CONTEXT, time.clock()
    )
    assert outcome.result == "failed"
    assert 10 <= time.at <= 11


def test_a_fatal_failure_skips_the_rest_of_its_category_only() -> None:
    first = Category("one", "One", (a_check(raising(CheckFailed("bad")), fatal=True), a_check(Finding)))
    second = Category("two", "Two", (a_check(Finding),))
    results = [(one.category, one.result) for one in run([first, second], CONTEXT, Time().clock())]
    assert results == [("one", "failed"), ("one", "skipped"), ("two", "ok")]


def test_without_what_all_need_nothing_else_is_tried() -> None:
    first = Category("one", "One", (a_check(raising(CheckFailed("bad")), needed_by_all=True), a_check(Finding)))
    second = Category("two", "Two", (a_check(Finding), a_check(Finding)))
    outcomes = list(run([first, second], CONTEXT, Time().clock()))
    results = [(one.category, one.result, one.code) for one in outcomes]
    assert results == [("one", "failed", 69), ("one", "skipped", 0), ("two", "skipped", 0), ("two", "skipped", 0)]
