"""A small HTTP/1.1 server for health and metrics: GET only, one answer per connection, everything bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import h11

HEAD_TIMEOUT_SECONDS = 5.0
ANSWER_TIMEOUT_SECONDS = 70.0
MAX_WAITING = 256
"""Connections whose head has not come yet. One more closes the oldest of them: who holds connections open takes nobody
else's place, and the kubelet's whole request, which comes at once, is always read."""
MAX_ANSWERS = 64
"""Questions that are being answered; further ones get 503. The kubelet and a scraper need few."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


Handler = Callable[[str], Awaitable[Answer]]
"""Path (without query) to answer."""


async def serve(host: str, port: int, handler: Handler) -> asyncio.Server:
    """Listens, and answers until it is closed."""
    waiting: dict[asyncio.StreamWriter, None] = {}
    """In the order in which they came."""
    busy = asyncio.Semaphore(MAX_ANSWERS)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(waiting) >= MAX_WAITING:
            oldest = next(iter(waiting))
            del waiting[oldest]
            oldest.transport.abort()
        waiting[writer] = None
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=16384)
        try:
            with suppress(OSError, TimeoutError, h11.ProtocolError):
                request = await _request(reader, connection)
                waiting.pop(writer, None)
                if request is not None:
                    await _answer(writer, connection, request, handler, busy)
        finally:
            waiting.pop(writer, None)
            writer.close()

    return await asyncio.start_server(connected, host, port, limit=16384)


async def _request(reader: asyncio.StreamReader, connection: h11.Connection) -> h11.Request | None:
    async with asyncio.timeout(HEAD_TIMEOUT_SECONDS):
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(await reader.read(16384))
    return event if isinstance(event, h11.Request) else None


async def _answer(
    writer: asyncio.StreamWriter,
    connection: h11.Connection,
    request: h11.Request,
    handler: Handler,
    busy: asyncio.Semaphore,
) -> None:
    if request.method != b"GET":
        answer = Answer(405, b"GET only\n")
    elif busy.locked():
        answer = Answer(503, b"too many questions at once\n")
    else:
        async with busy, asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
            answer = await handler(request.target.decode("latin-1").partition("?")[0])
    headers = [
        ("content-type", answer.content_type),
        ("content-length", str(len(answer.body))),
        ("connection", "close"),
    ]
    head = h11.Response(status_code=answer.status, headers=headers)
    async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
        writer.write((connection.send(head) or b"") + (connection.send(h11.Data(answer.body)) or b""))
        await writer.drain()
