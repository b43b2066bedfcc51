"""Faults as a client of a real worker sees them."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.integration.worker.conftest import Start, head, snapshot
from tests.integration.worker.scripted import Server, fails

RATE = 20_000
"""Bytes per second."""


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_answer_comes_no_faster_than_its_bandwidth(start: Start, chunked: bool) -> None:
    bench = await start(config=snapshot(faults=[{"name": "narrow", "bytesPerSecond": RATE}]))
    caller, server = await bench.begun()
    body = bytes(range(250)) * 24
    framing = b"transfer-encoding: chunked" if chunked else b"content-length: 6000"
    sent = b"7d0\r\n" + body[:2000] + b"\r\nfa0\r\n" + body[2000:] + b"\r\n0\r\n\r\n" if chunked else body
    server.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n" + sent)
    answer = await caller.head()
    assert b"x-mesh-internal-fault: narrow\r\n" in answer
    loop = asyncio.get_running_loop()
    begun = loop.time()
    got = await caller.until(b"0\r\n\r\n") if chunked else await caller.exactly(6000)
    # The first piece comes at once; a piece is a twentieth of a second.
    assert loop.time() - begun >= (6000 - RATE / 20) / RATE - 0.01
    if chunked:
        got = b"".join(piece for piece in got.split(b"\r\n") if len(piece) > 4)
        assert len(got) > 5900
    else:
        assert got == body


async def test_what_a_slow_answer_does_not_take_waits_at_the_server(start: Start) -> None:
    bench = await start(config=snapshot(faults=[{"name": "narrow", "bytesPerSecond": RATE}]))
    caller, server = await bench.begun()
    size = 16 * 1024 * 1024
    server.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + bytes(size))
    await caller.head()
    await caller.exactly(3 * RATE // 20)
    waiting = server.writer.transport.get_write_buffer_size()
    assert waiting > size - 2 * 1024 * 1024, "the worker took more than it may pass on"


async def test_the_next_answer_on_the_same_connections_is_as_fast_as_ever(start: Start) -> None:
    narrow = {"name": "narrow", "bytesPerSecond": 1, "headers": [{"name": "x-chaos", "value": "on"}]}
    bench = await start(config=snapshot(faults=[narrow]))
    caller = await bench.call()
    server = None
    for fields in (["x-chaos: on"], []):
        caller.send(head("GET /", *fields))
        server = server or await bench.upstream()
        await server.head()
        body = b"ab" if fields else bytes(100_000)
        server.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await caller.head()
        assert await caller.exactly(len(body)) == body


async def test_a_call_of_grpc_is_aborted_with_a_head_alone(start: Start) -> None:
    bench = await start(config=snapshot(faults=[{"name": "broken", "abortGrpcStatus": 14}]))
    caller = await bench.call()
    for kind in ("application/grpc", "application/grpc+proto"):
        caller.send(head("POST /a.B/C", f"content-type: {kind}", "content-length: 5") + b"\0\0\0\0\0")
        answer = (await caller.head()).lower()
        assert answer.startswith(b"http/1.1 503 ")  # for HAProxy's log: the client reads 200
        assert b"x-mesh-internal-grpc: 1\r\n" in answer
        assert b"grpc-status: 14\r\n" in answer
        assert b"content-length: 0\r\n" in answer
        assert b"x-mesh-internal-fault: broken\r\n" in answer
    caller.send(head("GET /"))
    assert (await caller.head()).startswith(b"HTTP/1.1 503 ")


async def test_faults_for_other_callers_do_nothing(start: Start) -> None:
    theirs = {"name": "theirs", "abortStatus": 500, "callers": [{"namespace": "staging"}]}
    ours = {
        "name": "ours",
        "abortStatus": 418,
        "callers": [{"identities": ["spiffe://cluster.local/ns/shop/sa/web"]}],
        "headers": [{"name": "x-user", "value": "test-.*", "type": "RegularExpression"}],
    }
    bench = await start(config=snapshot(faults=[theirs, ours]))
    caller = await bench.call()
    caller.send(head("GET /", "x-user: test-7"))
    answer = await caller.answer()
    assert answer.startswith(b"HTTP/1.1 418 ")
    caller.send(head("GET /", "x-user: someone"))
    server = await bench.upstream()
    await server.head()
    server.send(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert (await caller.head()).startswith(b"HTTP/1.1 204 ")


async def test_an_abort_answers_in_the_backends_place(start: Start) -> None:
    fault = {"name": "broken", "abortStatus": 503, "headers": [{"name": "x-chaos", "value": "on"}]}
    bench = await start(config=snapshot(faults=[fault]))
    with Server(bench, fails(0)):
        caller = await bench.call()
        aborted = await caller.ask(head("GET /", "x-chaos: on"))
        assert aborted.startswith(b"HTTP/1.1 503 ")
        assert b"x-mesh-internal-fault: broken" in aborted
        assert (await caller.ask()).startswith(b"HTTP/1.1 200 ")


async def test_a_delay_holds_its_request_only(start: Start) -> None:
    """`long` outlasts the test, however busy the machine is."""
    delays = {"long": 600.0, "short": 0.05}
    faults = [
        {"name": name, "delaySeconds": seconds, "headers": [{"name": "x-chaos", "value": name}]}
        for name, seconds in delays.items()
    ]
    bench = await start(config=snapshot(faults=faults))
    with Server(bench, fails(0)):
        held, quick = await bench.call(), await bench.call()
        delayed = asyncio.create_task(held.ask(head("GET /", "x-chaos: long")))
        for _ in range(20):
            await quick.ask()
        assert b"x-mesh-internal-fault: short" in await quick.ask(head("GET /", "x-chaos: short"))
        assert not delayed.done()
        delayed.cancel()


async def test_a_caller_that_goes_during_a_delay_is_forgotten(start: Start) -> None:
    bench = await start(config=snapshot(faults=[{"name": "slow", "delaySeconds": 30.0}]))
    caller = await bench.call()
    caller.send(head("GET /"))
    await bench.counted("requests", 1)
    caller.close()
    bench.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(bench.process.wait, 4) == 0
