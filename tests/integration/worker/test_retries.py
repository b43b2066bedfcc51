"""Attempts in a real worker, counted: which failures are followed by another attempt, and what the client gets."""

from __future__ import annotations

import pytest

from tests.integration.worker.conftest import OK, Start, head
from tests.integration.worker.retrying import RETRY, retrying
from tests.integration.worker.scripted import BAD, Server, fails, failure


@pytest.mark.parametrize(
    ("answer", "retried"),
    [
        (BAD, True),
        (None, True),
        (failure("connect"), True),
        (failure("reset", 502), True),
        (failure("timeout", 504), True),
        (failure("circuit"), False),
        (failure("no-endpoint"), False),
        (b"HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n", False),
        (b"HTTP/1.1 429 X\r\ncontent-length: 0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\ngrpc-status: 14\r\ncontent-length: 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\ngrpc-status: 5\r\ncontent-length: 0\r\n\r\n", False),
    ],
)
async def test_what_is_retried(start: Start, answer: bytes | None, retried: bool) -> None:
    bench = await start(config=retrying(retry=RETRY | {"grpcStatuses": [14]}))
    with Server(bench, fails(1, answer)) as server:
        got = await (await bench.call()).ask()
        assert len(server.got) == (2 if retried else 1)
        assert got.endswith(b"\r\n\r\nok") is retried
        status = await bench.status()
        assert status["retries"] == int(retried)
        assert (b"\r\nx-mesh-internal-attempts: 2\r\n" in got) is retried
        assert b"x-mesh-internal-failure" not in got


async def test_the_last_answer_is_the_clients(start: Start) -> None:
    bench = await start(config=retrying())
    with Server(bench, fails(99)) as server:
        caller = await bench.call()
        answer = await caller.ask()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert answer.endswith(b"bad")
        assert b"\r\nx-mesh-internal-attempts: 3\r\n" in answer
        assert len(server.got) == 3
        assert (await caller.ask()).endswith(b"bad"), "the connection serves further requests"
        assert server.connections <= 2, "the connections of failed attempts are used again"


@pytest.mark.parametrize(
    ("request_bytes", "answer", "attempts"),
    [
        (head("POST /", "content-length: 2") + b"hi", BAD, 1),
        (head("PATCH /", "content-length: 2") + b"hi", None, 1),
        (head("POST /", "idempotency-key: 7", "content-length: 2") + b"hi", BAD, 2),
        (head("PUT /", "content-length: 2") + b"hi", BAD, 2),
        (head("POST /", "content-length: 2") + b"hi", failure("connect"), 2),
    ],
)
async def test_only_what_is_safe_is_sent_twice(
    start: Start, request_bytes: bytes, answer: bytes | None, attempts: int
) -> None:
    bench = await start(config=retrying())
    with Server(bench, fails(1, answer)) as server:
        await (await bench.call()).ask(request_bytes)
        assert [body for _, body in server.got] == [b"hi"] * attempts


async def test_every_method_on_explicit_wish(start: Start) -> None:
    bench = await start(config=retrying(retry=RETRY | {"methods": None}))
    with Server(bench, fails(1)) as server:
        assert (await (await bench.call()).ask(head("POST /", "content-length: 2") + b"hi")).endswith(b"ok")
        assert len(server.got) == 2


async def test_without_a_rule_nothing_is_retried(start: Start) -> None:
    bench = await start()
    with Server(bench, fails(1)) as server:
        assert (await (await bench.call()).ask()).endswith(b"bad")
        assert len(server.got) == 1


async def test_the_rule_of_a_service_without_routes(start: Start) -> None:
    made = retrying()
    front = made["outbound"]["frontends"][0]
    front["rule"] = {"route": "Service/shop/api", "backends": [{"backend": "shop/api"}], "retry": RETRY}
    del front["routes"]
    bench = await start(config=made)
    with Server(bench, fails(1)) as server:
        assert (await (await bench.call()).ask()).endswith(b"ok")
        assert all(b"x-mesh-internal-backend: shop/api\r\n" in got for got, _ in server.got)


async def test_an_answer_that_has_begun_is_never_replaced(start: Start) -> None:
    bench = await start(config=retrying())
    caller, server = await bench.begun()
    server.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart")
    await caller.head()
    await caller.exactly(4)
    server.close()
    assert await caller.ended()
    assert (await bench.status())["retries"] == 0


async def test_informational_answers_pass_and_settle_nothing(start: Start) -> None:
    bench = await start(config=retrying())
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    with Server(bench, lambda number, _head, _body: early + (BAD if number == 0 else OK)) as server:
        caller = await bench.call()
        caller.send(head("GET /"))
        for _ in range(2):
            assert (await caller.head()).startswith(b"HTTP/1.1 103 ")
        assert (await caller.head()).startswith(b"HTTP/1.1 200 ")
        assert len(server.got) == 2


async def test_an_upgrade_may_take_two_attempts(start: Start) -> None:
    bench = await start(config=retrying())
    caller, server = await bench.begun(head("GET /ws", "connection: upgrade", "upgrade: websocket"))
    server.send(BAD)
    assert b"upgrade: websocket" in await server.head()
    server.send(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello")
    assert (await caller.head()).startswith(b"HTTP/1.1 101 ")
    assert await caller.exactly(5) == b"hello"
    caller.send(b"ping")
    assert await server.exactly(4) == b"ping"


async def test_a_long_bad_answer_is_not_read_to_its_end(start: Start) -> None:
    bench = await start(config=retrying(), limits={"discarded_bytes": 1000})
    caller, first = await bench.begun()
    first.send(b"HTTP/1.1 503 X\r\ncontent-length: 100000\r\n\r\n" + b"x" * 2000)
    second = await bench.upstream()
    await second.head()
    second.send(OK)
    assert (await caller.head()).startswith(b"HTTP/1.1 200 ")
    assert await first.ended()
