"""CPU per request and memory of the worker: `python bench/worker.py [requests] [connections]`.

One process plays HAProxy's return socket, this one is a bounded load generator over the worker's socket. Prints
microseconds of CPU (user and system) of the worker per request, from /proc, for the route and split addons and for the
rest of the chain.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import uvloop

from mesh_policy import wire
from mesh_policy.snapshot import (
    Backend,
    Fault,
    Frontend,
    HttpRoutes,
    Match,
    Mirror,
    Outbound,
    PathMatch,
    RouteEntry,
    Rule,
    ValueMatch,
    WeightedBackend,
    Workload,
    WorkloadConfig,
)

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 12\r\n\r\nhello, world"
LIMIT_SECONDS = 60


def config(*, mirror_percent: float = 0.0, chaos: bool = False) -> bytes:
    """A frontend with the demo's routes."""
    split = Rule(
        route="HTTPRoute/shop/api",
        name="canary",
        backends=(WeightedBackend(backend="shop/v1", weight=80), WeightedBackend(backend="shop/v2", weight=20)),
        mirrors=(Mirror(backend="staging/api", percent=mirror_percent),) if mirror_percent else (),
        faults=(Fault(name="f", abort_status=503, headers=(ValueMatch(name="x-chaos", value="on"),)),) if chaos else (),
    )
    payment = Rule(route="HTTPRoute/shop/api", name="payment", backends=(WeightedBackend(backend="shop/payment"),))
    routes = HttpRoutes(
        entries=(
            RouteEntry(match=Match(path=PathMatch(value="/payment")), rule=0),
            RouteEntry(match=Match(), rule=1),
        ),
        rules=(payment, split),
    )
    frontend = Frontend(
        name="shop/api/80", addresses=("10.0.0.1",), port=80, protocol="http", backend="shop/api", routes=routes
    )
    names = ("shop/api", "shop/payment", "shop/v1", "shop/v2", "staging/api")
    outbound = Outbound(frontends=(frontend,), backends=tuple(Backend(name=name) for name in names))
    workload = Workload(namespace="shop", pod="web-0", service_account="web")
    return wire.encode(wire.stamp(WorkloadConfig(workload=workload, trust_domain="cluster.local", outbound=outbound)))


class Upstream(asyncio.Protocol):
    """Answers every head with the same few bytes. Requests have no body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.rest = b""

    def data_received(self, data: bytes) -> None:
        *heads, self.rest = (self.rest + data).split(b"\r\n\r\n")
        self.transport.write(ANSWER * len(heads))  # type: ignore[attr-defined]


class Caller(asyncio.Protocol):
    """One keep-alive connection that sends the next request when the answer is whole."""

    def __init__(self, request: bytes, count: int, done: asyncio.Future[int]) -> None:
        self.request, self.left, self.done, self.seen, self.bad = request, count, done, b"", 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        transport.write(self.request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self.seen += data
        if not self.seen.endswith(b"hello, world"):
            return
        self.bad += not self.seen.startswith(b"HTTP/1.1 200")
        self.seen = b""
        self.left -= 1
        if self.left:
            self.transport.write(self.request)  # type: ignore[attr-defined]
        else:
            self.transport.close()
            self.done.set_result(self.bad)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError("the worker closed the connection"))


def cpu_microseconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> dict[str, float]:
    """Resident memory, and what is not shared with other processes."""
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split()[:2]
        found[name.rstrip(":")] = int(value) / 1024
    return {"rss": found["Rss"], "pss": found["Pss"]}


async def control(run: Path, message: bytes) -> dict[str, object]:
    """One call of the control socket; waits until the worker listens."""
    async with asyncio.timeout(10):
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(str(run / "control.sock"))
                break
            except OSError:
                await asyncio.sleep(0.01)
        writer.write(message + b"\n")
        answer = await reader.readline()
        writer.close()
    decoded: dict[str, object] = msgspec.json.decode(answer)
    return decoded


async def load(run: Path, request: bytes, requests: int, connections: int) -> int:
    """Send the requests; gives the number of answers that were not 200."""
    loop = asyncio.get_running_loop()
    waiting = []
    for _ in range(connections):
        done: asyncio.Future[int] = loop.create_future()
        waiting.append(done)
        await loop.create_unix_connection(
            lambda done=done: Caller(request, requests // connections, done),  # type: ignore[misc]
            str(run / "worker.sock"),
        )
    async with asyncio.timeout(LIMIT_SECONDS):
        return sum(await asyncio.gather(*waiting))


async def measure(run: Path, pid: int, name: str, snapshot: bytes, *, requests: int, connections: int) -> None:
    """One line of the table."""
    reply = await control(run, b'{"op":"config","config":' + snapshot + b"}")
    if not reply["ok"]:
        raise SystemExit(f"the worker refused the snapshot: {reply}")
    request = (
        b"GET /items?page=2 HTTP/1.1\r\nHost: api.shop.svc\r\nUser-Agent: bench\r\nAccept: */*\r\n"
        b"x-request-id: 7e5a1c52\r\ncookie: session=1234567890\r\nx-mesh-internal-frontend: shop/api/80\r\n"
        b"x-mesh-internal-version: 1\r\nx-mesh-internal-id: 7e5a1c52\r\n\r\n"
    )
    await load(run, request, 2000, connections)  # warm
    cpu, began = cpu_microseconds(pid), time.perf_counter()
    bad = await load(run, request, requests, connections)
    took, cpu = time.perf_counter() - began, cpu_microseconds(pid) - cpu
    memory = memory_mib(pid)
    print(
        f"{name:28} {cpu / requests:6.1f} us CPU/request {requests / took:8.0f} req/s  not 200: {bad}"
        f"  RSS {memory['rss']:.1f} MiB  PSS {memory['pss']:.1f} MiB"
    )


async def main(requests: int, connections: int) -> None:
    """Start the worker, measure, end it."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder)
        environment = {**os.environ, "HEDDLE_RUN_DIR": folder, "HEDDLE_LOG_LEVEL": "warning"}
        command = [sys.executable, __file__, "--upstream", str(run / "return.sock")]
        upstream = subprocess.Popen(command)  # noqa: ASYNC220
        began = time.perf_counter()
        worker = subprocess.Popen([sys.executable, "-OO", "-m", "proxy.worker"], env=environment)  # noqa: ASYNC220
        try:
            await control(run, b'{"op":"status"}')
            print(f"started in {time.perf_counter() - began:.2f} s, RSS {memory_mib(worker.pid)['rss']:.1f} MiB")
            for name, snapshot in (
                ("route + split", config()),
                ("route + split + fault", config(chaos=True)),
                ("… + mirror 50 %", config(chaos=True, mirror_percent=50)),
            ):
                await measure(run, worker.pid, name, snapshot, requests=requests, connections=connections)
        finally:
            for process in (worker, upstream):
                process.terminate()
                process.wait(10)


async def serve_upstream(path: str) -> None:
    """The other side of the return socket."""
    server = await asyncio.get_running_loop().create_unix_server(Upstream, path)
    await server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--upstream"]:
        uvloop.run(serve_upstream(sys.argv[2]))
    else:
        uvloop.run(main(*(int(value) for value in (sys.argv[1:] + ["20000", "16"][len(sys.argv) - 1 :])[:2])))
