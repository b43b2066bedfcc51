"""What both kinds of connection share: reading stops while anyone asks for it, and a deadline."""

from __future__ import annotations

import asyncio
import math
from typing import cast


class Pause:
    """Who wants a connection not to be read: bits. Plain numbers, since an IntFlag costs a microsecond per use."""

    MORE = 1
    """The exchange waits for an addon or a connection: bytes that come meanwhile must wait as well."""
    PEER = 2
    """The other side takes bytes more slowly than they come."""
    NEXT = 4
    """A pipelined request waits for the current one."""
    PACE = 8
    """A fault lets the answer come no faster."""


class Link(asyncio.Protocol):
    """One connection."""

    __slots__ = ("_pauses", "closed", "deadline", "held", "transport")

    def __init__(self) -> None:
        self.transport: asyncio.Transport = cast(asyncio.Transport, None)
        self.deadline = math.inf
        """Loop time at which the connection is given up."""
        self.closed = False
        self.held = False
        """What has been read is not looked at yet."""
        self._pauses = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def pause(self, why: int) -> None:
        """Do not read until `resume` with the same reason."""
        if not self._pauses and not self.closed:
            self.transport.pause_reading()
        self._pauses |= why

    def resume(self, why: int) -> None:
        if not self._pauses & why:
            return
        self._pauses &= ~why
        if not self._pauses and not self.closed:
            self.transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Send, or forget when the connection is gone."""
        if data and not self.closed:
            self.transport.write(data)

    def stop_reading(self, why: int, stop: bool) -> None:
        """Pause or resume."""
        if stop:
            self.pause(why)
        else:
            self.resume(why)

    def end_writing(self) -> None:
        """Nothing more will be written; reading goes on."""
        if not self.closed and self.transport.can_write_eof():
            self.transport.write_eof()

    def close(self) -> None:
        """End after everything written has been sent."""
        if not self.closed:
            self.closed = True
            self.transport.close()

    def abort(self) -> None:
        """End now; what has not been sent is lost."""
        if not self.closed:
            self.closed = True
            self.transport.abort()
