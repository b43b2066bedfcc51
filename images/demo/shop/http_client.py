"""A small HTTP/1.1 client with kept connections, as most applications have one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_ANSWER_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class StaleConnectionError(OSError):
    """A kept connection was closed before the first byte of an answer."""


Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class HttpClient:
    """`keep_alive=False` opens a connection per request. `retried` counts requests that met a kept connection which the
    other side had just closed and were sent again on a new one, as every HTTP client does (RFC 9112, 9.3.1)."""

    def __init__(self, keep_alive: bool = True) -> None:
        self.keep_alive = keep_alive
        self.retried = 0
        self._idle: dict[tuple[str, int], list[Pair]] = defaultdict(list)

    async def request(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        timeout_seconds: float = 10.0,
    ) -> Answer:
        """Raises OSError (connection), TimeoutError, ValueError (not HTTP)."""
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{url}: only http://HOST[:PORT]/… can be called")
        address = (parts.hostname, parts.port or 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        fields = {"host": parts.netloc, "content-length": str(len(body)), **(headers or {})}
        if not self.keep_alive:
            fields["connection"] = "close"
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        message = f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body
        async with asyncio.timeout(timeout_seconds):
            while self._idle[address]:
                try:
                    return await self._exchange(self._idle[address].pop(), address, message, method, kept=True)
                except StaleConnectionError:
                    self.retried += 1
            return await self._exchange(await asyncio.open_connection(*address), address, message, method, kept=False)

    async def _exchange(self, pair: Pair, address: tuple[str, int], message: bytes, method: str, kept: bool) -> Answer:
        reader, writer = pair
        reusable = False
        try:
            try:
                writer.write(message)
                first = await reader.readline()
            except ConnectionError as error:
                raise (StaleConnectionError(str(error)) if kept else error) from error
            if not first:
                closed = "the connection was closed before an answer"
                raise StaleConnectionError(closed) if kept else ConnectionResetError(closed)
            answer, reusable = await read_answer(reader, first, method)
            return answer
        finally:
            if reusable and self.keep_alive:
                self._idle[address].append(pair)
            else:
                writer.close()

    def close(self) -> None:
        for pairs in self._idle.values():
            for _, writer in pairs:
                writer.close()
        self._idle.clear()


async def read_answer(reader: asyncio.StreamReader, first: bytes, method: str) -> tuple[Answer, bool]:
    """The answer whose status line is `first`, and whether the connection can be used again."""
    version, _, rest = first.decode("latin-1").strip().partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError("the answer is not HTTP/1")
    status = int(rest[:3])
    headers: dict[str, str] = {}
    while (line := (await reader.readline()).decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body, complete = b"", True
    if method == "HEAD" or status in (204, 304):
        pass
    elif headers.get("transfer-encoding", "").lower() == "chunked":
        body = await read_chunked(reader)
    elif "content-length" in headers:
        length = int(headers["content-length"])
        if length > MAX_ANSWER_BYTES:
            raise ValueError("the answer is too large")
        body = await reader.readexactly(length)
    else:
        body, complete = await reader.read(MAX_ANSWER_BYTES), False
    return Answer(status, headers, body), complete and headers.get(
        "connection", ""
    ).lower() != "close" and version == "HTTP/1.1"


async def read_chunked(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readline()).partition(b";")[0], 16):
        if len(body) + size > MAX_ANSWER_BYTES:
            raise ValueError("the answer is too large")
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    while (await reader.readline()).strip():
        pass
    return bytes(body)
