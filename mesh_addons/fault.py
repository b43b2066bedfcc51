"""Faults that are put in on purpose. A delay holds this request only; an abort answers in the backend's place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from mitmproxy.http import HTTPFlow

from mesh_addons.answer import refuse
from mesh_addons.flow_view import decided, fields_of, mesh_flow
from mesh_policy import fault


class Fault:
    """Delays and aborts a share of the attempts, so that retries meet faults as they would meet a bad backend.

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
        if mesh.rule is None or not (faults := mesh.rule.rule.faults):
            return None
        outcome = fault.decide(faults, fields_of(flow), [self._chance() for _ in faults])
        mesh.faults += tuple(name for name in outcome.names if name not in mesh.faults)
        if outcome.delay_seconds > 0:
            return self._delay(flow, outcome)
        self._abort(flow, outcome)
        return None

    async def _delay(self, flow: HTTPFlow, outcome: fault.Outcome) -> None:
        await self._sleep(outcome.delay_seconds)
        self._abort(flow, outcome)

    def _abort(self, flow: HTTPFlow, outcome: fault.Outcome) -> None:
        if outcome.abort_status is not None:
            refuse(flow, outcome.abort_status, "fault")
