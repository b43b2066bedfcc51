"""What stock mitmproxy keeps without a limit, per connection and per process, is bounded here."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.worker.conftest import OK, Bench, Start, head

UPGRADE = ("connection: upgrade", "upgrade: websocket")
MIB = 1 << 20


async def test_requests_that_follow_wait_outside_of_the_worker(bench: Bench) -> None:
    caller, server = await bench.begun(head("GET /first"))
    before = bench.resident_mib()
    caller.send(head("GET /next") * (50 * MIB // len(head("GET /next"))))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await caller.writer.drain()
    assert bench.resident_mib() - before < 8
    server.send(OK)
    assert b" 200 " in await caller.head()


async def test_a_connection_with_many_requests_keeps_one_upstream_and_no_memory(bench: Bench) -> None:
    caller = await bench.call()
    caller.send(head("GET /0"))
    server = await bench.upstream()

    async def ask(count: int) -> None:
        for _ in range(count):
            await server.head()
            server.send(OK)
            await caller.head()
            await caller.exactly(2)
            caller.send(head("GET /next"))

    await ask(500)
    before = bench.resident_mib()
    await ask(3000)
    assert bench.resident_mib() - before < 4
    assert bench.accepted.empty()


async def test_any_number_of_requests_side_by_side_has_a_connection_each(bench: Bench) -> None:
    callers = [await bench.call() for _ in range(12)]
    for number, caller in enumerate(callers):
        caller.send(head(f"GET /{number}"))
    servers = [await bench.upstream() for _ in callers]
    asked = {(await server.head()).split(b" ")[1] for server in servers}
    assert asked == {b"/%d" % number for number in range(12)}


async def test_the_bytes_of_a_tunnel_are_not_kept(bench: Bench) -> None:
    caller, server = await bench.begun(head("GET /ws", *UPGRADE))
    server.send(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
    await caller.head()
    before = bench.resident_mib()
    for _ in range(50):
        caller.send(b"c" * MIB)
        await server.exactly(MIB)
        server.send(b"s" * MIB)
        await caller.exactly(MIB)
    assert bench.resident_mib() - before < 8


async def test_a_connection_that_could_not_be_made_is_not_remembered(start: Start) -> None:
    bench = await start()
    place = bench.run / "return.sock"
    place.rename(bench.run / "away")
    caller = await bench.call()
    caller.send(head("GET /"))
    refused = await caller.head()
    assert b"x-mesh-error: upstream-unavailable" in refused
    await caller.exactly(int(refused.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
    (bench.run / "away").rename(place)
    caller.send(head("GET /"))
    server = await bench.upstream()
    await server.head()
    server.send(OK)
    assert b" 200 " in await caller.head()


@pytest.mark.parametrize("event", ["requestheaders", "responseheaders"])
async def test_a_failure_of_the_driver_itself_leaves_nobody_waiting(start: Start, event: str) -> None:
    """An addon takes the message away: no hook raises, but the code around it does."""
    bench = await start(breaks=event)
    caller, server = await bench.begun(head("POST /", "content-length: 2"))
    caller.send(b"ok")
    if event == "responseheaders":
        server.send(OK)
        assert b"x-mesh-error: worker-failure" in await caller.head()
    else:
        assert await caller.ended()
    server.close()
    assert bench.process.poll() is None
