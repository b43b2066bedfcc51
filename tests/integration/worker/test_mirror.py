"""Copies of requests, made by a real worker: what they carry, and that nobody waits for them."""

from __future__ import annotations

import asyncio

from tests.integration.worker.conftest import LIMIT_SECONDS, OK, Start, head, snapshot
from tests.integration.worker.scripted import Server


async def test_a_copy_carries_the_body_and_its_own_backend(start: Start) -> None:
    bench = await start(config=snapshot(mirrors=[{"backend": "staging/api"}]))
    caller = await bench.call()
    caller.send(head("POST /x", "transfer-encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n")
    found: dict[bool, bytes] = {}
    for _ in range(2):
        server = await bench.upstream()
        request = await server.head()
        copy = b"x-mesh-internal-mirror: 1\r\n" in request
        body = await (server.exactly(5) if copy else server.until(b"0\r\n\r\n"))
        found[copy] = request + body
        server.send(OK)
    assert b"x-mesh-internal-backend: staging/api\r\n" in found[True]
    assert found[True].endswith(b"\r\ncontent-length: 5\r\n\r\nhello")
    assert b"x-mesh-internal-backend: shop/v1\r\n" in found[False]
    assert b" 200 " in await caller.head()
    await bench.counted("mirrorSent", 1)


async def test_a_mirror_that_hangs_is_not_noticed(start: Start) -> None:
    limits = {"copies_at_once": 2, "copies_queued": 3, "copy_seconds": 30.0}
    bench = await start(config=snapshot(mirrors=[{"backend": "staging/api"}]), limits=limits)
    with Server(bench, lambda _, request, _body: b"" if b"x-mesh-internal-mirror" in request else OK) as server:
        caller = await bench.call()
        for _ in range(50):
            assert (await caller.ask()).startswith(b"HTTP/1.1 200 ")
        status = await bench.status()
        assert server.backends["staging/api copy"] <= 2
        assert status["mirrorDropped"] == 50 - 2 - 3


async def test_a_copy_that_takes_too_long_is_given_up(start: Start) -> None:
    bench = await start(config=snapshot(mirrors=[{"backend": "staging/api"}]), limits={"copy_seconds": 0.1})
    caller = await bench.call()
    caller.send(head("GET /"))
    await bench.counted("mirrorFailed", 1)


async def test_a_copy_that_reaches_nobody_has_failed(start: Start) -> None:
    bench = await start(config=snapshot(mirrors=[{"backend": "staging/api"}]))
    caller = await bench.call()
    caller.send(head("GET /"))
    for _ in range(2):
        server = await bench.upstream()
        copy = b"x-mesh-internal-mirror: 1\r\n" in await server.head()
        nobody = b"HTTP/1.1 503 no\r\nx-mesh-internal-failure: no-endpoint\r\ncontent-length: 0\r\n\r\n"
        server.send(nobody if copy else OK)
    assert b" 200 " in await caller.head()
    await bench.counted("mirrorFailed", 1)
    assert (await bench.status())["mirrorSent"] == 0


async def test_a_body_that_is_too_long_is_not_copied(start: Start) -> None:
    bench = await start(config=snapshot(mirrors=[{"backend": "staging/api"}]))
    caller, server = await bench.begun(head("POST /", "content-length: 70000") + b"x" * 70_000)
    await server.exactly(70_000)
    server.send(OK)
    assert b" 200 " in await caller.head()
    assert (await bench.status())["mirrorDropped"] == 1
    assert bench.accepted.empty()


async def test_bodies_that_are_not_whole_yet_share_their_room(start: Start) -> None:
    """However many callers are slow: one that finds no room is not copied, and room comes back with every end."""
    bench = await start(config=snapshot(mirrors=[{"backend": "staging/api"}]), limits={"copies_recorded_bytes": 100})
    request = head("POST /x", "content-length: 80")
    with Server(bench, lambda *_: OK):
        slow, leaves, other = [await bench.call() for _ in range(3)]
        slow.send(request + b"x" * 79)
        await bench.counted("requests", 1)
        assert (await other.ask(request + b"y" * 80)).startswith(b"HTTP/1.1 200 ")
        assert (await bench.status())["mirrorDropped"] == 1
        slow.send(b"x")
        assert (await slow.answer()).startswith(b"HTTP/1.1 200 ")
        await bench.counted("mirrorSent", 1)
        leaves.send(request + b"z" * 79)
        await bench.counted("requests", 3)
        leaves.close()
        async with asyncio.timeout(LIMIT_SECONDS):
            while (await bench.status())["mirrorSent"] == 1:  # that it has left is seen a moment later
                assert (await other.ask(request + b"y" * 80)).startswith(b"HTTP/1.1 200 ")


async def test_a_copy_that_is_answered_with_an_upgrade_holds_no_connection(start: Start) -> None:
    bench = await start(config=snapshot(mirrors=[{"backend": "staging/api"}]))
    caller = await bench.call()
    caller.send(head("GET /"))
    for _ in range(2):
        server = await bench.upstream()
        if b"x-mesh-internal-mirror: 1\r\n" in await server.head():
            server.send(b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
            assert await server.ended()
        else:
            server.send(OK)
    assert (await bench.status())["mirrorFailed"] == 1
