"""Limits of a rule: 504 when they pass, and nothing else of the connection is disturbed."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from tests.integration.worker.conftest import OK, Bench, Start, Wire, head, snapshot

SHORT = 0.15
LONG = 30.0


async def late(caller: Wire, reason: str) -> None:
    answer = await caller.answer()
    assert answer.startswith(b"HTTP/1.1 504 ")
    assert f"x-mesh-error: {reason}\r\n".encode() in answer


async def answered(bench: Bench, caller: Wire, path: str = "/next") -> None:
    """A further request on the same connection, answered at once."""
    caller.send(head(f"GET {path}"))
    server = await bench.upstream()
    assert (await server.head()).startswith(f"GET {path} ".encode())
    server.send(OK)
    assert (await caller.head()).startswith(b"HTTP/1.1 200 ")
    assert await caller.exactly(2) == b"ok"


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"requestSeconds": SHORT}, "request-timeout"),
        ({"backendSeconds": SHORT}, "backend-timeout"),
        ({"requestSeconds": LONG, "backendSeconds": SHORT}, "backend-timeout"),
    ],
)
async def test_a_server_that_does_not_answer(start: Start, limits: dict[str, float], reason: str) -> None:
    bench = await start(config=snapshot(timeouts=limits))
    caller, server = await bench.begun()
    await late(caller, reason)
    assert await server.ended(), "the server's connection is given up with the request"
    assert (await bench.status())["timeouts"] == 1
    await answered(bench, caller)


async def test_a_fault_counts_too(start: Start) -> None:
    fault = {"name": "slow", "delaySeconds": LONG, "headers": [{"name": "x-chaos", "value": "on"}]}
    bench = await start(config=snapshot(timeouts={"requestSeconds": SHORT}, faults=[fault]))
    caller = await bench.call()
    # The next request is there already: it must not be mixed up with the one that is late.
    caller.send(head("GET /", "x-chaos: on") + head("GET /second"))
    await late(caller, "request-timeout")
    server = await bench.upstream()
    assert (await server.head()).startswith(b"GET /second ")
    server.send(OK)
    assert (await caller.head()).startswith(b"HTTP/1.1 200 ")


async def test_an_answer_that_has_begun_is_cut(start: Start) -> None:
    bench = await start(config=snapshot(timeouts={"requestSeconds": SHORT}))
    caller, server = await bench.begun()
    server.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart")
    assert (await caller.head()).startswith(b"HTTP/1.1 200 ")
    assert await caller.exactly(4) == b"part"
    assert await caller.ended()
    assert await server.ended()


async def test_a_body_that_does_not_come(start: Start) -> None:
    bench = await start(config=snapshot(timeouts={"requestSeconds": SHORT}))
    caller, server = await bench.begun(head("POST /", "content-length: 100") + b"part")
    assert await server.exactly(4) == b"part"
    await late(caller, "request-timeout")
    assert await server.ended()


@pytest.mark.parametrize("timeouts", [{}, {"requestSeconds": LONG, "backendSeconds": LONG}])
async def test_what_is_in_time_is_not_disturbed(start: Start, timeouts: dict[str, Any]) -> None:
    bench = await start(config=snapshot(timeouts=timeouts))
    caller = await bench.call()
    await answered(bench, caller, "/first")
    assert (await bench.status())["timeouts"] == 0


async def test_a_tunnel_has_no_limit(start: Start) -> None:
    bench = await start(config=snapshot(timeouts={"requestSeconds": SHORT, "backendSeconds": SHORT}))
    caller, server = await bench.begun(head("GET /ws", "connection: upgrade", "upgrade: websocket"))
    server.send(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
    assert (await caller.head()).startswith(b"HTTP/1.1 101 ")
    other = await bench.call()
    other.send(head("GET /late"))  # the same limits: when it is late, they have passed for the tunnel as well
    await (await bench.upstream()).head()
    await late(other, "request-timeout")
    caller.send(b"ping")
    assert await server.exactly(4) == b"ping"
    assert (await bench.status())["timeouts"] == 1


SAYS_LATE = b"HTTP/1.1 504 X\r\nx-mesh-internal-failure: timeout\r\ncontent-length: 4\r\n\r\nlate"
HANDED_ON = re.compile(rb"\r\nx-mesh-internal-timeout: (\d+)\r\n")


@pytest.mark.parametrize(
    ("timeouts", "reason"),
    [
        ({"requestSeconds": LONG, "backendSeconds": LONG / 2}, "backend-timeout"),
        ({"requestSeconds": LONG / 2}, "request-timeout"),
        ({"requestSeconds": LONG / 2, "backendSeconds": LONG / 2}, "request-timeout"),
    ],
    ids=["attempt", "request", "both-at-once"],
)
async def test_haproxy_gives_an_endpoint_up(start: Start, timeouts: dict[str, float], reason: str) -> None:
    bench = await start(config=snapshot(timeouts=timeouts))
    caller = await bench.call()
    caller.send(head("GET /"))
    server = await bench.upstream()
    told = HANDED_ON.search(await server.head())
    assert told is not None
    assert LONG * 400 < int(told[1]) <= LONG * 500
    server.send(SAYS_LATE)
    await late(caller, reason)
    assert (await bench.status())["timeouts"] == 1


async def test_no_attempt_follows_the_end_of_the_request(start: Start) -> None:
    """Though HAProxy's word comes before the worker's own limit has passed."""
    bench = await start(config=snapshot(timeouts={"requestSeconds": LONG}, retry={"attempts": 3, "on": ["Timeout"]}))
    caller = await bench.call()
    caller.send(head("GET /"))
    server = await bench.upstream()
    await server.head()
    server.send(SAYS_LATE)
    await late(caller, "request-timeout")
    assert (await bench.status())["retries"] == 0


@pytest.mark.parametrize("limit", ["requestSeconds", "backendSeconds"])
@pytest.mark.parametrize("comes", [OK, b""], ids=["answer", "end"])
async def test_what_comes_while_the_word_of_haproxy_is_awaited_is_too_late(
    start: Start, limit: str, comes: bytes
) -> None:
    """An answer would only be cut; and an end is not a failure of another kind."""
    bench = await start(config=snapshot(timeouts={limit: SHORT}))
    reason = "request-timeout" if limit == "requestSeconds" else "backend-timeout"
    caller, other = await bench.call(), await bench.call()
    caller.send(head("GET /"))
    server = await bench.upstream()
    await server.head()
    other.send(head("POST /later", "content-length: 9"))  # it has no body yet, so nobody's word is awaited
    await (await bench.upstream()).head()
    await late(other, reason)
    server.send(comes) if comes else server.close()
    await late(caller, reason)


async def test_what_is_left_by_other_attempts_is_not_handed_on(start: Start) -> None:
    limits = {"requestSeconds": 1.0, "backendSeconds": 0.6}
    bench = await start(config=snapshot(timeouts=limits, retry={"attempts": 1, "on": ["Timeout"]}))
    caller = await bench.call()
    caller.send(head("GET /"))
    first = await bench.upstream()
    assert HANDED_ON.search(await first.head())
    second = await bench.upstream()
    again = await second.head()
    assert b"\r\nx-mesh-timeout-ms: " in again
    assert not HANDED_ON.search(again)
    await late(caller, "request-timeout")


async def test_another_attempt_follows_what_haproxy_gave_up(start: Start) -> None:
    limits = {"backendSeconds": LONG}
    bench = await start(config=snapshot(timeouts=limits, retry={"attempts": 1, "on": ["Timeout"]}))
    caller, server = await bench.begun()
    server.send(SAYS_LATE)
    assert HANDED_ON.search(await server.head()), "each attempt has the whole limit"
    server.send(OK)
    assert (await caller.head()).startswith(b"HTTP/1.1 200 ")
    status = await bench.status()
    assert (status["retries"], status["timeouts"]) == (1, 0)


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"timeouts": {"idleSeconds": LONG}},
        {"timeouts": {"requestSeconds": LONG}, "faults": [{"name": "slow", "delaySeconds": 0.01}]},
        {"timeouts": {"backendSeconds": LONG}, "faults": [{"name": "slow", "delaySeconds": 0.01}]},
    ],
)
async def test_what_is_not_the_endpoints_silence_is_not_handed_on(start: Start, rule: dict[str, Any]) -> None:
    bench = await start(config=snapshot(**rule))
    caller = await bench.call()
    caller.send(head("GET /"))
    assert b"x-mesh-internal-timeout" not in await (await bench.upstream()).head()


async def test_silence_before_an_answer_is_504(start: Start) -> None:
    bench = await start(config=snapshot(timeouts={"idleSeconds": SHORT}))
    caller, server = await bench.begun()
    await late(caller, "idle-timeout")
    assert await server.ended()


async def test_silence_within_an_answer_cuts_it(start: Start) -> None:
    bench = await start(config=snapshot(timeouts={"idleSeconds": SHORT}))
    caller, server = await bench.begun()
    server.send(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart")
    assert (await caller.head()).startswith(b"HTTP/1.1 200 ")
    assert await caller.exactly(4) == b"part"
    assert await caller.ended()


@pytest.mark.parametrize("talks", ["caller", "server"])
async def test_who_talks_is_not_silent(start: Start, talks: str) -> None:
    """Pieces that come more often than the limit, for longer than it."""
    bench = await start(config=snapshot(timeouts={"idleSeconds": 0.4}))
    caller, other = await bench.call(), await bench.call()
    caller.send(head("POST /", "content-length: 8"))
    server = await bench.upstream()
    await server.head()
    if talks == "server":
        caller.send(b"x" * 8)
        server.send(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n")
        await caller.head()
    source, target = (caller, server) if talks == "caller" else (server, caller)
    if talks == "server":
        await server.exactly(8)
    other.send(head("GET /silent"))  # sent at the same time: when it is late, the limit has passed once
    await (await bench.upstream()).head()
    done = asyncio.create_task(late(other, "idle-timeout"))
    for _ in range(7):
        source.send(b"y")
        await target.exactly(1)
        await asyncio.wait([done], timeout=0.1)
    assert done.done()
    source.send(b"y")
    assert await target.exactly(1) == b"y"


async def test_a_tunnel_may_not_be_silent_for_ever(start: Start) -> None:
    bench = await start(config=snapshot(timeouts={"requestSeconds": LONG, "idleSeconds": SHORT}))
    caller, server = await bench.begun(head("GET /ws", "connection: upgrade", "upgrade: websocket"))
    server.send(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
    assert (await caller.head()).startswith(b"HTTP/1.1 101 ")
    assert await caller.ended()
    assert await server.ended()


async def test_a_page_can_read_an_answer_of_the_mesh(start: Start) -> None:
    """504, a fault, a redirect: with the rule's CORS and header changes, once."""
    rule: dict[str, Any] = {
        "timeouts": {"requestSeconds": SHORT},
        "cors": {"allowOrigins": ["https://page.example"]},
        "responseHeaders": {"add": [["x-rule", "1"]]},
        "backends": [{"backend": "shop/v1", "responseHeaders": {"add": [["x-backend", "1"]]}}],
    }
    bench = await start(config=snapshot(**rule))
    caller = await bench.call()

    async def asked() -> bytes:
        caller.send(head("GET /", "Origin: https://page.example"))
        answer = await caller.head()
        await caller.exactly(int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        assert answer.count(b"access-control-allow-origin: https://page.example\r\n") == 1
        assert answer.count(b"x-rule: 1\r\n") == 1
        return answer

    answer = await asked()
    assert answer.startswith(b"HTTP/1.1 504 ")
    assert answer.count(b"x-backend: 1\r\n") == 1
    await bench.configure(snapshot(**rule, faults=[{"name": "broken", "abortStatus": 418}]))
    assert (await asked()).startswith(b"HTTP/1.1 418 ")
    await bench.configure(snapshot(**rule | {"redirect": {"status": 307, "hostname": "other"}}))
    assert (await asked()).startswith(b"HTTP/1.1 307 ")
