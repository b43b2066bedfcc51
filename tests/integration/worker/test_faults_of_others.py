"""What clients, servers and networks do wrong: refused, cut or bounded, never passed on as if it were whole."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.worker.conftest import OK, Bench, Start, head


@pytest.mark.parametrize(
    ("answer", "whole"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart", b"part"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n", b"4\r\npart\r\n"),
    ],
)
async def test_a_truncated_answer_is_never_complete(bench: Bench, answer: bytes, whole: bytes) -> None:
    caller, server = await bench.begun()
    server.send(answer)
    await caller.head()
    assert await caller.exactly(len(whole)) == whole
    server.close()
    assert await caller.ended()


async def test_a_caller_that_goes_takes_its_request_along(bench: Bench) -> None:
    caller, server = await bench.begun(head("POST /", "content-length: 100") + b"part")
    await server.exactly(4)
    caller.close()
    assert await server.ended()


async def test_a_stale_connection_is_replaced_for_a_request_that_may_be_sent_again(bench: Bench) -> None:
    caller, server = await bench.begun(head("GET /first"))
    server.send(OK)
    await caller.head()
    await caller.exactly(2)
    caller.send(head("GET /second"))
    await server.head()
    server.close()  # it had read the request, but answered nothing
    again = await bench.upstream()
    assert (await again.head()).startswith(b"GET /second ")
    again.send(OK)
    assert b" 200 " in await caller.head()
    assert (await bench.status())["resent"] == 1


@pytest.mark.parametrize("request_head", [head("POST /", "content-length: 2") + b"hi", head("POST /")])
async def test_a_request_that_may_have_acted_is_not_sent_again(bench: Bench, request_head: bytes) -> None:
    caller, server = await bench.begun(head("GET /first"))
    server.send(OK)
    await caller.head()
    await caller.exactly(2)
    caller.send(request_head)
    await server.head()
    server.close()
    assert b" 502 " in await caller.head()
    assert bench.accepted.empty()


async def test_a_server_that_closes_a_new_connection_gives_502(bench: Bench) -> None:
    caller, server = await bench.begun()
    server.close()
    answer = await caller.head()
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"\r\nx-mesh-error: upstream-reset\r\n" in answer
    await caller.until(b"upstream-reset\n")
    caller.send(head("GET /next"))
    again = await bench.upstream()
    assert (await again.head()).startswith(b"GET /next ")


async def test_nobody_at_the_return_socket_gives_503(start: Start) -> None:
    bench = await start(limits={"connect_seconds": 0.2})
    (bench.run / "return.sock").unlink()
    caller = await bench.call()
    caller.send(head("GET /"))
    assert b"x-mesh-error: upstream-unavailable" in await caller.head()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: a\rb\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\n\r\n",
        b"HTTP/1.1 99 No\r\n\r\n",
        b"hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000,
    ],
    ids=["length and chunks", "two lengths", "coding", "bare CR", "folded", "status", "no HTTP", "too large"],
)
async def test_an_answer_that_is_no_http_gives_502(bench: Bench, answer: bytes) -> None:
    caller, server = await bench.begun()
    server.send(answer)
    assert (await caller.head()).startswith(b"HTTP/1.1 502 ")
    assert await server.ended()


async def test_bytes_that_nobody_asked_for_end_a_kept_connection(bench: Bench) -> None:
    caller, server = await bench.begun()
    server.send(OK)
    await caller.head()
    server.send(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged")
    assert await server.ended()
    await caller.exactly(2)
    caller.send(head("GET /"))
    again = await bench.upstream()
    await again.head()


@pytest.mark.parametrize(
    ("request_bytes", "status", "reason"),
    [
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 70_000 + b"\r\n\r\n", b"431", b"request-head-too-large"),
        (head("CONNECT other:80"), b"405", b"connect-not-allowed"),
        (head("GET /a/../b"), b"400", b"path-dot-segment"),
        (head("GET /a%2fb"), b"400", b"path-encoded-slash"),
        (head("GET *"), b"400", b"path-not-absolute"),
        (head("GET http://other/"), b"400", b"target-and-host-differ"),
        (head("GET /", "host: other"), b"400", b"host-not-once"),
        (head("GET /", "content-length: +1"), b"400", b"bad-request-head"),
        (head("POST /", "content-length: 1", "transfer-encoding: chunked"), b"400", b"bad-request-head"),
        (head("POST /", "transfer-encoding: gzip, chunked"), b"501", b"transfer-coding-not-supported"),
        (head("GET /", "x: a\x01b"), b"400", b"control-byte-in-head"),
        (head("GET /", "x: a\rb"), b"400", b"control-byte-in-head"),
        (head("GET /", "x: a\r\n folded"), b"400", b"control-byte-in-head"),
        (head("GET /", "x : a"), b"400", b"bad-request-head"),
        (head("GET  /"), b"400", b"bad-request-line"),
        (head("GET /").replace(b"HTTP/1.1", b"HTTP/2.0"), b"400", b"bad-request-line"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"503", b"no-frontend"),
        (head("GET /").replace(b"shop/api/80", b"shop/other/80"), b"503", b"unknown-frontend"),
    ],
    ids=lambda value: value.decode("latin-1").splitlines()[0][:30],
)
async def test_a_bad_request_is_refused(bench: Bench, request_bytes: bytes, status: bytes, reason: bytes) -> None:
    caller = await bench.call()
    caller.send(request_bytes)
    answer = await caller.head()
    assert answer.startswith(b"HTTP/1.1 " + status + b" ")
    assert b"\r\nx-mesh-error: " + reason + b"\r\n" in answer
    assert bench.accepted.empty()


async def test_a_bad_chunk_cuts_both_sides(bench: Bench) -> None:
    caller, server = await bench.begun(head("POST /", "transfer-encoding: chunked") + b"4\r\ngood\r\n")
    await server.exactly(9)
    caller.send(b"zz\r\n")
    assert await caller.ended()
    assert await server.ended()


async def test_a_head_that_comes_too_slowly_is_refused(start: Start) -> None:
    bench = await start(limits={"head_seconds": 0.2})
    caller = await bench.call()
    caller.send(b"GET / HTTP/1.1\r\n")
    assert b" 408 " in await caller.head()


async def test_an_idle_connection_is_closed(start: Start) -> None:
    bench = await start(limits={"keep_alive_seconds": 0.1})
    caller = await bench.call()
    assert await caller.ended()


async def test_an_exchange_without_a_byte_is_given_up(start: Start) -> None:
    bench = await start(limits={"stream_seconds": 0.2})
    caller, server = await bench.begun()
    assert await caller.ended()
    assert await server.ended()


async def test_connections_are_bounded(start: Start) -> None:
    bench = await start(limits={"connections": 1})
    first = await bench.call()
    first.send(head("GET /"))
    await bench.upstream()
    second = await bench.call()
    assert b"x-mesh-error: too-many-connections" in await second.head()


async def test_a_server_that_does_not_read_stops_the_caller(bench: Bench) -> None:
    caller, server = await bench.begun(head("POST /", "content-length: 100000000"))
    before = bench.resident_mib()
    server.reader._transport.pause_reading()  # type: ignore[attr-defined]
    caller.send(b"x" * 100_000_000)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await caller.writer.drain()
    assert bench.resident_mib() - before < 8
    server.reader._transport.resume_reading()  # type: ignore[attr-defined]
    await server.exactly(100_000_000)


async def test_a_caller_that_does_not_read_stops_the_server(bench: Bench) -> None:
    caller, server = await bench.begun()
    server.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
    await caller.head()
    before = bench.resident_mib()
    caller.reader._transport.pause_reading()  # type: ignore[attr-defined]
    server.send(b"x" * 100_000_000)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await server.writer.drain()
    assert bench.resident_mib() - before < 8
    caller.reader._transport.resume_reading()  # type: ignore[attr-defined]
    await caller.exactly(100_000_000)
