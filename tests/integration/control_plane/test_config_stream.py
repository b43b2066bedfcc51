"""Snapshots: the first at once, then every change, through whatever happens to the API server."""

from __future__ import annotations

from pathlib import Path

from mesh_policy.wire import WIRE_VERSION
from tests.support.cluster import a_route, a_service, to
from tests.support.control_plane import Sidecar, replica, sidecar
from tests.support.fake_kube import FakeKube


def frontends(config: dict[str, object]) -> list[str]:
    return [frontend["name"] for frontend in config["outbound"]["frontends"]]  # type: ignore[index]


async def until_frontend(client: Sidecar, name: str) -> dict[str, object]:
    while name not in frontends(config := await client.snapshot()):
        pass
    return config


async def test_the_first_snapshot_then_every_change(kube: FakeKube, tmp_path: Path) -> None:
    async with replica(kube, tmp_path) as cp, sidecar(kube, cp, "web") as client:
        first = await client.snapshot()
        assert first["wireVersion"] == WIRE_VERSION
        assert first["workload"]["pod"] == "web-1"
        assert frontends(first) == ["shop/api/80", "shop/web/80"]

        await kube.apply(a_route("r", "api", {"backendRefs": [to("web")]}))
        second = await client.snapshot()
        assert second["version"] != first["version"]
        (rule,) = second["outbound"]["frontends"][0]["routes"]["rules"]
        assert rule["backends"] == [{"backend": "shop/web/80"}]

        await kube.delete("HTTPRoute", "shop", "r")
        assert (await client.snapshot())["version"] == first["version"], "equal content, equal version"


async def test_a_change_without_effect_sends_nothing(kube: FakeKube, tmp_path: Path) -> None:
    async with replica(kube, tmp_path) as cp, sidecar(kube, cp, "web") as client:
        await client.snapshot()
        await kube.apply(a_route("bad", "api", {"backendRefs": [to("api", weight=-1)]}))
        await kube.until("HTTPRoute", "shop", "bad", lambda obj: obj and "status" in obj)
        await kube.apply(a_service("new", "10.96.0.50"))
        assert "shop/new/80" in frontends(await client.snapshot()), "the next snapshot is the next real change"


async def test_410_and_a_restart_of_the_api_server_are_survived(kube: FakeKube, tmp_path: Path) -> None:
    async with replica(kube, tmp_path) as cp, sidecar(kube, cp, "web") as client:
        await client.snapshot()
        await kube.expire()
        await kube.apply(a_service("one", "10.96.0.51"))
        await until_frontend(client, "shop/one/80")
        await kube.stop()
        await kube.apply(a_service("two", "10.96.0.52"))
        await kube.start()
        await until_frontend(client, "shop/two/80")


async def test_a_second_stream_of_a_pod_ends_the_first(kube: FakeKube, tmp_path: Path) -> None:
    async with replica(kube, tmp_path) as cp, sidecar(kube, cp, "web") as old, sidecar(kube, cp, "web") as new:
        await old.snapshot()
        await new.snapshot()
        assert await old.line() is None


async def test_sigterm_ends_streams_and_the_process(kube: FakeKube, tmp_path: Path) -> None:
    async with replica(kube, tmp_path) as cp, sidecar(kube, cp, "web") as client:
        await client.snapshot()
        assert await cp.terminate() == 0
        assert await client.line() is None
