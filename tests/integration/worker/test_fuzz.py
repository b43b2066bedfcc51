"""Disturbed bytes at a real worker: it refuses or passes something clean, and it lives."""

from __future__ import annotations

import asyncio
import itertools
import random
import re

from tests.integration.worker.conftest import Start, Wire, head

SEED = 20260101
"""The same bytes on every run; a failure names the case."""
CASES = 400

PIECES = (
    b"\r\n", b"\n", b"\r", b"\x00", b" ", b"\t", b":", b"content-length: 5\r\n", b"Content-Length: 0\r\n",
    b"transfer-encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Host: other\r\n", b"0\r\n\r\n",
    b"5\r\nhello\r\n",
    b"GET /evil HTTP/1.1\r\n", b"HTTP/1.0", b"%2e%2e/", b"/../", b"x-mesh-internal-backend: other\r\n", b"\xff",
    b"connection: close\r\n", b"expect: 100-continue\r\n", b"upgrade: h2c\r\n", b"x: " + b"y" * 300 + b"\r\n",
)  # fmt: skip
START = head("POST /payment", "content-length: 5", "x-a: 1") + b"hello"


def disturbed(chance: random.Random) -> bytes:
    """A request with one to four pieces put in, taken out or repeated."""
    data = bytearray(START)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data))
        match chance.randrange(3):
            case 0:
                data[at:at] = chance.choice(PIECES)
            case 1:
                del data[at : at + chance.randint(1, 12)]
            case _:
                data[at:at] = data[at : at + chance.randint(1, 40)]
    return bytes(data)


def clean(data: bytes) -> bool:
    """Every head that was passed on names one backend of the configuration, one framing at most, one Host."""
    for one in re.findall(rb"(?:GET|POST|[A-Z]+) [^\r\n]* HTTP/1\.1\r\n(?:[^\r\n]+\r\n)*\r\n", data):
        lines = one.lower().split(b"\r\n")
        framing = [line for line in lines if line.startswith((b"content-length:", b"transfer-encoding:"))]
        backends = [line for line in lines if line.startswith(b"x-mesh-internal-backend:")]
        hosts = [line for line in lines if line.startswith(b"host:")]
        known = backends in ([b"x-mesh-internal-backend: shop/payment"], [b"x-mesh-internal-backend: shop/v1"])
        if len(framing) > 1 or not known or len(hosts) > 1 or b"\n" in b"".join(lines) or b"\x00" in one:
            return False
    return True


async def test_whatever_comes_the_worker_passes_only_clean_heads(start: Start) -> None:
    # Half a request is no fault yet: short limits end it.
    bench = await start(limits={"head_seconds": 0.2, "stream_seconds": 0.3, "keep_alive_seconds": 0.2})
    passed: list[bytes] = []

    async def collect(wire: Wire) -> None:
        seen = b""
        while piece := await wire.reader.read(65536):
            seen += piece
            passed.append(seen)
            wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    async def accept() -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(collect(await bench.accepted.get()))

    collecting = asyncio.create_task(accept())
    chance = random.Random(SEED)  # noqa: S311 (repeatable on purpose)
    cases = [disturbed(chance) for _ in range(CASES)]

    async def one(data: bytes) -> None:
        caller = await bench.call()
        caller.send(data)
        answer = await caller.rest_or_reset()
        assert not answer or answer.startswith(b"HTTP/1.1 "), (data, answer)

    for batch in itertools.batched(cases, 200, strict=False):
        await asyncio.gather(*(one(data) for data in batch))
    collecting.cancel()
    assert len(passed) > CASES / 20, "the disturbed requests should not all be refused"
    assert all(clean(data) for data in passed), [data for data in passed if not clean(data)][:1]
    assert bench.process.poll() is None
    assert "given up" not in bench.log.read_text()
    assert (await bench.status())["policyFailures"] == 0
