"""A real worker process between two sockets that a test writes and reads byte by byte. Every wait has a limit."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
LIMIT_SECONDS = 10.0

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
FRONTEND = "shop/api/80"
INTERNAL = (
    b"Host: api\r\nx-mesh-internal-frontend: shop/api/80\r\nx-mesh-internal-version: 1\r\nx-mesh-internal-id: id-1\r\n"
)


def head(line: str, *fields: str) -> bytes:
    """A request's head as HAProxy would send it."""
    return line.encode() + b" HTTP/1.1\r\n" + INTERNAL + b"".join(f.encode() + b"\r\n" for f in fields) + b"\r\n"


GET = head("GET /")


def snapshot(**rule: Any) -> dict[str, Any]:
    """One frontend: /payment goes to shop/payment, everything else meets `rule` (default: to shop/v1)."""
    rules = [
        {"route": "HTTPRoute/shop/api", "name": "payment", "backends": [{"backend": "shop/payment"}]},
        {"route": "HTTPRoute/shop/api", "name": "rest", **({"backends": [{"backend": "shop/v1"}]} | rule)},
    ]
    entries = [{"match": {"path": {"value": "/payment"}}, "rule": 0}, {"match": {}, "rule": 1}]
    frontend = {
        "name": FRONTEND,
        "addresses": ["10.0.0.1"],
        "port": 80,
        "protocol": "http",
        "backend": "shop/api",
        "routes": {"entries": entries, "rules": rules},
    }
    names = ("shop/api", "shop/payment", "shop/v1", "shop/v2", "staging/api")
    return {
        "wireVersion": 1,
        "version": "sha256:test",
        "workload": {"namespace": "shop", "pod": "web-0", "serviceAccount": "web"},
        "trustDomain": "cluster.local",
        "outbound": {"frontends": [frontend], "backends": [{"name": name} for name in names]},
    }


class Wire:
    """One end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def until(self, end: bytes) -> bytes:
        async with asyncio.timeout(LIMIT_SECONDS):
            return await self.reader.readuntil(end)

    async def head(self) -> bytes:
        return await self.until(b"\r\n\r\n")

    async def exactly(self, count: int) -> bytes:
        async with asyncio.timeout(LIMIT_SECONDS):
            return await self.reader.readexactly(count)

    async def answer(self) -> bytes:
        """Head and body of an answer that says how long it is."""
        head = await self.head()
        return head + await self.exactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))

    async def ask(self, request: bytes = GET) -> bytes:
        """The whole answer to a request."""
        self.send(request)
        return await self.answer()

    async def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        async with asyncio.timeout(LIMIT_SECONDS):
            return await self.reader.read()

    async def rest_or_reset(self) -> bytes:
        """Everything up to the end; what came before a reset."""
        seen = b""
        async with asyncio.timeout(LIMIT_SECONDS):
            with contextlib.suppress(ConnectionError):
                while piece := await self.reader.read(65536):
                    seen += piece
        return seen

    async def ended(self) -> bool:
        """The other side has closed, without a byte more."""
        with contextlib.suppress(ConnectionError):
            return await self.rest() == b""
        return True

    def close(self) -> None:
        self.writer.close()


class Bench:
    """The worker, a scripted upstream at its return socket, and callers."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self.accepted: asyncio.Queue[Wire] = asyncio.Queue()
        self.process: subprocess.Popen[bytes]
        self.opened: list[Wire] = []
        self.log = run / "log"

    async def call(self) -> Wire:
        reader, writer = await asyncio.open_unix_connection(str(self.run / "worker.sock"))
        self.opened.append(Wire(reader, writer))
        return self.opened[-1]

    async def upstream(self) -> Wire:
        """The next connection that the worker makes to the return socket."""
        async with asyncio.timeout(LIMIT_SECONDS):
            return await self.accepted.get()

    async def begun(self, request: bytes = GET) -> tuple[Wire, Wire]:
        """The two ends of a new request whose head has reached the upstream: caller and server."""
        caller = await self.call()
        caller.send(request)
        server = await self.upstream()
        await server.head()
        return caller, server

    async def control(self, message: dict[str, Any]) -> dict[str, Any]:
        async with asyncio.timeout(LIMIT_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(self.run / "control.sock"))
            writer.write(json.dumps(message).encode() + b"\n")
            answer = await reader.readline()
            writer.close()
        decoded: dict[str, Any] = json.loads(answer)
        return decoded

    async def configure(self, config: dict[str, Any]) -> None:
        answer = await self.control({"op": "config", "config": config})
        assert answer["ok"], answer

    async def status(self) -> dict[str, Any]:
        return await self.control({"op": "status"})

    async def counted(self, name: str, value: int) -> None:
        """Wait until a counter has reached a value."""
        async with asyncio.timeout(LIMIT_SECONDS):
            while (await self.status())[name] < value:  # noqa: ASYNC110 (the counter lives in another process)
                await asyncio.sleep(0.01)

    def resident_mib(self) -> float:
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


Start = Callable[..., Awaitable[Bench]]


@pytest.fixture
async def start(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Start]:
    """Starts workers: `await start(limits={...}, raises="request")`. They end with the test."""
    benches: list[tuple[Bench, asyncio.Server]] = []

    async def start_one(**options: Any) -> Bench:
        bench = Bench(tmp_path_factory.mktemp("run"))

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            wire = Wire(reader, writer)
            bench.opened.append(wire)
            bench.accepted.put_nowait(wire)

        server = await asyncio.start_unix_server(accept, str(bench.run / "return.sock"))
        environment = {
            **os.environ,
            "HEDDLE_RUN_DIR": str(bench.run),
            "HEDDLE_DRAIN_SECONDS": "5",
            "TEST_LIMITS": json.dumps({"sweep_seconds": 0.05, "frontend_seconds": 0.1, **options.get("limits", {})}),
            "TEST_CHANCE": json.dumps(options.get("chance", [])),
            "TEST_RAISES": options.get("raises", ""),
            "TEST_HEADER": options.get("header", ""),
            "TEST_BREAKS": options.get("breaks", ""),
        }
        command = [sys.executable, "-OO", "-m", "tests.support.worker_program"]
        with bench.log.open("wb") as log:
            bench.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log)  # noqa: ASYNC220
        benches.append((bench, server))
        async with asyncio.timeout(LIMIT_SECONDS):
            while not (bench.run / "control.sock").exists():
                assert bench.process.poll() is None, bench.log.read_text()
                await asyncio.sleep(0.01)
        if (config := options.get("config", snapshot())) is not None:
            await bench.configure(config)
        return bench

    yield start_one
    for bench, server in benches:
        for wire in bench.opened:
            wire.close()
        server.close()
        bench.process.kill()
        bench.process.wait(LIMIT_SECONDS)


@pytest.fixture
async def bench(start: Start) -> Bench:
    """A worker with the default snapshot."""
    return await start()
