"""HTTP/1.1 requests of the agent: asyncio and h11, everything bounded. One request per connection."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import h11

READ_BYTES = 65536
MAX_BODY_BYTES = 4 * 1024 * 1024


class HttpError(Exception):
    """The other side cannot be reached, or does not speak HTTP."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect: a TCP address, or a unix socket when `socket_path` is given."""

    host: str
    port: int = 0
    socket_path: str = ""
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: bytes) -> str | None:
        """The first value of a header, `name` in lower case."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), None)


async def request(
    target: Target,
    method: str,
    path: str,
    *,
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
    timeout_seconds: float,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> Response:
    """One request, whole.

    Raises:
        HttpError: no answer in time, not HTTP, or a body above the limit.
    """
    try:
        async with asyncio.timeout(timeout_seconds), _exchange(target, method, path, headers, body) as (head, chunks):
            parts: list[bytes] = []
            size = 0
            async for chunk in chunks:
                size += len(chunk)
                if size > max_body_bytes:
                    raise HttpError(f"{method} {path}: answer above {max_body_bytes} bytes")
                parts.append(chunk)
            return Response(head.status_code, tuple(head.headers), b"".join(parts))
    except TimeoutError as error:
        raise HttpError(f"{method} {path}: no answer within {timeout_seconds:g} s") from error


@asynccontextmanager
async def stream(
    target: Target, method: str, path: str, *, headers: tuple[tuple[str, str], ...] = (), timeout_seconds: float
) -> AsyncGenerator[tuple[int, AsyncIterator[bytes]]]:
    """Status and the body's chunks as they come. The limit is for the answer's head; the reader bounds the rest.

    Raises:
        HttpError: no answer in time, or not HTTP.
    """
    async with _exchange(target, method, path, headers, b"", head_timeout_seconds=timeout_seconds) as (head, chunks):
        yield head.status_code, chunks


@asynccontextmanager
async def _exchange(  # noqa: PLR0917 - private, called in two places
    target: Target,
    method: str,
    path: str,
    headers: tuple[tuple[str, str], ...],
    body: bytes,
    head_timeout_seconds: float | None = None,
) -> AsyncGenerator[tuple[h11.Response, AsyncIterator[bytes]]]:
    writer: asyncio.StreamWriter | None = None
    connection = h11.Connection(h11.CLIENT)
    try:
        async with asyncio.timeout(head_timeout_seconds):
            reader, writer = await _connect(target)
            length = (("content-length", str(len(body))),) if body or method == "POST" else ()
            head = h11.Request(method=method, target=path, headers=[("host", target.host), *headers, *length])
            writer.write(connection.send(head) or b"")
            if body:
                writer.write(connection.send(h11.Data(body)) or b"")
            writer.write(connection.send(h11.EndOfMessage()) or b"")
            await writer.drain()
            answer = await _next(connection, reader)
            while isinstance(answer, h11.InformationalResponse):
                answer = await _next(connection, reader)
        if not isinstance(answer, h11.Response):
            raise HttpError(f"{method} {path}: closed without an answer")
        yield answer, _chunks(connection, reader)
    except TimeoutError as error:
        raise HttpError(f"{method} {path}: no answer in time") from error
    except (OSError, h11.ProtocolError, EOFError) as error:
        raise HttpError(f"{method} {path}: {error or type(error).__name__}") from error
    finally:
        if writer is not None:
            writer.close()
            with suppress(OSError, TimeoutError, ssl.SSLError):
                async with asyncio.timeout(1):
                    await writer.wait_closed()


async def _connect(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if target.socket_path:
        return await asyncio.open_unix_connection(target.socket_path)
    name = target.host if target.tls else None
    return await asyncio.open_connection(target.host, target.port, ssl=target.tls, server_hostname=name)


async def _next(connection: h11.Connection, reader: asyncio.StreamReader) -> object:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(READ_BYTES))
    return event


async def _chunks(connection: h11.Connection, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while isinstance(event := await _next(connection, reader), h11.Data):
        yield bytes(event.data)
