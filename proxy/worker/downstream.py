"""Connections from HAProxy: requests are read one after another, and answered in this order."""

from __future__ import annotations

import asyncio
import logging

from mitmproxy.connection import Client, ConnectionState

from mesh_addons.answer import error_response
from proxy.worker.body import Body, BodyError, body_for
from proxy.worker.exchange import Exchange
from proxy.worker.head import MAX_HEAD_BYTES, HeadError, parse_request, write_response
from proxy.worker.link import Link, Pause
from proxy.worker.service import Service
from proxy.worker.upstream import place

logger = logging.getLogger(__name__)

_ADDRESS = ("worker.sock", 0)


class Downstream(Link):
    """A connection from HAProxy."""

    __slots__ = (
        "_body",
        "_buffer",
        "_exchange",
        "_loop",
        "_open",
        "_service",
        "_unread",
        "connection",
        "full",
        "touched",
    )

    def __init__(self, service: Service, open_connections: set[Downstream]) -> None:
        super().__init__()
        self._service = service
        self._open = open_connections
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._exchange: Exchange | None = None
        self._body: Body | None = None
        self.full = False
        """HAProxy takes no more for now."""
        self.touched = 0.0
        """Loop time at which a byte moved last."""
        self._unread = 0
        """Bytes of a request's body that were thrown away after its answer."""
        self.connection = Client(peername=_ADDRESS, sockname=_ADDRESS, state=ConnectionState.OPEN)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._service.counters.connections += 1
        if len(self._open) >= self._service.limits.connections:
            self._refuse(503, "too-many-connections")
            return
        self._open.add(self)
        self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._open.discard(self)
        self._service.closed_one.set()
        if self._exchange is not None:
            self._exchange.abort("client-closed")
            self._exchange = None

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        if self.held:
            self.pause(Pause.MORE)
        else:
            self._read()

    def eof_received(self) -> bool:
        exchange = self._exchange
        if exchange is not None and exchange.tunnel is not None:
            exchange.tunnel.to_server(b"")
            return True
        if exchange is not None:
            exchange.abort("client-closed")
        return False

    def pause_writing(self) -> None:
        self.full = True
        if self._exchange is not None:
            self._exchange.on_client_writable(False)

    def resume_writing(self) -> None:
        self.full = False
        if self._exchange is not None:
            self._exchange.on_client_writable(True)

    def hold(self) -> None:
        """The exchange waits. Reading goes on until bytes come: a caller that goes away must be noticed."""
        self.held = True

    def release_hold(self) -> None:
        """The exchange waits no longer: go on with what has come meanwhile."""
        self.held = False
        self.resume(Pause.MORE)
        if not self.held:
            self._read()

    def _read(self) -> None:
        try:
            while self._buffer and not self.closed and not self.held:
                if not self._step():
                    return
        except HeadError as error:
            self._refuse(error.status, error.reason)
        except BodyError:
            self._service.counters.bad_requests += 1
            self._give_up("bad-request-body")
        except Exception as error:
            logger.error("connection given up: %s at %s", type(error).__name__, place(error))
            self._give_up("worker-failure")

    def _step(self) -> bool:
        """Read one head or one piece of a body. False: more bytes are needed, or must wait."""
        exchange = self._exchange
        if exchange is None:
            return self._read_head()
        self.touch()
        if exchange.tunnel is not None:
            data, self._buffer = self._buffer, b""
            exchange.tunnel.to_server(data)
            return True
        body = self._body
        if body is None or body.done:
            self.pause(Pause.NEXT)  # the next request waits: no more than one read of it is kept
            return False
        content = body.feed(self._buffer)
        self._buffer = body.rest
        if exchange.answered:
            self._throw_away(exchange, len(content), body.done)
        elif content or body.done:
            exchange.on_request_content(content, body.done, body.trailers)
        return True

    def _read_head(self) -> bool:
        self._buffer = self._buffer.lstrip(b"\r\n") if self._buffer[:1] in b"\r\n" else self._buffer
        end = self._buffer.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES + 4)
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise HeadError(431, "request-head-too-large")
            if self._buffer:
                self.deadline = min(self.deadline, self._loop.time() + self._service.limits.head_seconds)
            return False
        head = parse_request(self._buffer[:end])
        self._buffer = self._buffer[end + 4 :]
        self.deadline = self._loop.time() + self._service.limits.stream_seconds
        self._body = body_for(head.framing)
        exchange = self._exchange = Exchange(self._service, self, head)
        exchange.begin()
        return True

    def on_answered(self, exchange: Exchange) -> None:
        """The whole answer has been written."""
        if self.closed:
            return
        if not exchange.reply.keep_alive or self._service.draining:
            self._end(exchange)
        elif exchange.request_read:
            self._exchange = self._body = None
            self._wait_for_request()
            self.resume(Pause.PEER)
            if self._buffer and not self.held:
                # Not from here: an answer that is written at once would nest one call in another per pipelined request.
                self._loop.call_soon(self._next)
            self.resume(Pause.NEXT)
        else:
            self._unread = 0
            self.deadline = self._loop.time() + self._service.limits.unread_body_seconds
            self.resume(Pause.PEER)

    def _next(self) -> None:
        if self._exchange is None and not self.held:
            self._read()

    def _throw_away(self, exchange: Exchange, size: int, end: bool) -> None:
        self._unread += size
        if end:
            exchange.request_read = True
            self.on_answered(exchange)
        elif self._unread > self._service.limits.unread_body_bytes:
            self._end(exchange)

    def _wait_for_request(self) -> None:
        if self._service.draining:
            self.close()
        else:
            self.deadline = self._loop.time() + self._service.limits.keep_alive_seconds

    def _end(self, exchange: Exchange) -> None:
        exchange.ended = True
        self._exchange = None
        self.close()

    def begin_tunnel(self) -> None:
        """101 has been sent: bytes are passed as they are."""
        self.resume(Pause.NEXT)
        if self._buffer:
            self._loop.call_soon(self._read)

    def touch(self) -> None:
        """A byte moved: the exchange is alive."""
        self.touched = self._loop.time()
        self.deadline = self.touched + self._service.limits.stream_seconds

    def _refuse(self, status: int, reason: str) -> None:
        """Answer a request that was not even begun, and close."""
        self._service.counters.bad_requests += 1
        response = error_response(status, reason)
        body = response.raw_content or b""
        self.write(write_response(response, len(body), ((b"connection", b"close"),)) + body)
        self.close()

    def _give_up(self, reason: str) -> None:
        if self._exchange is not None:
            self._exchange.abort(reason)
        self.abort()

    def expire(self) -> None:
        """The deadline has passed."""
        if self._exchange is None and self._buffer:
            self._refuse(408, "request-head-too-slow")
        elif self._exchange is None:
            self.close()
        else:
            self._give_up("idle-too-long")

    def drain(self) -> None:
        """No more requests: close now if there is none, else after the answer."""
        if self._exchange is None and not self._buffer:
            self.close()
