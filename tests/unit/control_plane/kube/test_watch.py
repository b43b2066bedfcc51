"""List and watch, against the fake API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from control_plane.kinds.meta import Object, Ref
from control_plane.kube.backoff import Backoff
from control_plane.kube.client import KubeClient
from control_plane.kube.watch import Watch
from tests.support.cluster import a_service
from tests.support.fake_kube import FakeKube, fake_kube


class Known:
    """A sink that can be waited for."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.lists = 0
        self.emptied = 0
        """How often everything was gone at once."""
        self._changed = asyncio.Condition()

    def replace(self, kind: str, objects: list[Object]) -> None:
        self.lists += 1
        self.emptied += not objects
        self.names = {obj.metadata.name for obj in objects}
        self._tell()

    def apply(self, kind: str, obj: Object) -> None:
        self.names.add(obj.metadata.name)
        self._tell()

    def delete(self, ref: Ref) -> None:
        self.names.discard(ref.name)
        self._tell()

    def _tell(self) -> None:
        async def notify() -> None:
            async with self._changed:
                self._changed.notify_all()

        self._task = asyncio.ensure_future(notify())

    async def until(self, *names: str) -> None:
        async with asyncio.timeout(10), self._changed:
            while self.names != set(names):
                await self._changed.wait()


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    async with fake_kube() as server:
        await server.apply(a_service("a", "10.0.0.1"), a_service("b", "10.0.0.2"))
        yield server


@asynccontextmanager
async def following(kube: FakeKube, path: Path, kind: str = "Service") -> AsyncIterator[tuple[Known, Watch]]:
    client = await KubeClient.connect(kube.kubeconfig(path / "kubeconfig"))
    known = Known()
    watch = Watch(client, kind, known, backoff=Backoff(base=0.001, cap=0.01), missing=Backoff(base=0.001, cap=0.01))
    task = asyncio.ensure_future(watch.run())
    try:
        yield known, watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()


async def test_list_then_changes(kube: FakeKube, tmp_path: Path) -> None:
    async with following(kube, tmp_path) as (known, watch):
        await known.until("a", "b")
        assert watch.synced.is_set()
        await kube.apply(a_service("c", "10.0.0.3"))
        await kube.delete("Service", "shop", "a")
        await known.until("b", "c")
        assert known.lists == 1


async def test_a_list_comes_in_pages(kube: FakeKube, tmp_path: Path) -> None:
    kube.page = 1
    async with following(kube, tmp_path) as (known, _):
        await known.until("a", "b")
        assert known.lists == 1


async def test_a_watch_that_ends_is_resumed_without_a_list(kube: FakeKube, tmp_path: Path) -> None:
    async with following(kube, tmp_path) as (known, _):
        await known.until("a", "b")
        for name in "cde":
            await kube.drop_watches()
            await kube.apply(a_service(name, "10.0.0.3"))
            await known.until("a", "b", *"cde"[: "cde".index(name) + 1])
        assert known.lists == 1


async def test_after_410_the_list_is_read_anew(kube: FakeKube, tmp_path: Path) -> None:
    async with following(kube, tmp_path) as (known, _):
        await known.until("a", "b")
        await kube.stop()
        await kube.delete("Service", "shop", "a")
        await kube.expire()
        await kube.start()
        await known.until("b")
        assert known.lists == 2


async def test_a_restart_of_the_api_server_loses_nothing(kube: FakeKube, tmp_path: Path) -> None:
    async with following(kube, tmp_path) as (known, _):
        await known.until("a", "b")
        await kube.stop()
        await kube.apply(a_service("c", "10.0.0.3"))
        await kube.start()
        await known.until("a", "b", "c")


async def test_a_kind_that_is_not_installed_is_empty(kube: FakeKube, tmp_path: Path) -> None:
    kube.missing.add("HTTPRoute")
    async with following(kube, tmp_path, "HTTPRoute") as (known, watch):
        async with asyncio.timeout(10):
            await watch.synced.wait()
        assert known.names == set()


async def test_a_kind_may_come_later_and_go_again(kube: FakeKube, tmp_path: Path) -> None:
    kube.missing.add("Service")
    async with following(kube, tmp_path) as (known, watch):
        async with asyncio.timeout(10):
            await watch.synced.wait()
        assert not watch.installed
        kube.missing.clear()
        await known.until("a", "b")
        assert watch.installed
        kube.missing.add("Service")
        await kube.drop_watches()
        await known.until()
        assert not watch.installed
        kube.missing.clear()
        await known.until("a", "b")


async def test_a_kind_that_is_not_found_once_is_not_gone(kube: FakeKube, tmp_path: Path) -> None:
    async with following(kube, tmp_path) as (known, _):
        await known.until("a", "b")
        asked = len(kube.requests)
        kube.missing.add("Service")
        await kube.drop_watches()
        await kube.until_asked(asked + 1)
        kube.missing.clear()
        await kube.apply(a_service("c", "10.0.0.3"))
        await known.until("a", "b", "c")
        assert known.emptied == 0


async def test_what_rbac_refuses_is_not_taken_for_empty(kube: FakeKube, tmp_path: Path) -> None:
    kube.forbidden.add(("GET", "Service"))
    async with following(kube, tmp_path) as (known, watch):
        await kube.until_asked(3)
        assert not watch.synced.is_set()
        kube.forbidden.clear()
        await known.until("a", "b")


async def test_an_object_that_cannot_be_named_stops_nothing(kube: FakeKube, tmp_path: Path) -> None:
    broken = a_service("x", "10.0.0.9")
    broken["metadata"]["labels"] = ["not", "a", "map"]
    await kube.apply(broken)
    async with following(kube, tmp_path) as (known, _):
        await known.until("a", "b")
