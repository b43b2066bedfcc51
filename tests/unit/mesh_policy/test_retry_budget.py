from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_policy import retry_budget
from mesh_policy.retry_budget import Window
from mesh_policy.snapshot import RetryBudget

QUARTER = RetryBudget(percent=25, min_per_second=0, interval_seconds=10)


def taken(window: Window, now: float, most: int = 10_000) -> int:
    """Retries that are allowed one after another."""
    for count in range(most):
        if not window.take(now):
            return count
    return most


def test_a_quarter_of_the_requests() -> None:
    window = Window(QUARTER)
    for _ in range(100):
        window.original(0.0)
    assert window.left(0.0) == 25
    assert taken(window, 0.0) == 25
    assert window.left(0.0) == 0


def test_the_floor_is_there_without_any_request() -> None:
    assert taken(Window(RetryBudget(percent=0, min_per_second=2.0, interval_seconds=10)), 5.0) == 20
    assert taken(Window(RetryBudget(percent=0, min_per_second=0, interval_seconds=10)), 5.0) == 0


def test_the_window_slides() -> None:
    window = Window(QUARTER)
    for second in range(10):
        for _ in range(10):
            window.original(float(second))
    assert taken(window, 9.0) == 25
    assert taken(window, 14.9) == 0, "requests of before left, retries did not"
    for _ in range(40):
        window.original(100.0)
    assert taken(window, 100.0) == 10


def test_a_steady_stream_gets_its_share() -> None:
    """1,000 requests of a backend that always fails, 100 a second."""
    window = Window(RetryBudget())
    granted = 0
    for number in range(1000):
        window.original(number / 100)
        granted += window.take(number / 100)
    assert granted == 100 + 250, "the floor of ten seconds, and a quarter"


def test_a_clock_that_goes_back_adds_nothing() -> None:
    window = Window(QUARTER)
    for _ in range(100):
        window.original(50.0)
    assert taken(window, 50.0) == 25
    assert [taken(window, now) for now in (40.0, 0.0, -1000.0, 50.0)] == [0, 0, 0, 0]


def test_another_percentage_keeps_the_counts() -> None:
    window = Window(QUARTER)
    for _ in range(100):
        window.original(1.0)
    assert taken(window, 1.0) == 25
    changed = window.with_budget(RetryBudget(percent=50, min_per_second=0, interval_seconds=10), 1.0)
    assert taken(changed, 1.0) == 25


def test_another_interval_forgets_no_retry() -> None:
    window = Window(QUARTER)
    for _ in range(100):
        window.original(1.0)
    assert taken(window, 1.0) == 25
    changed = window.with_budget(RetryBudget(percent=25, min_per_second=1, interval_seconds=60), 1.0)
    assert taken(changed, 1.0) == 60 - 25


_STEP = 0.125  # a multiple of every slot's width below, or the width of one: no rounding


@given(
    percent=st.sampled_from([0.0, 12.5, 25.0, 100.0]),
    floor=st.sampled_from([0.0, 0.5, 2.0]),
    interval=st.sampled_from([2.5, 5.0, 10.0]),
    events=st.lists(st.tuples(st.booleans(), st.integers(-3, 60)), max_size=200),
)
def test_never_exceeded_in_any_order_of_events(
    percent: float, floor: float, interval: float, events: list[tuple[bool, int]]
) -> None:
    """Against every event remembered with its time: at each retry those of the last interval are within the budget."""
    window = Window(RetryBudget(percent=percent, min_per_second=floor, interval_seconds=interval))
    now, newest = 100.0, 100.0
    originals: list[float] = []
    retries: list[float] = []
    for is_original, steps in events:
        now += steps * _STEP
        newest = max(newest, now)  # a clock that goes back stands still
        assert window.left(now) >= 0
        if is_original:
            window.original(now)
            originals.append(newest)
        elif window.take(now):
            retries.append(newest)
            recent = sum(newest - interval < one <= newest for one in originals)
            allowed = recent * percent / 100 + floor * interval
            assert sum(newest - interval < one <= newest for one in retries) <= allowed


@given(st.lists(st.integers(0, 30), max_size=300))
def test_never_more_than_a_share_of_everything(pauses: list[int]) -> None:
    """Without a floor no history gets more retries than its share of all original requests."""
    window = Window(QUARTER)
    now, granted = 0.0, 0
    for count, pause in enumerate(pauses, 1):
        now += pause * _STEP
        window.original(now)
        granted += taken(window, now)
        assert granted <= count * 0.25


def test_what_cannot_be_is_named() -> None:
    bad = RetryBudget(percent=101, min_per_second=-1, interval_seconds=0.5, over_status=200)
    paths = [violation.path for violation in retry_budget.check(bad, "b")]
    assert paths == ["b.percent", "b.minPerSecond", "b.intervalSeconds", "b.overStatus"]
    assert retry_budget.check(RetryBudget(over_status=503), "b") == []


@pytest.mark.parametrize("budget", [RetryBudget(interval_seconds=1), RetryBudget(interval_seconds=3600)])
def test_memory_is_bounded(budget: RetryBudget) -> None:
    window = Window(budget)
    for second in range(0, 100_000, 7):
        window.original(float(second))
    assert len(window._originals) == len(window._retries) == 21
