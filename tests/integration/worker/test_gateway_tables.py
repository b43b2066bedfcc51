"""The tables of the Gateway API through a real worker: from Kubernetes objects to bytes. One worker for all of them, as
in a sidecar: each table is a change of its configuration."""

from __future__ import annotations

import json
from collections import Counter

from mesh_policy import wire
from mesh_policy.snapshot import WorkloadConfig
from tests.integration.worker.conftest import Bench, Wire
from tests.integration.worker.scripted import Server, fails
from tests.support.gateway.backends import SHARES
from tests.support.gateway.compiled import configs, shared_out
from tests.support.gateway.tables import TABLES
from tests.support.gateway.vocabulary import Answer, Ask


async def ask(caller: Wire, one: Ask) -> bytes:
    """The head of the answer."""
    fields = [
        ("Host", one.host),
        ("x-mesh-internal-frontend", f"shop/api/{one.port}"),
        ("x-mesh-internal-version", "1"),
        *one.headers,
    ]
    lines = [f"{one.method} {one.target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
    caller.send("\r\n".join(lines).encode())
    head = await caller.head()
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    await caller.exactly(int(length or 0))  # a preflight's answer has none
    return head


def values(head: bytes, name: str) -> tuple[str, ...]:
    lines = (line.partition(b":") for line in head.split(b"\r\n")[1:])
    return tuple(value.strip().decode("latin-1") for field, _, value in lines if field.decode().lower() == name)


def said(answer: bytes, seen: list[bytes], wanted: Answer) -> Answer:
    """What happened in the words of the table, as far as it speaks of it."""
    request = seen[0] if seen else b""
    backend = next(iter(values(request, "x-mesh-internal-backend")), None)
    return Answer(
        int(answer.split()[1]),
        backend if wanted.backend is not None or wanted.status != 200 else None,
        next(iter(values(answer, "location")), None),
        request.split()[1].decode() if wanted.target is not None and request else None,
        next(iter(values(request, "host")), None) if wanted.host is not None else None,
        tuple((name, values(request, name)) for name, _ in wanted.sees),
        tuple((name, values(answer, name)) for name, _ in wanted.told),
    )


async def configure(bench: Bench, config: WorkloadConfig) -> None:
    await bench.configure(json.loads(wire.encode(config)))


async def test_a_worker_does_what_the_tables_say(bench: Bench) -> None:
    caller = await bench.call()
    wrong: list[str] = []
    with Server(bench, fails(0)) as server:
        for name, table in TABLES.items():
            running: WorkloadConfig | None = None
            for one, answer in table.rows:
                if running is not (wanted := configs(name)[one.namespace]):
                    await configure(bench, running := wanted)
                server.got.clear()
                found = said(await ask(caller, one), server.heads, answer)
                if found != answer:
                    wrong.append(f"{name}: {one}\n  wanted {answer}\n  found  {found}")
    assert not wrong, "\n".join(wrong)


async def test_shares_of_backends_and_of_500(bench: Bench) -> None:
    caller = await bench.call()
    with Server(bench, fails(0)) as server:
        for name, (refs, shares) in SHARES.items():
            await configure(bench, shared_out(refs))
            server.got.clear()
            requests = sum(count for _, count in shares) * 10
            statuses = Counter([int((await ask(caller, Ask())).split()[1]) for _ in range(requests)])
            seen: Counter[str | None] = Counter(values(head, "x-mesh-internal-backend")[0] for head in server.heads)
            seen[None] = statuses[500]
            assert +seen == {backend: count * 10 for backend, count in shares}, name
