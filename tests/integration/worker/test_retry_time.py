"""Attempts and time: limits of a try and of the whole request, pauses, and what the next hop is told."""

from __future__ import annotations

from tests.integration.worker.conftest import OK, Start, head
from tests.integration.worker.retrying import RETRY, retrying
from tests.integration.worker.scripted import BAD, Server, fails

LONG = 30.0


async def test_a_try_that_takes_too_long_is_followed_by_another(start: Start) -> None:
    bench = await start(config=retrying(timeouts={"requestSeconds": LONG, "backendSeconds": 0.15}))
    caller, first = await bench.begun()
    second = await bench.upstream()
    assert await first.ended()
    await second.head()
    second.send(OK)
    assert (await caller.head()).startswith(b"HTTP/1.1 200 ")
    status = await bench.status()
    assert (status["retries"], status["timeouts"]) == (1, 0)


async def test_tries_that_all_take_too_long(start: Start) -> None:
    bench = await start(config=retrying(timeouts={"backendSeconds": 0.1}))
    caller = await bench.call()
    caller.send(head("GET /"))
    for _ in range(3):
        await (await bench.upstream()).head()
    answer = await caller.head()
    assert answer.startswith(b"HTTP/1.1 504 ")
    assert b"\r\nx-mesh-error: backend-timeout\r\n" in answer
    assert (await bench.status())["timeouts"] == 1


async def test_the_limit_of_the_request_ends_a_pause(start: Start) -> None:
    """A pause that would take longer is not begun: the last answer is given at once."""
    wait = RETRY | {"backoffMinSeconds": LONG, "backoffMaxSeconds": LONG}
    bench = await start(config=retrying(retry=wait, timeouts={"requestSeconds": LONG - 1}))
    with Server(bench, fails(1)) as server:
        assert (await (await bench.call()).ask()).endswith(b"bad")
        assert len(server.got) == 1


async def test_the_limit_of_the_request_ends_the_second_attempt(start: Start) -> None:
    bench = await start(config=retrying(timeouts={"requestSeconds": 0.3}))
    caller, server = await bench.begun()
    server.send(BAD)
    await server.head()
    answer = await caller.head()
    assert answer.startswith(b"HTTP/1.1 504 ")
    assert b"\r\nx-mesh-error: request-timeout\r\n" in answer
    assert await server.ended()


async def test_a_client_that_goes_during_a_pause_ends_the_attempts(start: Start) -> None:
    wait = RETRY | {"backoffMinSeconds": 0.2, "backoffMaxSeconds": 0.2}
    bench = await start(config=retrying(retry=wait))
    with Server(bench, fails(99)) as server:
        caller = await bench.call()
        caller.send(head("GET /"))
        await bench.counted("retries", 1)
        caller.close()
        other = await bench.call()
        assert (await other.ask()).endswith(b"bad")  # takes longer than the pause that was left
        assert len(server.got) == 1 + 3


async def test_the_next_hop_is_told_what_is_left(start: Start) -> None:
    bench = await start(config=retrying(timeouts={"requestSeconds": 20.0, "backendSeconds": 10.0}))
    with Server(bench, fails(2)) as server:
        call = head("POST /s/m", "content-type: application/grpc", "grpc-timeout: 5S", "idempotency-key: 1")
        assert (await (await bench.call()).ask(call)).endswith(b"ok")
        for request, _ in server.got:
            assert 9_000 < _number(request, b"x-mesh-timeout-ms") <= 10_000
            assert request.count(b"x-mesh-timeout-ms") == 1
            assert 4_000 < _number(request, b"grpc-timeout") <= 5_000
        assert (await (await bench.call()).ask()).endswith(b"ok")
        assert b"grpc-timeout" not in server.got[-1][0]


async def test_without_a_limit_nobody_is_told_of_one(start: Start) -> None:
    bench = await start(config=retrying())
    with Server(bench, fails(0)) as server:
        await (await bench.call()).ask(head("POST /", "content-type: application/grpc", "grpc-timeout: 5S"))
        assert b"x-mesh-timeout-ms" not in server.got[0][0]
        assert b"grpc-timeout: 5S\r\n" in server.got[0][0]


def _number(request: bytes, name: bytes) -> int:
    return int(request.lower().partition(name + b": ")[2].partition(b"\r\n")[0].rstrip(b"m"))
