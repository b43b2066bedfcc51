"""Bad servers and bad callers at random: every request that is not given up by its caller gets one whole answer, and
the worker keeps nothing of them."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

from tests.integration.worker.conftest import OK, Bench, Start, Wire, head, snapshot

SEEDS = range(4)
CALLERS = 8
REQUESTS = 40
ROOM = 300_000
BAD = b"HTTP/1.1 503 X\r\ntransfer-encoding: chunked\r\n\r\n3\r\nbad\r\n0\r\n\r\n"
RULE = {
    "retry": {"attempts": 3, "backoffBaseSeconds": 0.002, "backoffMaxSeconds": 0.004, "statuses": [503, 502]},
    "timeouts": {"requestSeconds": 5.0, "backendSeconds": 0.1, "idleSeconds": 4.0},
    "faults": [
        {"name": "broken", "percent": 10.0, "abortStatus": 503},
        {"name": "slow", "percent": 5.0, "delaySeconds": 0.05},
    ],
}


async def test_one_whole_answer_for_every_request(start: Start) -> None:
    bench = await start(config=_config(20.0, **RULE), limits={"replay_total_bytes": ROOM, "discarded_bytes": 1000})
    serving = asyncio.create_task(_serve_all(bench, random.Random(1)))  # noqa: S311 - the same on every run
    for seed in SEEDS:
        chances = [random.Random(f"{seed}/{number}") for number in range(CALLERS)]  # noqa: S311
        async with asyncio.TaskGroup() as group:
            for chance in chances:
                group.create_task(_call(bench, chance))
    status = await bench.status()
    assert status["retries"] > 100, status
    serving.cancel()
    log = bench.log.read_text()
    assert "given up" not in log, log
    assert "never awaited" not in log, log
    await _room_is_free(bench)


def _config(per_second: float, **rule: Any) -> dict[str, Any]:
    config = snapshot(**rule)
    for backend in config["outbound"]["backends"]:
        backend["retryBudget"] = {"percent": 100.0, "minPerSecond": per_second}
    return config


async def _room_is_free(bench: Bench) -> None:
    """Bodies of all the room, each kept: none would be if something of before were still there."""
    await bench.configure(_config(1e6, retry={"attempts": 1, "statuses": [503], "backoffBaseSeconds": 0.0}))
    most = 65_536
    callers = [await bench.call() for _ in range(ROOM // most)]
    servers: list[Wire] = []
    for caller in callers:
        caller.send(head("PUT /room", f"content-length: {most + 1}") + b"x" * most)
        server = await _next(bench)
        await server.exactly(most)
        servers.append(server)
    for server in servers:
        server.send(b"HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n")
        again = await _next(bench)
        await again.exactly(most)


async def _next(bench: Bench) -> Wire:
    """The connection of a request to /room; those of before are closed, they were made for another snapshot."""
    while True:
        wire = await bench.upstream()
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            if (await wire.head()).startswith(b"PUT /room "):
                return wire


async def _serve_all(bench: Bench, chance: random.Random) -> None:
    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(_serve(await bench.accepted.get(), chance))


async def _serve(wire: Wire, chance: random.Random) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            request = (await wire.reader.readuntil(b"\r\n\r\n")).lower()
            way = chance.choice(["good", "good", "good", "bad", "early", "close", "hang", "half", "garbage", "hints"])
            if way == "close":
                break
            if way == "early":
                wire.send(chance.choice([BAD, OK]))
                break
            await _body(wire, request)
            if way == "hang":
                await wire.reader.read(1)
                break
            if way == "half":
                wire.send(b"HTTP/1.1 200 OK\r\ncontent-le")
                break
            if way == "garbage":
                wire.send(b"hello\r\n\r\n")
                break
            if way == "hints":
                wire.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            wire.send(BAD if way == "bad" else OK)
    wire.close()


async def _body(wire: Wire, request: bytes) -> bytes:
    if b"transfer-encoding: chunked" in request:
        seen = b""
        while size := int(await wire.reader.readuntil(b"\r\n"), 16):
            seen += (await wire.reader.readexactly(size + 2))[:-2]
        await wire.reader.readexactly(2)
    else:
        length = request.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
        seen = await wire.reader.readexactly(int(length or b"0"))
    assert seen == bytes(len(seen)), "the body was mixed up"
    return seen


async def _call(bench: Bench, chance: random.Random) -> None:
    caller: Wire | None = None
    for _ in range(REQUESTS):
        caller = caller or await bench.call()
        size = chance.choice([0, 0, 5, 5000, 70_000])
        chunked = chance.random() < 0.5
        method = chance.choice(["GET", "PUT", "PUT", "POST", "DELETE"])
        caller.send(head(f"{method} /", "transfer-encoding: chunked" if chunked else f"content-length: {size}"))
        left = size
        while left:
            piece = min(left, chance.choice([1000, 30_000, 70_000]))
            caller.send(b"%x\r\n%b\r\n" % (piece, bytes(piece)) if chunked else bytes(piece))
            left -= piece
            if chance.random() < 0.1:
                await asyncio.sleep(chance.random() * 0.01)
        if chunked:
            caller.send(b"0\r\n\r\n")
        if chance.random() < 0.1:
            caller.close()
            caller = None
            continue
        caller = await _answered(caller)
    if caller is not None:
        caller.close()


async def _answered(caller: Wire) -> Wire | None:
    """Reads one whole answer; gives the connection if it may be used again."""
    while (answer := await caller.head()).startswith(b"HTTP/1.1 103 "):
        pass
    assert answer[9:12] in (b"200", b"502", b"503", b"504"), answer
    lower = answer.lower()
    if b"transfer-encoding: chunked" in lower:
        await caller.until(b"0\r\n\r\n")
    else:
        await caller.exactly(int(lower.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
    if b"connection: close" in lower:
        assert await caller.ended(), answer
        return None
    return caller
