"""Attempts in a real worker, counted: which failures are followed by another attempt, and what the client gets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.worker.conftest import Bench, Start, Wire, head, snapshot

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
BAD = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\n\r\nbad"
RETRY = {"attempts": 2, "backoffBaseSeconds": 0.0, "statuses": [503]}
WHOLE = {"percent": 100.0, "minPerSecond": 1000.0}
LONG = 30.0

Script = Callable[[int, bytes, bytes], bytes | None]
"""Number of the attempt from 0, head and body of a request to an answer; None: the connection ends without one."""


def config(*, budget: dict[str, Any] | None = None, **rule: Any) -> dict[str, Any]:
    """The snapshot of these tests: a rule that retries, and a budget that is no limit."""
    made = snapshot(**{"retry": RETRY, **rule})
    for backend in made["outbound"]["backends"]:
        backend["retryBudget"] = budget or WHOLE
    return made


class Server:
    """Answers every request as a script says, and keeps what it got."""

    def __init__(self, bench: Bench, script: Script) -> None:
        self._bench = bench
        self._script = script
        self.got: list[tuple[bytes, bytes]] = []
        self.connections = 0
        self._task = asyncio.create_task(self._accept())

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._task.cancel()

    async def _accept(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                wire = await self._bench.accepted.get()
                self.connections += 1
                group.create_task(self._serve(wire))

    async def _serve(self, wire: Wire) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = await wire.reader.readuntil(b"\r\n\r\n")
                lower = request.lower()
                body = b""
                if b"transfer-encoding: chunked" in lower:
                    body = await _chunks(wire)
                elif length := lower.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]:
                    body = await wire.reader.readexactly(int(length))
                self.got.append((request, body))
                answer = self._script(len(self.got) - 1, request, body)
                if answer is None:
                    wire.close()
                    return
                wire.send(answer)


async def _chunks(wire: Wire) -> bytes:
    """A body in chunks, as it was sent."""
    seen = b""
    while True:
        seen += (line := await wire.reader.readuntil(b"\r\n"))
        seen += await wire.reader.readexactly(int(line, 16) + 2)
        if line == b"0\r\n":
            return seen


def fails(times: int, answer: bytes | None = BAD) -> Script:
    """Gives a bad answer so many times, then good ones."""
    return lambda number, _head, _body: answer if number < times else OK


async def ask(caller: Wire, request: bytes = head("GET /")) -> bytes:
    """The whole answer."""
    caller.send(request)
    answer = await caller.head()
    length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return answer + await caller.exactly(length)


def failure(word: str, status: int = 503) -> bytes:
    """An answer that HAProxy made itself."""
    return f"HTTP/1.1 {status} X\r\nx-mesh-internal-failure: {word}\r\ncontent-length: 0\r\n\r\n".encode()


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
    bench = await start(config=config(retry=RETRY | {"grpcStatuses": [14]}))
    with Server(bench, fails(1, answer)) as server:
        got = await ask(await bench.call())
        assert len(server.got) == (2 if retried else 1)
        assert got.endswith(b"\r\n\r\nok") is retried
        status = await bench.status()
        assert status["retries"] == int(retried)
        assert (b"\r\nx-mesh-internal-attempts: 2\r\n" in got) is retried
        assert b"x-mesh-internal-failure" not in got


async def test_the_last_answer_is_the_clients(start: Start) -> None:
    bench = await start(config=config())
    with Server(bench, fails(99)) as server:
        caller = await bench.call()
        answer = await ask(caller)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert answer.endswith(b"bad")
        assert b"\r\nx-mesh-internal-attempts: 3\r\n" in answer
        assert len(server.got) == 3
        assert (await ask(caller)).endswith(b"bad"), "the connection serves further requests"
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
    bench = await start(config=config())
    with Server(bench, fails(1, answer)) as server:
        await ask(await bench.call(), request_bytes)
        assert [body for _, body in server.got] == [b"hi"] * attempts


async def test_every_method_on_explicit_wish(start: Start) -> None:
    bench = await start(config=config(retry=RETRY | {"methods": None}))
    with Server(bench, fails(1)) as server:
        assert (await ask(await bench.call(), head("POST /", "content-length: 2") + b"hi")).endswith(b"ok")
        assert len(server.got) == 2


async def test_without_a_rule_nothing_is_retried(start: Start) -> None:
    bench = await start()
    with Server(bench, fails(1)) as server:
        assert (await ask(await bench.call())).endswith(b"bad")
        assert len(server.got) == 1


async def test_the_rule_of_a_service_without_routes(start: Start) -> None:
    made = config()
    front = made["outbound"]["frontends"][0]
    front["rule"] = {"route": "Service/shop/api", "backends": [{"backend": "shop/api"}], "retry": RETRY}
    del front["routes"]
    bench = await start(config=made)
    with Server(bench, fails(1)) as server:
        assert (await ask(await bench.call())).endswith(b"ok")
        assert all(b"x-mesh-internal-backend: shop/api\r\n" in got for got, _ in server.got)


# --- bodies


@pytest.mark.parametrize("size", [0, 2, 65536])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_is_sent_again_whole(start: Start, size: int, chunked: bool) -> None:
    bench = await start(config=config())
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    data = b"%x\r\n%b\r\n0\r\n\r\n" % (size, body) if size else b"0\r\n\r\n"
    request = head("PUT /", "transfer-encoding: chunked" if chunked else f"content-length: {size}")
    with Server(bench, fails(2)) as server:
        assert (await ask(await bench.call(), request + (data if chunked else body))).endswith(b"ok")
        assert len(server.got) == 3
        contents = {_content(one) if chunked else one for _, one in server.got}
        assert contents == {body}


def _content(chunks: bytes) -> bytes:
    content = b""
    while True:
        size, _, chunks = chunks.partition(b"\r\n")
        if not int(size, 16):
            assert chunks == b"\r\n"
            return content
        content, chunks = content + chunks[: int(size, 16)], chunks[int(size, 16) + 2 :]


async def test_a_body_that_is_too_long_is_sent_once(start: Start) -> None:
    bench = await start(config=config())
    with Server(bench, fails(1)) as server:
        request = head("PUT /", "content-length: 65537") + b"x" * 65537
        assert (await ask(await bench.call(), request)).endswith(b"bad")
        assert len(server.got) == 1


async def test_all_kept_bodies_together_are_bounded(start: Start) -> None:
    bench = await start(config=config(), limits={"replay_total_bytes": 100})
    first, second = await bench.call(), await bench.call()
    first.send(head("PUT /", "content-length: 90") + b"a" * 80)
    held = await bench.upstream()
    await held.head()
    await held.exactly(80)
    with Server(bench, fails(1)) as server:
        assert (await ask(second, head("PUT /", "content-length: 30") + b"b" * 30)).endswith(b"bad")
        first.send(b"a" * 10)
        await held.exactly(10)
        held.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
        await first.head()
        server.got.clear()
        answer = await ask(second, head("PUT /", "content-length: 90") + b"b" * 90)
        assert answer.endswith(b"ok"), "room comes back with the answer"
        assert len(server.got) == 2


async def test_an_answer_before_the_body_is_whole(start: Start) -> None:
    """The second attempt gets what has come already, and then the rest."""
    bench = await start(config=config())
    caller = await bench.call()
    caller.send(head("PUT /", "expect: 100-continue", "content-length: 10") + b"12345")
    first = await bench.upstream()
    assert b"expect: 100-continue" in (await first.head()).lower()
    await first.exactly(5)
    first.send(BAD)
    second = await bench.upstream()
    assert b"expect" not in (await second.head()).lower()
    assert await second.exactly(5) == b"12345"
    caller.send(b"67890")
    assert await second.exactly(5) == b"67890"
    second.send(OK)
    assert (await caller.head()).startswith(b"HTTP/1.1 200 ")
    assert await first.ended()


async def test_trailers_are_sent_again(start: Start) -> None:
    bench = await start(config=config())
    caller = await bench.call()
    caller.send(head("PUT /", "transfer-encoding: chunked") + b"2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n")
    for answer in (BAD, OK):
        server = await bench.upstream() if answer is BAD else server  # noqa: F821 - of the round before
        await server.head()
        assert await server.until(b"x-sum: 7\r\n\r\n") == b"2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n"
        server.send(answer)
    assert (await caller.head()).startswith(b"HTTP/1.1 200 ")


# --- what has been passed on


async def test_an_answer_that_has_begun_is_never_replaced(start: Start) -> None:
    bench = await start(config=config())
    caller = await bench.call()
    caller.send(head("GET /"))
    server = await bench.upstream()
    await server.head()
    server.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart")
    await caller.head()
    await caller.exactly(4)
    server.close()
    assert await caller.ended()
    assert (await bench.status())["retries"] == 0


async def test_informational_answers_pass_and_settle_nothing(start: Start) -> None:
    bench = await start(config=config())
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
    with Server(bench, lambda number, _head, _body: early + (BAD if number == 0 else OK)) as server:
        caller = await bench.call()
        caller.send(head("GET /"))
        for _ in range(2):
            assert (await caller.head()).startswith(b"HTTP/1.1 103 ")
        assert (await caller.head()).startswith(b"HTTP/1.1 200 ")
        assert len(server.got) == 2


async def test_an_upgrade_may_take_two_attempts(start: Start) -> None:
    bench = await start(config=config())
    caller = await bench.call()
    caller.send(head("GET /ws", "connection: upgrade", "upgrade: websocket"))
    server = await bench.upstream()
    await server.head()
    server.send(BAD)
    assert b"upgrade: websocket" in await server.head()
    server.send(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello")
    assert (await caller.head()).startswith(b"HTTP/1.1 101 ")
    assert await caller.exactly(5) == b"hello"
    caller.send(b"ping")
    assert await server.exactly(4) == b"ping"


async def test_a_long_bad_answer_is_not_read_to_its_end(start: Start) -> None:
    bench = await start(config=config(), limits={"discarded_bytes": 1000})
    caller = await bench.call()
    caller.send(head("GET /"))
    first = await bench.upstream()
    await first.head()
    first.send(b"HTTP/1.1 503 X\r\ncontent-length: 100000\r\n\r\n" + b"x" * 2000)
    second = await bench.upstream()
    await second.head()
    second.send(OK)
    assert (await caller.head()).startswith(b"HTTP/1.1 200 ")
    assert await first.ended()


# --- time


async def test_a_try_that_takes_too_long_is_followed_by_another(start: Start) -> None:
    bench = await start(config=config(timeouts={"requestSeconds": LONG, "backendSeconds": 0.15}))
    caller = await bench.call()
    caller.send(head("GET /"))
    first = await bench.upstream()
    await first.head()
    second = await bench.upstream()
    assert await first.ended()
    await second.head()
    second.send(OK)
    assert (await caller.head()).startswith(b"HTTP/1.1 200 ")
    status = await bench.status()
    assert (status["retries"], status["timeouts"]) == (1, 0)


async def test_tries_that_all_take_too_long(start: Start) -> None:
    bench = await start(config=config(timeouts={"backendSeconds": 0.1}))
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
    bench = await start(config=config(retry=wait, timeouts={"requestSeconds": LONG - 1}))
    with Server(bench, fails(1)) as server:
        assert (await ask(await bench.call())).endswith(b"bad")
        assert len(server.got) == 1


async def test_the_limit_of_the_request_ends_the_second_attempt(start: Start) -> None:
    bench = await start(config=config(timeouts={"requestSeconds": 0.3}))
    caller = await bench.call()
    caller.send(head("GET /"))
    server = await bench.upstream()
    await server.head()
    server.send(BAD)
    await server.head()
    answer = await caller.head()
    assert answer.startswith(b"HTTP/1.1 504 ")
    assert b"\r\nx-mesh-error: request-timeout\r\n" in answer
    assert await server.ended()


async def test_a_client_that_goes_during_a_pause_ends_the_attempts(start: Start) -> None:
    wait = RETRY | {"backoffMinSeconds": 0.2, "backoffMaxSeconds": 0.2}
    bench = await start(config=config(retry=wait))
    with Server(bench, fails(99)) as server:
        caller = await bench.call()
        caller.send(head("GET /"))
        await bench.counted("retries", 1)
        caller.close()
        other = await bench.call()
        assert (await ask(other)).endswith(b"bad")  # takes longer than the pause that was left
        assert len(server.got) == 1 + 3


async def test_the_next_hop_is_told_what_is_left(start: Start) -> None:
    bench = await start(config=config(timeouts={"requestSeconds": 20.0, "backendSeconds": 10.0}))
    with Server(bench, fails(2)) as server:
        call = head("POST /s/m", "content-type: application/grpc", "grpc-timeout: 5S", "idempotency-key: 1")
        assert (await ask(await bench.call(), call)).endswith(b"ok")
        for request, _ in server.got:
            assert 9_000 < _number(request, b"x-mesh-timeout-ms") <= 10_000
            assert request.count(b"x-mesh-timeout-ms") == 1
            assert 4_000 < _number(request, b"grpc-timeout") <= 5_000
        assert (await ask(await bench.call())).endswith(b"ok")
        assert b"grpc-timeout" not in server.got[-1][0]


async def test_without_a_limit_nobody_is_told_of_one(start: Start) -> None:
    bench = await start(config=config())
    with Server(bench, fails(0)) as server:
        await ask(await bench.call(), head("POST /", "content-type: application/grpc", "grpc-timeout: 5S"))
        assert b"x-mesh-timeout-ms" not in server.got[0][0]
        assert b"grpc-timeout: 5S\r\n" in server.got[0][0]


def _number(request: bytes, name: bytes) -> int:
    return int(request.lower().partition(name + b": ")[2].partition(b"\r\n")[0].rstrip(b"m"))


# --- the budget, and faults under retries


async def test_a_backend_that_always_fails_gets_a_quarter_more(start: Start) -> None:
    """1,000 requests that want two retries each, a budget of 25 % and 5 a second over 10 seconds."""
    budget = {"percent": 25.0, "minPerSecond": 5.0, "intervalSeconds": 10.0}
    bench = await start(config=config(budget=budget))
    with Server(bench, fails(10_000)) as server:
        callers = [await bench.call() for _ in range(10)]
        for _ in range(100):
            answers = await asyncio.gather(*(ask(caller) for caller in callers))
            assert all(answer.endswith(b"bad") for answer in answers), "past the budget the last answer is given"
        attempts = len(server.got)
        status = await bench.status()
    floor = 5 * 10
    assert 1.2 <= (attempts - floor) / 1000 <= 1.25
    assert status["retries"] == attempts - 1000
    assert status["retriesOverBudget"] >= 1000 - status["retries"]


async def test_a_budget_is_shared_by_all_routes_to_a_service(start: Start) -> None:
    made = config(budget={"percent": 0.0, "minPerSecond": 0.2, "intervalSeconds": 10.0})
    made["outbound"]["frontends"][0]["routes"]["rules"][0]["retry"] = RETRY
    for backend in made["outbound"]["backends"]:
        backend["service"] = "shop/api"
    bench = await start(config=made)
    with Server(bench, fails(99)) as server:
        caller = await bench.call()
        await ask(caller, head("GET /payment"))
        assert len(server.got) == 1 + 2
        await ask(caller)
        assert len(server.got) == 3 + 1
        await bench.configure(made)
        await ask(caller)
        assert len(server.got) == 4 + 1, "a snapshot does not fill it again"


async def test_past_the_budget_of_the_gateway_api(start: Start) -> None:
    bench = await start(config=config(budget={"percent": 0.0, "minPerSecond": 0.0, "overStatus": 503}))
    bad = b"HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n"
    await bench.configure(
        config(
            budget={"percent": 0.0, "minPerSecond": 0.0, "overStatus": 503},
            retry=RETRY | {"statuses": [500]},
        )
    )
    with Server(bench, fails(1, bad)):
        answer = await ask(await bench.call())
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nx-mesh-error: retry-budget-exhausted\r\n" in answer


async def test_a_fault_is_a_failed_attempt(start: Start) -> None:
    """Half of the attempts abort, one retry: a quarter of the requests fails. Chance gives, in turn, requests whose
    two attempts abort, whose first does, and two whose first does not (the draw between is that of the pause)."""
    fault = {"name": "broken", "percent": 50.0, "abortStatus": 503}
    retry = RETRY | {"attempts": 1}
    bench = await start(config=config(retry=retry, faults=[fault]), chance=[0.1, 0.0, 0.2, 0.3, 0.0, 0.8, 0.7, 0.9])
    with Server(bench, fails(0)) as server:
        caller = await bench.call()
        answers = [await ask(caller) for _ in range(400)]
    failed = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503 ")]
    assert all(b"\r\nx-mesh-internal-fault: broken\r\n" in answer for answer in failed)
    assert len(failed) == 100
    assert len(server.got) == 300
    assert (await bench.status())["retries"] == 200


async def test_a_fault_over_its_budget(start: Start) -> None:
    """The same with a budget of 25 %: retries stay within it, what is beyond fails."""
    fault = {"name": "broken", "percent": 100.0, "abortStatus": 503}
    budget = {"percent": 25.0, "minPerSecond": 1.0, "intervalSeconds": 10.0}
    bench = await start(config=config(budget=budget, faults=[fault]))
    caller = await bench.call()
    for _ in range(200):
        assert (await ask(caller)).startswith(b"HTTP/1.1 503 ")
    assert (await bench.status())["retries"] == 50 + 10
    assert bench.accepted.empty()
