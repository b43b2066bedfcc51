"""A small HTTP/1.1 server: keep-alive, both kinds of bodies, and an end that fails no request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 16 * 1024 * 1024
DRAIN_SECONDS = 2.0
"""After SIGTERM answers say `connection: close` for this long, then idle connections are cut: holders learn it."""
BUSY_SECONDS = 25.0
"""Requests that are being served get at most this long after the drain."""


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]
    """Names in lower case; of a repeated header the last value."""
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Awaitable[Response]]


def json_response(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(value, separators=(",", ":")).encode() + b"\n"
    return Response(status, body, {"content-type": "application/json", **(headers or {})})


class BadRequestError(ValueError):
    """What arrived is not HTTP that this server takes; the message says why."""


def parse_head(head: bytes) -> Request:
    """Request line and headers, without the empty line. Raises BadRequestError."""
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequestError("the request line is not METHOD TARGET HTTP/1.x")
    headers: dict[str, str] = {":version": parts[2]}
    for line in lines[1:]:
        name, separator, value = line.partition(":")
        if not separator or name != name.strip():
            raise BadRequestError("a header line has no name")
        headers[name.lower()] = value.strip()
    return Request(parts[0], parts[1], headers)


def take_chunked(data: bytearray) -> tuple[bytes, int] | None:
    """Body and bytes used when `data` holds a whole chunked body, else None. Raises BadRequestError."""
    body, at = bytearray(), 0
    while (end := data.find(b"\r\n", at)) >= 0:
        try:
            size = int(data[at:end].partition(b";")[0], 16)
        except ValueError as error:
            raise BadRequestError("a chunk size is not hexadecimal") from error
        if len(body) + size > MAX_BODY_BYTES:
            raise BadRequestError("the body is too large")
        at = end + 2
        if size == 0:
            if data[at : at + 2] == b"\r\n":
                return bytes(body), at + 2
            trailers_end = data.find(b"\r\n\r\n", at)
            return (bytes(body), trailers_end + 4) if trailers_end >= 0 else None
        if len(data) < at + size + 2:
            return None
        body += data[at : at + size]
        at += size + 2
    return None


def take_request(data: bytearray) -> Request | None:
    """Removes one whole request from the front of `data`; None: more bytes are needed. Raises BadRequestError."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > MAX_HEAD_BYTES:
            raise BadRequestError("the request head is too large")
        return None
    request = parse_head(bytes(data[:end]))
    start = end + 4
    if request.headers.get("transfer-encoding", "").lower() == "chunked":
        taken = take_chunked(data[start:])
        if taken is None:
            return None
        body, used = taken
    else:
        text = request.headers.get("content-length", "0")
        if not text.isdigit() or int(text) > MAX_BODY_BYTES:
            raise BadRequestError("content-length is not a number within bounds")
        used = int(text)
        if len(data) < start + used:
            return None
        body = bytes(data[start : start + used])
    del data[: start + used]
    return Request(request.method, request.target, request.headers, body)


def render(response: Response, keep_alive: bool, head_only: bool) -> bytes:
    phrase = HTTPStatus(response.status).phrase if response.status in HTTPStatus._value2member_map_ else ""
    lines = [f"HTTP/1.1 {response.status} {phrase}", f"content-length: {len(response.body)}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    lines.append("connection: keep-alive" if keep_alive else "connection: close")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (b"" if head_only else response.body)


class Connection(asyncio.Protocol):
    """One client connection. Requests of one connection are answered one after the other."""

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.data = bytearray()
        self.task: asyncio.Task[None] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio's own promise, told to the type checker
        self.transport = transport
        self.server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.connections.discard(self)
        if self.task:
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        self.data += data
        self._next()

    def _next(self) -> None:
        if self.task is not None or self.transport is None:
            return
        try:
            request = take_request(self.data)
        except BadRequestError as error:
            self.transport.write(render(json_response({"error": str(error)}, 400), keep_alive=False, head_only=False))
            self.transport.close()
            return
        if request is not None:
            self.task = asyncio.get_running_loop().create_task(self._answer(request))

    async def _answer(self, request: Request) -> None:
        transport = self.transport
        assert transport is not None  # noqa: S101 - set before any data arrives
        try:
            response = await self.server.handler(request)
        except Exception as error:
            response = json_response({"error": f"{type(error).__name__}: {error}"}, 500)
        wants_close = (
            request.headers.get("connection", "").lower() == "close" or request.headers[":version"] == "HTTP/1.0"
        )
        keep_alive = not (wants_close or self.server.draining)
        transport.write(render(response, keep_alive, request.method == "HEAD"))
        self.task = None
        if keep_alive:
            self._next()
        else:
            transport.close()


class HttpServer:
    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.connections: set[Connection] = set()
        self.draining = False

    async def run(self, host: str, port: int, stop: asyncio.Event) -> None:
        """Serves until `stop`, then drains: nothing that was asked stays unanswered (within BUSY_SECONDS)."""
        loop = asyncio.get_running_loop()
        listener = await loop.create_server(lambda: Connection(self), host, port, backlog=1024)
        await stop.wait()
        self.draining = True
        await asyncio.sleep(DRAIN_SECONDS)
        listener.close()
        deadline = loop.time() + BUSY_SECONDS
        while self.connections and loop.time() < deadline:
            for connection in list(self.connections):
                if connection.task is None and connection.transport is not None:
                    connection.transport.close()
            await asyncio.sleep(0.05)
