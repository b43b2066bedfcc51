"""Bytes in both directions after an upgrade (WebSocket). Each direction ends by itself, the connections after both."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from proxy.worker.upstream import Upstream

if TYPE_CHECKING:
    from proxy.worker.downstream import Downstream


class Tunnel:
    """Two connections that are one from here on.

    Args:
        over: called once, when neither side sends any more.
    """

    __slots__ = ("_client", "_ends", "_over", "_upstream")

    def __init__(self, client: Downstream, upstream: Upstream, over: Callable[[], None]) -> None:
        self._client = client
        self._upstream = upstream
        self._over = over
        self._ends = 0

    def to_client(self, data: bytes) -> None:
        """Bytes of the server; empty: it sends no more."""
        self._client.touch()
        if data:
            self._client.write(data)
        else:
            self._client.end_writing()
            self._end()

    def to_server(self, data: bytes) -> None:
        """Bytes of the client; empty: it sends no more."""
        if data:
            self._upstream.write(data)
        else:
            self._upstream.end_writing()
            self._end()

    def _end(self) -> None:
        self._ends += 1
        if self._ends == 2:
            self._over()
