"""Changes that fail half-way: what runs is known again, or a reload follows."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from mesh_policy.errors import InvalidConfig
from mesh_policy.snapshot import Backend, Endpoint, WorkloadConfig
from proxy.agent.haproxy import Haproxy
from tests.support import scripted_haproxy
from tests.support.sidecar.snapshots import API, STRICT


def snapshot(*addresses: int, protocol: str = "tcp") -> WorkloadConfig:
    """With a backend of these endpoints; without one, no such backend."""
    endpoints = tuple(Endpoint(ip=f"10.1.0.{last}", port=80, identity=API) for last in addresses)
    backend = Backend(name="a/b/80", protocol=protocol, endpoints=endpoints)  # type: ignore[arg-type]
    outbound = msgspec.structs.replace(STRICT.outbound, backends=(backend,) if addresses else ())
    return msgspec.structs.replace(STRICT, outbound=outbound)


class Scripted:
    """An agent's HAProxy, and what the program was told."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self._program = scripted_haproxy.program(run)
        self._identity = os.memfd_create("identity")
        self.haproxy = self.agent()

    def agent(self) -> Haproxy:
        return Haproxy(self._program, self.run, "10.0.0.9", self._identity)

    def replace_agent(self) -> None:
        """The agent dies, and what it watched for; another one takes its place."""
        for task in asyncio.all_tasks():
            if task.get_name() == "haproxy":
                task.cancel()
        self.haproxy = self.agent()

    def refuse(self, *commands: str) -> None:
        (self.run / "refuse").write_text("\n".join(commands))

    def break_down(self, *, broken: bool) -> None:
        (self.run / "broken").touch() if broken else (self.run / "broken").unlink()

    async def told(self, config: WorkloadConfig) -> list[str]:
        """The first words of what it is told in applying this."""
        (self.run / "told").write_text("")
        await self.haproxy.apply(config, "ROOTS\n")
        return [" ".join(line.split()[:2]) for line in (self.run / "told").read_text().splitlines()]

    async def heard(self, command: str) -> None:
        """Until it is told this."""
        async with asyncio.timeout(WAIT_SECONDS):
            while command not in (self.run / "told").read_text():  # noqa: ASYNC110 - of another process
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        await self.haproxy.drain(0.0)
        os.close(self._identity)


@pytest.fixture
async def scripted(tmp_path: Path) -> AsyncIterator[Scripted]:
    made = Scripted(tmp_path)
    yield made
    await made.close()


RELOAD = ["started with"]
WAIT_SECONDS = 10.0


async def test_a_change_that_is_refused_is_a_reload(scripted: Scripted) -> None:
    await scripted.told(snapshot(1))
    assert await scripted.told(snapshot(1, 2)) == ["add server", "enable server"]
    scripted.refuse("enable server")
    assert await scripted.told(snapshot(1, 2, 3)) == ["add server", "enable server", *RELOAD]
    scripted.refuse()
    assert await scripted.told(snapshot(1, 2)) == ["disable server", "del server"]


async def test_what_was_begun_and_refused_is_not_taken_for_done(scripted: Scripted) -> None:
    await scripted.told(snapshot(1))
    files = scripted.run / "gen" / "1"
    before = {path.name: path.read_text() for path in files.iterdir()}
    scripted.refuse("enable server")
    scripted.break_down(broken=True)
    with pytest.raises(InvalidConfig):
        await scripted.told(snapshot(1, 2))
    assert {name: (files / name).read_text() for name in before} == before, "it can be started again with them"
    scripted.break_down(broken=False)
    scripted.refuse()
    assert await scripted.told(snapshot(1, 2)) == RELOAD
    assert await scripted.told(snapshot(1, 2)) == []


async def test_the_next_agent_knows_of_a_change_that_was_not_finished(scripted: Scripted) -> None:
    await scripted.told(snapshot(1))
    scripted.replace_agent()
    assert await scripted.haproxy.adopt()
    assert await scripted.told(snapshot(1)) == [], "the files say what runs"
    (scripted.run / "hang").write_text("enable server")
    change = asyncio.create_task(scripted.told(snapshot(1, 2)))
    await scripted.heard("enable server")
    change.cancel()  # as if the agent had died
    (scripted.run / "hang").unlink()
    scripted.replace_agent()
    assert await scripted.haproxy.adopt()
    assert await scripted.told(snapshot(1, 2)) == RELOAD, "the files say what did not come to run"


async def test_what_lingers_is_wanted_again_without_a_reload(scripted: Scripted) -> None:
    await scripted.told(snapshot(1))
    scripted.refuse("del server", "del backend")  # it has connections
    await scripted.told(snapshot())
    scripted.refuse("add server", "add backend")  # it is there already
    again = await scripted.told(snapshot(1))
    assert again[:3] == ["add backend", "add server", "enable server"]
    assert RELOAD[0] not in again


async def test_a_backend_that_lingers_excuses_nothing_else(scripted: Scripted) -> None:
    await scripted.told(snapshot(1))
    scripted.refuse("del server", "del backend")
    await scripted.told(snapshot())
    scripted.refuse("add map")
    assert (await scripted.told(snapshot(1)))[-1] == RELOAD[0]


async def test_a_certificate_that_cannot_be_set_is_set_a_little_later(scripted: Scripted) -> None:
    await scripted.told(snapshot(1))
    scripted.refuse("commit ssl cert")
    renewal = asyncio.create_task(scripted.haproxy.set_identity("PEM"))
    await scripted.heard("commit ssl cert")
    (scripted.run / "told").write_text("")
    scripted.refuse()
    await renewal
    await scripted.heard("commit ssl cert")
