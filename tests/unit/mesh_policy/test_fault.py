from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_policy import fault
from mesh_policy.fault import NOTHING, Outcome, decide
from mesh_policy.snapshot import Fault, ValueMatch

SLOW = Fault(name="slow", percent=10, delay_seconds=2.0)
BROKEN = Fault(name="broken", percent=5, abort_status=503)
CHAOS = Fault(name="chaos", abort_status=500, headers=(ValueMatch(name="x-chaos", value="on"),))


@pytest.mark.parametrize(
    ("faults", "draws", "outcome"),
    [
        ((), [], NOTHING),
        ((SLOW, BROKEN), [0.5, 0.5], NOTHING),
        ((SLOW, BROKEN), [0.05, 0.5], Outcome(2.0, None, ("slow",))),
        ((SLOW, BROKEN), [0.5, 0.01], Outcome(0.0, 503, ("broken",))),
        ((SLOW, BROKEN), [0.05, 0.01], Outcome(2.0, 503, ("slow", "broken"))),
        ((BROKEN, SLOW), [0.01, 0.05], Outcome(2.0, 503, ("slow", "broken"))),
        ((BROKEN, CHAOS), [0.01, 0.0], Outcome(0.0, 503, ("broken",))),
        ((CHAOS,), [0.999], Outcome(0.0, 500, ("chaos",))),
        ((Fault(name="never", percent=0, abort_status=500),), [0.0], NOTHING),
    ],
)
def test_the_first_delay_and_the_first_abort_that_act(
    faults: tuple[Fault, ...], draws: list[float], outcome: Outcome
) -> None:
    assert decide(faults, ((b"X-Chaos", b"on"),), draws) == outcome


def test_a_fault_meets_only_requests_with_its_headers() -> None:
    assert decide((CHAOS,), ((b"x-chaos", b"off"),), [0.0]) == NOTHING
    assert decide((CHAOS,), (), [0.0]) == NOTHING


@given(st.floats(0, 100), st.integers(1, 400))
def test_evenly_spread_draws_give_the_share(percent: float, count: int) -> None:
    one = (Fault(name="f", percent=percent, abort_status=503),)
    acted = sum(decide(one, (), [i / count]) is not NOTHING for i in range(count))
    assert abs(acted - count * percent / 100) <= 1


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        (Fault(name="f"), "f"),
        (Fault(name="f", delay_seconds=1, abort_status=500), "f"),
        (Fault(name="f", delay_seconds=-1), "f.delaySeconds"),
        (Fault(name="f", delay_seconds=float("nan")), "f.delaySeconds"),
        (Fault(name="f", abort_status=99), "f.abortStatus"),
        (Fault(name="f", abort_status=503, percent=100.1), "f.percent"),
        (Fault(name="f", abort_status=503, percent=float("nan")), "f.percent"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(bad: Fault, path: str) -> None:
    assert [violation.path for violation in fault.check(bad, "f")] == [path]
