"""A small HTTP/1.1 server for health and metrics: GET only, one answer per connection, everything bounded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import h11

HEAD_TIMEOUT_SECONDS = 5.0
ANSWER_TIMEOUT_SECONDS = 70.0
MAX_CONNECTIONS = 64
"""Further ones are closed at once: the kubelet and a scraper need few."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    content_type: str = "text/plain; charset=utf-8"


Handler = Callable[[str], Awaitable[Answer]]
"""Path (without query) to answer."""


async def serve(host: str, port: int, handler: Handler) -> asyncio.Server:
    """Listens, and answers until it is closed."""
    busy = asyncio.Semaphore(MAX_CONNECTIONS)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if busy.locked():
                return
            async with busy:
                await _answer(reader, writer, handler)
        finally:
            writer.close()

    return await asyncio.start_server(connected, host, port, limit=16384)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=16384)
    with suppress(OSError, TimeoutError, h11.ProtocolError):
        async with asyncio.timeout(HEAD_TIMEOUT_SECONDS):
            while (event := connection.next_event()) is h11.NEED_DATA:
                connection.receive_data(await reader.read(16384))
        if not isinstance(event, h11.Request):
            return
        if event.method == b"GET":
            async with asyncio.timeout(ANSWER_TIMEOUT_SECONDS):
                answer = await handler(event.target.decode("latin-1").partition("?")[0])
        else:
            answer = Answer(405, b"GET only\n")
        headers = [
            ("content-type", answer.content_type),
            ("content-length", str(len(answer.body))),
            ("connection", "close"),
        ]
        head = h11.Response(status_code=answer.status, headers=headers)
        writer.write((connection.send(head) or b"") + (connection.send(h11.Data(answer.body)) or b""))
        await writer.drain()
