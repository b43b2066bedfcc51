"""The agent's own HTTP: its server and its client against each other, and what neither lets pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from proxy.agent import http_client
from proxy.agent.http_server import Answer, serve


async def answer(path: str) -> Answer:
    return Answer(200 if path == "/here" else 404, path.encode() * 10)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    server = await serve("127.0.0.1", 0, answer)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def ask(port: int, path: str, **more: object) -> http_client.Response:
    target = http_client.Target("127.0.0.1", port)
    return await http_client.request(target, "GET", path, timeout_seconds=5, **more)  # type: ignore[arg-type]


async def test_an_answer_comes_back_whole(port: int) -> None:
    response = await ask(port, "/here?query=is-cut")
    assert (response.status, response.body) == (200, b"/here" * 10)
    assert response.header(b"content-type") == "text/plain; charset=utf-8"
    assert (await ask(port, "/there")).status == 404


async def test_an_answer_above_the_limit_is_an_error(port: int) -> None:
    with pytest.raises(http_client.HttpError, match="above 10 bytes"):
        await ask(port, "/here", max_body_bytes=10)


async def test_only_get_is_answered(port: int) -> None:
    target = http_client.Target("127.0.0.1", port)
    assert (await http_client.request(target, "POST", "/here", timeout_seconds=5)).status == 405


@pytest.mark.parametrize("sent", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET /" + b"x" * 40000, b""])
async def test_what_is_no_request_is_closed_without_an_answer(port: int, sent: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    writer.write_eof()
    try:
        assert await asyncio.wait_for(reader.read(), 5) == b""
    except ConnectionResetError:
        pass  # closed as well, while we were still sending
    finally:
        writer.close()


async def test_nobody_there_is_an_error() -> None:
    with pytest.raises(http_client.HttpError):
        await http_client.request(http_client.Target("", socket_path="/nowhere"), "GET", "/", timeout_seconds=5)


async def test_silence_is_an_error_after_the_limit() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    target = http_client.Target("127.0.0.1", server.sockets[0].getsockname()[1])
    with pytest.raises(http_client.HttpError, match="no answer within"):
        await http_client.request(target, "GET", "/", timeout_seconds=0.05)
    server.close()
