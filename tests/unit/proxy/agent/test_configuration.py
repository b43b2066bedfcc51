"""Snapshots are installed in their order, and told about, without one waiting for the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from mesh_policy import wire
from mesh_policy.errors import InvalidConfig, Violation
from mesh_policy.snapshot import AccessLog, Workload, WorkloadConfig
from proxy.agent.backoff import Backoff
from proxy.agent.configuration import Configuration
from proxy.agent.control_plane import Message, SnapshotMessage


def config(percent: float) -> WorkloadConfig:
    workload = Workload(namespace="shop", pod="web-1", service_account="web")
    log = AccessLog(sample_percent=percent)
    return wire.stamp(WorkloadConfig(workload=workload, trust_domain="cluster.local", access_log=log))


class Engine:
    """Stands for HAProxy and for the worker: takes everything, or refuses so many times before."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals

    async def apply(self, *_: object) -> None:
        if self.refusals:
            self.refusals -= 1
            raise InvalidConfig((Violation("haproxy", "did not get ready"),))


class ControlPlane:
    """Sends what it is given, one after the other as `next` is set, and hears an ack only when `hears` is set."""

    def __init__(self, *snapshots: bytes) -> None:
        self._snapshots = snapshots
        self.next = asyncio.Event()
        self.hears = asyncio.Event()
        self.heard: asyncio.Queue[tuple[str, tuple[Violation, ...]]] = asyncio.Queue()

    async def messages(self) -> AsyncIterator[Message]:
        for one in self._snapshots:
            yield SnapshotMessage(config=one)  # type: ignore[arg-type]
            await self.next.wait()
            self.next.clear()
        await asyncio.Event().wait()

    async def ack(self, version: str, violations: tuple[Violation, ...]) -> None:
        await self.hears.wait()
        await self.heard.put((version, violations))


async def test_an_ack_that_is_not_heard_delays_no_snapshot() -> None:
    first, second = config(1), config(2)
    control_plane = ControlPlane(wire.encode(first), wire.encode(second))
    ran: asyncio.Queue[str] = asyncio.Queue()

    def changed() -> None:
        assert followed.running is not None
        ran.put_nowait(followed.running.version)

    followed = Configuration(control_plane, Engine(), Engine(), "", changed)  # type: ignore[arg-type]
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in (followed.follow(), followed.install(), followed.acknowledge())]
        assert await ran.get() == first.version
        control_plane.next.set()
        assert await ran.get() == second.version
        control_plane.hears.set()
        heard = await control_plane.heard.get()
        while heard[0] != second.version:
            heard = await control_plane.heard.get()
        assert heard == (second.version, ())
        for task in tasks:
            task.cancel()


AT_ONCE = Backoff(0.001, 0.001)


async def test_a_snapshot_that_could_not_be_brought_to_run_is_tried_again() -> None:
    only = config(1)
    control_plane = ControlPlane(wire.encode(only))
    control_plane.hears.set()
    engine = Engine(refusals=3)
    followed = Configuration(control_plane, engine, Engine(), "", lambda: None, again=AT_ONCE)  # type: ignore[arg-type]
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in (followed.follow(), followed.install(), followed.acknowledge())]
        heard = [await control_plane.heard.get()]
        while heard[-1][1]:
            heard.append(await control_plane.heard.get())
        for task in tasks:
            task.cancel()
    assert {version for version, _ in heard} == {only.version}
    assert (followed.running, followed.refused, engine.refusals) == (only, 3, 0)


async def test_one_that_cannot_be_read_is_refused_once_and_a_newer_one_counts() -> None:
    newer = config(2)
    control_plane = ControlPlane(b"{}", wire.encode(newer))
    control_plane.hears.set()
    followed = Configuration(control_plane, Engine(), Engine(), "", lambda: None, again=AT_ONCE)  # type: ignore[arg-type]
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in (followed.follow(), followed.install(), followed.acknowledge())]
        version, violations = await control_plane.heard.get()
        assert version == wire.version_of(b"{}")
        assert violations
        control_plane.next.set()
        assert await control_plane.heard.get() == (newer.version, ())
        for task in tasks:
            task.cancel()
    assert (followed.running, followed.refused) == (newer, 1)


async def test_roots_that_could_not_be_brought_to_run_are_tried_again() -> None:
    engine = Engine()
    ran: asyncio.Queue[str] = asyncio.Queue()

    def changed() -> None:
        ran.put_nowait(followed.trust_bundle)

    followed = Configuration(ControlPlane(), engine, Engine(), "OLD", changed, again=AT_ONCE)  # type: ignore[arg-type]
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        task = group.create_task(followed.keep_roots())
        await followed.resume(config(1))
        assert await ran.get() == "OLD\n"
        engine.refusals = 3
        await followed.trust("NEW")
        assert followed.trust_bundle == "OLD\n", "HAProxy has these"
        assert await ran.get() == "NEW\n"
        task.cancel()
    assert engine.refusals == 0
