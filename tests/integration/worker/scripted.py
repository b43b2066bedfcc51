"""Answers by a script, behind a real worker."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable

from tests.integration.worker.conftest import OK, Bench, Wire

BAD = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\n\r\nbad"

Script = Callable[[int, bytes, bytes], bytes | None]
"""Number of the request from 0, its head and its body to an answer. Empty: none comes. None: the connection ends."""


class Server:
    """Answers every request as a script says, and keeps what it got."""

    def __init__(self, bench: Bench, script: Script) -> None:
        self._bench = bench
        self._script = script
        self.got: list[tuple[bytes, bytes]] = []
        self.connections = 0
        self._task = asyncio.create_task(self._accept())

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._task.cancel()

    @property
    def heads(self) -> list[bytes]:
        """Of the requests, in order."""
        return [head for head, _ in self.got]

    @property
    def backends(self) -> Counter[str]:
        """How many requests for which backend; a copy's name has ` copy` at its end."""
        return Counter(_backend(head) for head in self.heads)

    async def _accept(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                wire = await self._bench.accepted.get()
                self.connections += 1
                group.create_task(self._serve(wire))

    async def _serve(self, wire: Wire) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await wire.reader.readuntil(b"\r\n\r\n")
                lower = request.lower()
                body = b""
                if b"transfer-encoding: chunked" in lower:
                    body = await _chunks(wire)
                elif length := lower.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]:
                    body = await wire.reader.readexactly(int(length))
                self.got.append((request, body))
                answer = self._script(len(self.got) - 1, request, body)
                if answer is None:
                    wire.close()
                    return
                wire.send(answer)


def _backend(request: bytes) -> str:
    name = request.partition(b"x-mesh-internal-backend: ")[2].partition(b"\r\n")[0].decode()
    return name + (" copy" if b"x-mesh-internal-mirror: 1" in request else "")


async def _chunks(wire: Wire) -> bytes:
    """A body in chunks, as it was sent."""
    seen = b""
    while True:
        seen += (line := await wire.reader.readuntil(b"\r\n"))
        seen += await wire.reader.readexactly(int(line, 16) + 2)
        if line == b"0\r\n":
            return seen


def fails(times: int, answer: bytes | None = BAD) -> Script:
    """Gives a bad answer so many times, then good ones."""
    return lambda number, _head, _body: answer if number < times else OK


def failure(word: str, status: int = 503) -> bytes:
    """An answer that HAProxy made itself."""
    return f"HTTP/1.1 {status} X\r\nx-mesh-internal-failure: {word}\r\ncontent-length: 0\r\n\r\n".encode()
