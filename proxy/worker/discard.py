"""The rest of an answer that another attempt replaces: read to its end if that is near, so that the connection can be
used again and a backend in trouble need not make a new one."""

from __future__ import annotations

import asyncio

from mitmproxy.http import Response

from mesh_policy.request import Fields
from proxy.worker.head import ResponseHead
from proxy.worker.settings import Limits
from proxy.worker.upstream import Upstream


class Discard:
    """Takes an answer and throws it away, within limits of size and time (a Borrower)."""

    __slots__ = ("_left", "_timer", "_upstream")

    def __init__(self, upstream: Upstream, limits: Limits) -> None:
        self._upstream = upstream
        self._left = limits.discarded_bytes
        self._timer = asyncio.get_running_loop().call_later(limits.discard_seconds, self._give_up)

    def on_informational(self, response: Response) -> None:
        pass

    def on_head(self, head: ResponseHead) -> None:
        pass  # it has come already

    def on_upgrade(self, head: ResponseHead) -> None:
        self._give_up()

    def on_content(self, content: bytes, end: bool, trailers: Fields) -> None:
        self._left -= len(content)
        if end:
            self._timer.cancel()
        elif self._left < 0:
            self._give_up()

    def on_pause(self) -> None:
        pass

    def on_tunnel(self, data: bytes) -> None:
        self._give_up()

    def on_lost(self, reason: str, *, untouched: bool) -> None:
        self._timer.cancel()

    def on_writable(self, writable: bool) -> None:
        pass  # the whole request has been written

    def _give_up(self) -> None:
        self._timer.cancel()
        if self._upstream.borrower is self:
            self._upstream.abandon()
