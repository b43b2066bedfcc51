"""HTTP/1.1 through the worker: raw bytes in, raw bytes out."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.integration.worker.conftest import OK, Bench, Start, head


async def test_a_request_goes_to_the_backend_of_its_rule(bench: Bench) -> None:
    caller = await bench.call()
    caller.send(head("GET /payment/7?a=b", "x-one: 1"))
    server = await bench.upstream()
    seen = await server.head()
    assert seen.startswith(b"GET /payment/7?a=b HTTP/1.1\r\nHost: api\r\nx-one: 1\r\n")
    assert b"\r\nx-mesh-internal-backend: shop/payment\r\n" in seen
    assert b"\r\nx-mesh-internal-id: id-1\r\n" in seen
    assert b"x-mesh-internal-frontend" not in seen
    server.send(OK)
    answer = await caller.head()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"x-mesh-internal-rule: payment" in answer
    assert await caller.exactly(2) == b"ok"


async def test_both_connections_are_kept(bench: Bench) -> None:
    caller = await bench.call()
    caller.send(head("GET /"))
    server = await bench.upstream()
    for _ in range(3):
        await server.head()
        server.send(OK)
        assert b" 200 " in await caller.head()
        await caller.exactly(2)
        caller.send(head("GET /"))
    await server.head()
    assert bench.accepted.empty()


async def test_chunks_and_trailers_pass_in_both_directions(bench: Bench) -> None:
    caller = await bench.call()
    caller.send(head("POST /", "transfer-encoding: chunked", "te: trailers"))
    caller.send(b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nx-sum: 11\r\nx-mesh-internal-backend: other\r\n\r\n")
    server = await bench.upstream()
    seen = await server.head()
    assert b"\r\ntransfer-encoding: chunked\r\n" in seen
    assert b"\r\nte: trailers\r\n" in seen
    body = await server.until(b"x-sum: 11\r\n\r\n")
    assert body.replace(b"5\r\nhello\r\n6\r\n world\r\n", b"b\r\nhello world\r\n") == (
        b"b\r\nhello world\r\n0\r\nx-sum: 11\r\n\r\n"
    )
    server.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\ngrpc-status: 0\r\n\r\n")
    assert b"\r\ntransfer-encoding: chunked\r\n" in await caller.head()
    assert await caller.until(b"\r\n\r\n") == b"2\r\nok\r\n0\r\ngrpc-status: 0\r\n\r\n"


async def test_both_directions_stream_at_the_same_time(bench: Bench) -> None:
    caller, server = await bench.begun(head("POST /", "transfer-encoding: chunked"))
    server.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    await caller.head()
    for ball in (b"ping", b"pong", b"last"):
        caller.send(b"4\r\n" + ball + b"\r\n")
        assert await server.exactly(9) == b"4\r\n" + ball + b"\r\n"
        server.send(b"4\r\n" + ball + b"\r\n")
        assert await caller.exactly(9) == b"4\r\n" + ball + b"\r\n"
    caller.send(b"0\r\n\r\n")
    assert await server.exactly(5) == b"0\r\n\r\n"
    server.send(b"0\r\n\r\n")
    assert await caller.exactly(5) == b"0\r\n\r\n"


async def test_an_early_answer_arrives_although_the_request_goes_on(bench: Bench) -> None:
    caller, server = await bench.begun(head("POST /", "content-length: 10") + b"12345")
    server.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
    assert b" 413 " in await caller.head()
    assert await server.exactly(5) == b"12345"
    assert await server.ended()
    caller.send(b"67890" + head("GET /"))
    second = await bench.upstream()
    await second.head()
    second.send(OK)
    assert b" 200 " in await caller.head()


async def test_an_unread_body_is_thrown_away_up_to_a_limit(start: Start) -> None:
    bench = await start(limits={"unread_body_bytes": 1000}, config=None)
    caller = await bench.call()
    caller.send(head("POST /", "content-length: 100000"))
    assert b" 503 " in await caller.head()
    await caller.until(b"no-configuration\n")
    caller.send(b"x" * 5000)
    assert await caller.ended()


async def test_an_unread_body_is_waited_for_up_to_a_limit(start: Start) -> None:
    bench = await start(limits={"unread_body_seconds": 0.2}, config=None)
    caller = await bench.call()
    caller.send(head("POST /", "content-length: 100"))
    assert b" 503 " in await caller.head()
    await caller.until(b"no-configuration\n")
    assert await caller.ended()


async def test_informational_answers_pass(bench: Bench) -> None:
    caller = await bench.call()
    caller.send(head("POST /", "expect: 100-continue", "content-length: 2"))
    server = await bench.upstream()
    assert b"\r\nexpect: 100-continue\r\n" in await server.head()
    server.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
    assert await caller.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert await caller.head() == b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    caller.send(b"hi")
    assert await server.exactly(2) == b"hi"
    server.send(OK)
    assert b" 200 " in await caller.head()


async def test_an_expectation_that_is_refused_closes_the_connection(start: Start) -> None:
    bench = await start(config=None)
    caller = await bench.call()
    caller.send(head("POST /", "expect: 100-continue", "content-length: 2"))
    answer = await caller.rest()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nconnection: close\r\n" in answer


@pytest.mark.parametrize(
    ("method", "answer", "expected"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n", b"\r\ncontent-length: 500\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"\r\ntransfer-encoding: chunked\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 500\r\n\r\n", b"\r\ncontent-length: 500\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n", b"204 No Content\r\n"),
    ],
)
async def test_answers_without_a_body(bench: Bench, method: str, answer: bytes, expected: bytes) -> None:
    caller, server = await bench.begun(head(f"{method} /"))
    server.send(answer)
    assert expected in await caller.head()
    caller.send(head("GET /again"))
    assert (await server.head()).startswith(b"GET /again ")
    server.send(OK)
    assert (await caller.head()).startswith(b"HTTP/1.1 200 OK")


async def test_an_answer_that_ends_with_its_connection_is_passed_whole(bench: Bench) -> None:
    caller, server = await bench.begun()
    server.send(b"HTTP/1.1 200 OK\r\n\r\nsome")
    assert b"\r\ntransfer-encoding: chunked\r\n" in await caller.head()
    assert await caller.exactly(9) == b"4\r\nsome\r\n"
    server.send(b"more")
    server.close()
    assert await caller.until(b"0\r\n\r\n") == b"4\r\nmore\r\n0\r\n\r\n"


async def test_http_1_0_gets_no_chunks(bench: Bench) -> None:
    caller, server = await bench.begun(head("GET /").replace(b"HTTP/1.1", b"HTTP/1.0"))
    server.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n")
    answer = await caller.rest()
    assert b"transfer-encoding" not in answer
    assert answer.endswith(b"\r\n\r\nbody")


async def test_a_grpc_answer_without_a_body_says_so_in_its_head(bench: Bench) -> None:
    caller = await bench.call()
    caller.send(head("POST /a.B/C", "content-type: application/grpc", "transfer-encoding: chunked") + b"0\r\n\r\n")
    server = await bench.upstream()
    await server.until(b"0\r\n\r\n")
    server.send(b"HTTP/1.1 200 OK\r\ngrpc-status: 5\r\ntransfer-encoding: chunked\r\n\r\n")
    server.send(b"0\r\n\r\n")
    answer = await caller.head()
    assert b"\r\ncontent-length: 0\r\n" in answer
    assert b"transfer-encoding" not in answer
    assert b"\r\ngrpc-status: 5\r\n" in answer


async def test_hop_by_hop_and_internal_fields_end_here(bench: Bench) -> None:
    caller = await bench.call()
    fields = (
        "connection: x-private, keep-alive",
        "x-private: 1",
        "keep-alive: timeout=5",
        "proxy-connection: keep-alive",
    )
    caller.send(head("GET /", *fields, "te: gzip", "x-mesh-internal-mirror: 1", "upgrade: h2c"))
    server = await bench.upstream()
    seen = (await server.head()).lower()
    for name in (b"x-private", b"keep-alive", b"proxy-connection", b"te:", b"mirror", b"upgrade", b"\nconnection"):
        assert name not in seen, name
    server.send(b"HTTP/1.1 200 OK\r\nx-mesh-internal-route: forged\r\nconnection: x-hop\r\nx-hop: 1\r\n")
    server.send(b"content-length: 0\r\n\r\n")
    answer = await caller.head()
    assert b"forged" not in answer
    assert b"x-hop" not in answer


async def test_pipelined_requests_are_answered_in_order(bench: Bench) -> None:
    caller = await bench.call()
    caller.send(b"".join(head(f"GET /{i}") for i in range(5)))
    server = await bench.upstream()
    for i in range(5):
        assert (await server.head()).startswith(b"GET /%d " % i)
        server.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%d" % i)
    for i in range(5):
        await caller.head()
        assert await caller.exactly(1) == b"%d" % i


async def test_an_upgrade_becomes_a_tunnel(bench: Bench) -> None:
    caller = await bench.call()
    caller.send(head("GET /ws", "connection: Upgrade", "upgrade: websocket", "sec-websocket-key: x") + b"early")
    server = await bench.upstream()
    seen = await server.head()
    assert b"\r\nconnection: upgrade\r\nupgrade: websocket\r\n" in seen
    server.send(
        b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: y\r\n\r\nhi"
    )
    answer = await caller.head()
    assert b"\r\nupgrade: websocket\r\n" in answer
    assert b"\r\nsec-websocket-accept: y\r\n" in answer
    assert await caller.exactly(2) == b"hi"
    assert await server.exactly(5) == b"early"
    big = bytes(range(256)) * 4096
    caller.send(big)
    assert await server.exactly(len(big)) == big
    caller.writer.write_eof()
    assert await server.rest() == b""
    server.send(b"bye")
    server.close()
    assert await caller.rest() == b"bye"


@pytest.mark.parametrize("nominated", [b"", b"connection: upgrade\r\n"])
async def test_what_a_server_requires_to_upgrade_to_is_told(nominated: bytes, bench: Bench) -> None:
    caller, server = await bench.begun(head("GET /ws"))
    server.send(b"HTTP/1.1 426 Upgrade Required\r\n" + nominated + b"upgrade: websocket\r\ncontent-length: 0\r\n\r\n")
    answer = await caller.head()
    assert b"\r\nconnection: upgrade\r\nupgrade: websocket\r\n" in answer


async def test_an_upgrade_that_nobody_asked_for_is_refused(bench: Bench) -> None:
    caller, server = await bench.begun()
    server.send(b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")
    answer = await caller.head()
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"x-mesh-error: unexpected-upgrade" in answer


async def test_a_drain_finishes_what_is_in_flight(bench: Bench) -> None:
    idle, busy = await bench.call(), await bench.call()
    busy.send(head("GET /"))
    server = await bench.upstream()
    await server.head()
    bench.process.send_signal(signal.SIGTERM)
    assert await idle.ended()
    server.send(OK)
    answer = await busy.rest()
    assert b"\r\nconnection: close\r\n" in answer
    assert answer.endswith(b"ok")
    assert await asyncio.to_thread(bench.process.wait, 5) == 0
