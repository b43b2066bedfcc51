"""The limits of one request: of the whole, of each attempt, of silence. Without limits they cost nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mesh_policy import timeouts
from mesh_policy.snapshot import Timeouts

GRACE_SECONDS = 0.1
"""How long the word of HAProxy may take that an attempt has been silent up to its limit."""
ENOUGH = 0.5
"""Share of the whole request's limit that an attempt must have had for its silence to be the endpoint's fault: what is
left after other attempts, or after an addon that held the request, may be too little for anybody."""


class Timers:
    """Calls `late` with the reason of a limit that passes. After that of an attempt the others go on."""

    __slots__ = ("_attempt", "_idle", "_late", "_limits", "_request", "put_off")

    def __init__(self, late: Callable[[str], None]) -> None:
        self._late = late
        self._limits: Timeouts | None = None
        self._request: asyncio.TimerHandle | None = None
        self._attempt: asyncio.TimerHandle | None = None
        self._idle: asyncio.TimerHandle | None = None
        self.put_off: str | None = None
        """The limit that has passed during this attempt, and been put off."""

    def request(self, limits: Timeouts | None) -> None:
        """The request has begun. Only the first call counts."""
        if limits is None or self._limits is not None:
            return
        self._limits = limits
        if limits.request_seconds is not None:
            self._request = self._start(limits.request_seconds, timeouts.REQUEST)

    def attempt(self) -> None:
        """An attempt begins: its limit begins anew."""
        if self._limits is None:
            return
        self.stop_attempt()
        self.put_off = None
        if self._limits.backend_seconds is not None:
            self._attempt = self._start(self._limits.backend_seconds, timeouts.BACKEND)

    def grace(self, reason: str) -> bool:
        """This limit, of the attempt or of the request, has passed: let it pass once more, a little later. False: one
        has been put off already."""
        if self.put_off is not None:
            return False
        self.put_off = reason
        timer = self._start(GRACE_SECONDS, reason)
        if reason == timeouts.BACKEND:
            self._attempt = timer
        else:
            self._request = timer
        return True

    def stop_attempt(self) -> None:
        """The attempt is over, the request is not."""
        if self._attempt is not None:
            self._attempt.cancel()
            self._attempt = None

    @property
    def watches_silence(self) -> bool:
        return self._limits is not None and self._limits.idle_seconds is not None

    def silence(self, touched: Callable[[], float]) -> None:
        """The request has been sent: from here on silence has a limit.

        Args:
            touched: when a byte moved last, as the loop counts time.
        """
        if self._idle is None and self._limits is not None and self._limits.idle_seconds is not None:
            self._look(touched, self._limits.idle_seconds)

    def _look(self, touched: Callable[[], float], most: float) -> None:
        loop = asyncio.get_running_loop()
        until = touched() + most
        if until <= loop.time():
            self._pass(timeouts.IDLE)
        else:
            self._idle = loop.call_at(until, self._look, touched, most)

    def left(self) -> float | None:
        """Seconds that are left of the attempt, or of the request if that is less. None: no limit."""
        if self._limits is None:
            return None
        ends = [timer.when() for timer in (self._request, self._attempt) if timer is not None]
        return min(ends) - asyncio.get_running_loop().time() if ends else None

    def of_endpoint(self) -> tuple[str, float] | None:
        """The limit that ends this attempt, and the seconds until it passes. None: there is none, or it says nothing of
        the endpoint: one has passed already, or too little is left of the whole request."""
        limits, attempt, request = self._limits, self._attempt, self._request
        if limits is None or self.put_off is not None:
            return None
        now = asyncio.get_running_loop().time()
        if attempt is not None and (request is None or attempt.when() < request.when()):
            return timeouts.BACKEND, attempt.when() - now
        if request is None or limits.request_seconds is None or request.when() - now < ENOUGH * limits.request_seconds:
            return None
        return timeouts.REQUEST, request.when() - now

    def request_left(self) -> float | None:
        """Seconds that are left of the whole. None: no limit."""
        return None if self._request is None else self._request.when() - asyncio.get_running_loop().time()

    def _start(self, seconds: float, reason: str) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, self._pass, reason)

    def _pass(self, reason: str) -> None:
        if reason == timeouts.BACKEND:
            self._attempt = None
        else:
            self.stop()
        self._late(reason)

    def upgraded(self) -> None:
        """What follows are bytes: only silence has a limit."""
        self.stop_attempt()
        if self._request is not None:
            self._request.cancel()
            self._request = None

    def stop(self) -> None:
        """No limit passes any more."""
        if self._limits is None:
            return
        self.upgraded()
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
