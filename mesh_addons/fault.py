"""Faults that are put in on purpose. A delay holds this request only; an abort answers in the backend's place; a
bandwidth is kept by the worker, which reads the answer no faster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from mitmproxy.http import HTTPFlow

from mesh_addons.answer import refuse, refuse_call
from mesh_addons.flow_view import decided, fields_of, mesh_flow
from mesh_policy import fault, grpc, snapshot


class Fault:
    """Delays, aborts or slows a share of the attempts, so that retries meet faults as they would meet a bad backend.

    Args:
        chance: a random number in [0, 1).
        sleep: waits that many seconds.
    """

    name = "mesh_fault"

    def __init__(self, chance: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._chance = chance
        self._sleep = sleep

    def attempt(self, flow: HTTPFlow) -> Awaitable[None] | None:
        if decided(flow):
            return None
        mesh = mesh_flow(flow)
        if mesh.rule is None or not (faults := mesh.rule.faults):
            return None
        outcome = fault.decide(faults, fields_of(flow), [self._chance() for _ in faults])
        mesh.faults += tuple(name for name in outcome.names if name not in mesh.faults)
        mesh.bytes_per_second = None if outcome.bandwidth is None else outcome.bandwidth.bytes_per_second
        if outcome.delay is not None:
            return self._delay(flow, outcome.delay, outcome.abort)
        if outcome.abort is not None:
            _abort(flow, outcome.abort)
        return None

    async def _delay(self, flow: HTTPFlow, delay: snapshot.Fault, abort: snapshot.Fault | None) -> None:
        seconds = delay.delay_seconds
        if seconds is None:
            seconds = fault.drawn_seconds(delay, self._chance(), self._chance())
        await self._sleep(seconds)
        if abort is not None:
            _abort(flow, abort)


def _abort(flow: HTTPFlow, abort: snapshot.Fault) -> None:
    if abort.abort_grpc_status is None:
        refuse(flow, abort.abort_status or 0, "fault")
    elif mesh_flow(flow).call:
        refuse_call(flow, abort.abort_grpc_status, "fault")
    else:
        refuse(flow, grpc.http_status(abort.abort_grpc_status), "fault")
