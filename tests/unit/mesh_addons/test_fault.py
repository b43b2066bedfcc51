from __future__ import annotations

from mesh_addons import fault
from mesh_addons.flow_view import mesh_flow
from mesh_addons.route import Route
from mesh_policy.snapshot import Fault, SourceMatch, Uniform
from tests.support.flows import answer, draws, flow, frontends, rule, settle

SLOW = Fault(name="slow", delay_seconds=2.0)
BROKEN = Fault(name="broken", abort_status=418)


class Sleeper:
    """Remembers how long it should have slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)


def met(*faults: Fault, draw: float = 0.0, routes: bool = True) -> tuple[list[float], int | None, tuple[str, ...]]:
    """Seconds slept, the status it was aborted with, the names for the log."""
    sleeper = Sleeper()
    to = frontends(rule(faults=faults), routes=routes)
    made = flow(to)
    Route().requestheaders(made)
    settle(fault.Fault(draws(draw), sleeper).attempt(made))
    return sleeper.slept, made.response.status_code if made.response else None, mesh_flow(made).faults


def test_faults_act_alone_and_together() -> None:
    assert met() == ([], None, ())
    assert met(SLOW) == ([2.0], None, ("slow",))
    assert met(BROKEN) == ([], 418, ("broken",))
    assert met(BROKEN, SLOW) == ([2.0], 418, ("slow", "broken"))


def test_callers_of_grpc_get_a_status_of_grpc() -> None:
    broken = rule(faults=(Fault(name="broken", abort_grpc_status=14),))
    made = flow(frontends(broken), headers={"content-type": "application/grpc+proto"}, method="POST")
    Route().requestheaders(made)
    settle(fault.Fault(draws(0.0), Sleeper()).attempt(made))
    assert made.response is not None
    assert (made.response.status_code, made.response.headers["grpc-status"]) == (200, "14")
    assert (made.response.headers["content-type"], made.response.raw_content) == ("application/grpc", b"")
    assert made.response.headers["x-mesh-error"] == "fault"


def test_others_get_the_status_of_http_that_says_the_same() -> None:
    assert met(Fault(name="broken", abort_grpc_status=14)) == ([], 503, ("broken",))


def test_delays_are_drawn_anew() -> None:
    even = Fault(name="even", delay_uniform=Uniform(min_seconds=1.0, max_seconds=2.0))
    sleeper = Sleeper()
    addon = fault.Fault(draws(0.0, 0.25, 0.0, 0.0, 0.75, 0.0), sleeper)
    for _ in range(2):
        made = flow(frontends(rule(faults=(even,))))
        Route().requestheaders(made)
        settle(addon.attempt(made))
    assert sleeper.slept == [1.25, 1.75]


def test_a_fault_for_other_callers_does_nothing() -> None:
    theirs = Fault(name="f", abort_status=500, callers=(SourceMatch(namespace="staging"),))
    ours = Fault(name="f", abort_status=500, callers=(SourceMatch(namespace="shop"),))
    assert met(theirs) == ([], None, ())
    assert met(ours) == ([], 500, ("f",))
    assert met(theirs, routes=False) == ([], None, ())


def test_the_draw_decides() -> None:
    assert met(Fault(name="rare", percent=10, abort_status=500), draw=0.1) == ([], None, ())


def test_a_service_without_routes_has_faults_of_its_own() -> None:
    assert met(BROKEN, routes=False) == ([], 418, ("broken",))


def test_every_attempt_draws_again() -> None:
    """The names of the log do not pile up."""
    half = Fault(name="half", percent=50, abort_status=500)
    made = flow(frontends(rule(faults=(half, SLOW))))
    Route().requestheaders(made)
    addon = fault.Fault(draws(0.0, 0.99, 0.9, 0.99, 0.1), Sleeper())
    aborted = []
    for _ in range(3):
        settle(addon.attempt(made))
        aborted.append(made.response is not None)
        made.response = None
    assert aborted == [True, False, True]
    assert mesh_flow(made).faults == ("slow", "half")


def test_a_decided_flow_is_left_alone() -> None:
    sleeper = Sleeper()
    made = answer(flow(frontends(rule(faults=(SLOW,)))))
    assert fault.Fault(draws(0.0), sleeper).attempt(made) is None
    assert sleeper.slept == []
