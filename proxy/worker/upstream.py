"""Connections to HAProxy's return socket: one request after another on each, kept in a pool between them."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Protocol

from mitmproxy.http import Response

from mesh_policy.request import Fields
from proxy.worker.body import UNTIL_CLOSE, Body, BodyError, body_for
from proxy.worker.head import MAX_HEAD_BYTES, HeadError, ResponseHead, parse_response
from proxy.worker.link import Link, Pause

logger = logging.getLogger(__name__)

RESET = "upstream-reset"
"""Reason of a connection that ended before its answer was whole."""

_CONNECT_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds between attempts to connect: HAProxy may be starting again."""
_PIECES_PER_SECOND = 20
"""In how many pieces an answer comes that a fault makes slow."""


class Borrower(Protocol):
    """Who sends a request on an upstream and takes the answer. The calls come in the order of the wire."""

    def on_informational(self, response: Response) -> None:
        """A 1xx answer, not 101."""

    def on_head(self, head: ResponseHead) -> None:
        """The head of the final answer."""

    def on_upgrade(self, head: ResponseHead) -> None:
        """101: from here on bytes come through `on_tunnel`."""

    def on_content(self, content: bytes, end: bool, trailers: Fields) -> None:
        """A piece of the answer's body; `end` exactly once."""

    def on_pause(self) -> None:
        """All that has come of the answer has been given."""

    def on_tunnel(self, data: bytes) -> None:
        """Bytes after an upgrade; empty: the server sends no more."""

    def on_lost(self, reason: str, *, untouched: bool) -> None:
        """The connection ended before the answer was whole. `untouched`: it was a kept one, and no byte of an answer
        came."""

    def on_writable(self, writable: bool) -> None:
        """The return socket takes no more (False), or takes bytes again (True)."""


class Upstream(Link):
    """A connection to the return socket."""

    __slots__ = (
        "_body",
        "_buffer",
        "_method",
        "_paced",
        "_pool",
        "_rate",
        "_reusable",
        "_tunnel",
        "borrower",
        "fresh",
        "generation",
        "idle_since",
        "sent_all",
        "touched",
    )

    def __init__(self, pool: Pool) -> None:
        super().__init__()
        self._pool = pool
        self.borrower: Borrower | None = None
        self.fresh = True
        """It has carried no request before this one."""
        self.touched = False
        """A byte of the answer came."""
        self.sent_all = False
        """The whole request has been written: the borrower says so."""
        self.idle_since = 0.0
        self.generation = pool.generation
        self._buffer = b""
        self._reusable = False
        self._body: Body | None = None
        self._method = b""
        self._tunnel = False
        self._rate: int | None = None
        self._paced = False
        """The next piece of a body may not come yet."""

    def begin(self, borrower: Borrower, method: bytes, bytes_per_second: int | None = None) -> None:
        """Lend this connection for one request. The body of its answer comes no faster than `bytes_per_second`; None:
        as fast as it can."""
        self.borrower, self._method, self._rate = borrower, method, bytes_per_second
        self.touched = self.sent_all = False

    @property
    def answering(self) -> bool:
        """The head of the answer has come, and its body is being read."""
        return self._body is not None

    def data_received(self, data: bytes) -> None:
        if self.borrower is None:
            self.abort()  # bytes that nobody asked for: the next answer could not be told from them
            return
        self.touched = True
        self._buffer = self._buffer + data if self._buffer else data
        if not self.held:
            self._read()

    def eof_received(self) -> bool:
        borrower = self.borrower
        if borrower is None:
            return False
        if self._tunnel:
            borrower.on_tunnel(b"")
            return True
        if self._body is not None and self._body.eof():
            self._read()  # it goes on to the end of the answer
        else:
            self._lose(RESET)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._pool.forget(self)
        if self.borrower is not None:
            self._lose(RESET)

    def pause_writing(self) -> None:
        if self.borrower is not None:
            self.borrower.on_writable(False)

    def resume_writing(self) -> None:
        if self.borrower is not None:
            self.borrower.on_writable(True)

    def hold(self) -> None:
        """The borrower waits. Nothing is read, not even the end: what came before it must be read first."""
        self.held = True
        self.pause(Pause.MORE)

    def release_hold(self) -> None:
        """The borrower waits no longer: go on with what has come meanwhile."""
        self.held = False
        self.resume(Pause.MORE)
        if not self.held:
            self._read()

    def abandon(self) -> None:
        """The borrower wants no more of this answer."""
        self.borrower = None
        self.abort()

    def _read(self) -> None:
        borrower = self.borrower
        try:
            while self.borrower is not None and not self.held and not self._paced and not self.closed:
                if not self._step(self.borrower):
                    break
            if self.borrower is not None:
                self.borrower.on_pause()
        except (HeadError, BodyError) as error:
            self._lose(error.reason if isinstance(error, HeadError) else "bad-response-body")
        except Exception as error:
            logger.error("answer given up: %s at %s", type(error).__name__, place(error))
            self.borrower = None
            self.abort()
            if borrower is not None:  # also when it had already got its last piece: it must end
                borrower.on_lost("worker-failure", untouched=False)

    def _step(self, borrower: Borrower) -> bool:
        """Read one head or one piece of a body. False: more bytes are needed."""
        if self._body is not None and self._body.done:
            self._finish(b"")
            return True
        data, self._buffer = self._buffer, b""
        if not data:
            return False
        if self._tunnel:
            borrower.on_tunnel(data)
        elif self._body is None:
            return self._step_head(borrower, data)
        else:
            if self._rate is not None:
                most = max(1, self._rate // _PIECES_PER_SECOND)
                data, self._buffer = data[:most], data[most:]
            content = self._body.feed(data)
            if self._body.done:
                self._buffer = self._body.rest + self._buffer
                self._finish(content)
            elif content:
                if self._rate is not None:
                    self._pace(len(content) / self._rate)
                borrower.on_content(content, False, ())
        return True

    def _pace(self, seconds: float) -> None:
        """Neither read nor pass anything on for a while. What waits meanwhile is one read of the socket, not more."""
        self._paced = True
        self.pause(Pause.PACE)
        asyncio.get_running_loop().call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._paced = False
        self.resume(Pause.PACE)
        if not self.held:
            self._read()

    def _step_head(self, borrower: Borrower, data: bytes) -> bool:
        end = data.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES + 4)
        if end < 0:
            if len(data) > MAX_HEAD_BYTES:
                raise HeadError(502, "response-head-too-large")
            self._buffer = data
            return False
        head = parse_response(data[:end], self._method)
        self._buffer = data[end + 4 :]
        status = head.response.data.status_code
        if status == 101:
            self._tunnel = True
            borrower.on_upgrade(head)
        elif status < 200:
            borrower.on_informational(head.response)
        else:
            self._body, self._reusable = body_for(head.framing), head.keep_alive and head.framing != UNTIL_CLOSE
            borrower.on_head(head)
        return True

    def _finish(self, content: bytes) -> None:
        borrower, body = self.borrower, self._body
        self.borrower = self._body = None
        if self._reusable and self.sent_all and not self._buffer and not self.closed:
            self.resume(Pause.PEER)
            self.fresh = False
            self._pool.give_back(self)
        else:
            self.abort()
        if borrower is not None and body is not None:
            borrower.on_content(content, True, body.trailers)

    def _lose(self, reason: str) -> None:
        borrower, self.borrower = self.borrower, None
        self.abort()
        if borrower is not None:
            borrower.on_lost(reason, untouched=not self.fresh and not self.touched)


class Pool:
    """Kept connections, the one used last first."""

    def __init__(self, path: Path, *, most_idle: int, idle_seconds: float, connect_seconds: float) -> None:
        self._path = str(path)
        self._most_idle = most_idle
        self._idle_seconds = idle_seconds
        self._connect_seconds = connect_seconds
        self._idle: list[Upstream] = []
        self.generation = 0
        """Raised by `close`: connections of an older one are not kept any more."""

    def take(self) -> Upstream | None:
        """A kept connection, or None: `connect` makes one."""
        while self._idle:
            upstream = self._idle.pop()
            if not upstream.closed and not upstream.transport.is_closing():
                return upstream
        return None

    async def connect(self) -> Upstream:
        """A new connection.

        Raises:
            OSError: nobody listens, also not after a few more attempts (TimeoutError is one).
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._connect_seconds):
            for pause in (*_CONNECT_PAUSES, None):
                try:
                    _, upstream = await loop.create_unix_connection(lambda: Upstream(self), self._path)
                except OSError:
                    if pause is None:
                        raise
                    await asyncio.sleep(pause)
                else:
                    return upstream
        raise AssertionError  # the last attempt returned or raised

    def give_back(self, upstream: Upstream) -> None:
        """Keep a connection whose answer is complete."""
        if len(self._idle) >= self._most_idle or upstream.generation != self.generation:
            upstream.close()
            return
        upstream.idle_since = asyncio.get_running_loop().time()
        self._idle.append(upstream)

    def forget(self, upstream: Upstream) -> None:
        """It has closed by itself."""
        if upstream.idle_since and upstream in self._idle:
            self._idle.remove(upstream)

    def sweep(self, now: float) -> None:
        """Close what has been idle for too long."""
        while self._idle and self._idle[0].idle_since + self._idle_seconds < now:
            self._idle.pop(0).close()

    def close(self) -> None:
        """Close all kept connections, and those in use when their answer is complete: they may lead to a HAProxy of
        before, which has other backends."""
        self.generation += 1
        while self._idle:
            self._idle.pop().close()


def place(error: BaseException) -> str:
    """Where an exception was raised. Its text may hold a user's data: logs get the place only."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    return "unknown place" if frame is None else f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}"
