"""The port that everybody reaches: who holds connections open takes nobody's place."""

from __future__ import annotations

import asyncio
import contextlib

from proxy.agent import http_server
from proxy.agent.http_server import Answer


async def alive(_: str) -> Answer:
    return Answer(200, b"alive\n")


async def ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n")
    answer = await reader.read()
    writer.close()
    return answer


async def test_a_whole_request_is_answered_while_all_places_are_held_by_half_heads() -> None:
    server = await http_server.serve("127.0.0.1", 0, alive)
    port = server.sockets[0].getsockname()[1]
    held = []
    for _ in range(http_server.MAX_WAITING):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /livez HTTP/1.1\r\nhost: a\r\n")
        await writer.drain()
        held.append((reader, writer))
    async with server, asyncio.timeout(http_server.HEAD_TIMEOUT_SECONDS / 2):
        assert (await ask(port)).startswith(b"HTTP/1.1 200")
        with contextlib.suppress(ConnectionResetError):
            assert await held[0][0].read() == b"", "the oldest has to make room"
        held[-1][1].write(b"\r\n")
        assert (await held[-1][0].read()).startswith(b"HTTP/1.1 200"), "the youngest keeps its place"
        for _, writer in held:
            writer.close()


async def test_questions_at_the_same_time_have_a_bound() -> None:
    go = asyncio.Event()

    async def slow(_: str) -> Answer:
        await go.wait()
        return Answer(200, b"")

    server = await http_server.serve("127.0.0.1", 0, slow)
    port = server.sockets[0].getsockname()[1]
    async with server, asyncio.timeout(5), asyncio.TaskGroup() as group:
        asked = {group.create_task(ask(port)) for _ in range(http_server.MAX_ANSWERS + 1)}
        done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result().startswith(b"HTTP/1.1 503") for task in done] == [True]
        go.set()
        assert {(await task)[:12] for task in waiting} == {b"HTTP/1.1 200"}
