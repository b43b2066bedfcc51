"""The application that the benchmark calls: `python -m bench.upstream PORT...` answers every request with 36 bytes."""

from __future__ import annotations

import asyncio
import sys

import uvloop

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 36\r\n\r\n" + b"x" * 36


class Upstream(asyncio.Protocol):
    """Requests have no body, so a head is a request."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        self._transport.write(ANSWER * len(heads))  # type: ignore[attr-defined]


async def serve(ports: list[int]) -> None:
    loop = asyncio.get_running_loop()
    servers = [await loop.create_server(Upstream, "0.0.0.0", port) for port in ports]  # noqa: S104 - in its own namespace
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    uvloop.run(serve([int(port) for port in sys.argv[1:]]))
