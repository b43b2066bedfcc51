"""The limits of one request, of the whole and of what goes to a backend. Without limits they cost nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mesh_policy import timeouts
from mesh_policy.snapshot import Timeouts


class Timers:
    """Calls `late` with the reason of the first limit that passes, once."""

    __slots__ = ("_backend", "_late", "_request")

    def __init__(self, late: Callable[[str], None]) -> None:
        self._late = late
        self._request: asyncio.TimerHandle | None = None
        self._backend: asyncio.TimerHandle | None = None

    def request(self, limits: Timeouts | None) -> None:
        """The request has begun."""
        if limits is not None and limits.request_seconds is not None:
            self._request = self._start(limits.request_seconds, timeouts.REQUEST)

    def backend(self, limits: Timeouts | None) -> None:
        """The request has been sent to a backend, maybe again: its limit begins anew."""
        if limits is not None and limits.backend_seconds is not None:
            if self._backend is not None:
                self._backend.cancel()
            self._backend = self._start(limits.backend_seconds, timeouts.BACKEND)

    def _start(self, seconds: float, reason: str) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self._pass, reason)

    def _pass(self, reason: str) -> None:
        self.stop()
        self._late(reason)

    def stop(self) -> None:
        """No limit passes any more."""
        for timer in (self._request, self._backend):
            if timer is not None:
                timer.cancel()
        self._request = self._backend = None
