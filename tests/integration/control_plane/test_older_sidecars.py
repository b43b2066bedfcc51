"""A rolling upgrade: the control plane first, then the pods, one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mesh_policy.schema import describe
from tests.integration.control_plane.test_status import endpoints
from tests.support.cluster import API_SERVICE, a_policy, a_service
from tests.support.control_plane import Sidecar, replica, sidecar
from tests.support.fake_kube import FakeKube
from tests.support.older import BURST, SLOW_START, without

POLICY = a_policy("slowly", targets=[API_SERVICE], loadBalancing={"slowStart": "10s"})


def programmed(obj: dict[str, Any] | None) -> dict[str, Any]:
    said = (obj or {}).get("status", {}).get("conditions", [])
    return next((one for one in said if one["type"] == "Programmed"), {})


def slow_start(config: dict[str, Any]) -> float | None:
    backend = next(one for one in config["outbound"]["backends"] if one["name"] == "shop/api/80")
    found: float | None = backend.get("balance", {}).get("slowStartSeconds")
    return found


async def take(client: Sidecar, service: str) -> dict[str, Any]:
    """Acknowledge snapshots up to the one that has this Service."""
    while True:
        config = await client.snapshot()
        assert await client.ack(config["version"]) == 204
        if any(one["name"] == f"shop/{service}/80" for one in config["outbound"]["frontends"]):
            return config


async def test_an_older_sidecar_gets_every_later_change_and_the_status_names_it(kube: FakeKube, tmp_path: Path) -> None:
    await kube.delete("Pod", "shop", "api-2")
    await kube.apply(POLICY)
    async with (
        replica(kube, tmp_path, "cp-0") as leader,
        replica(kube, tmp_path, "cp-1") as other,
        sidecar(kube, leader, "api", describe()) as newer,
        sidecar(kube, other, "web", without(SLOW_START)) as older,
    ):
        await kube.apply(*endpoints(leader, other))
        await kube.apply(a_service("later", "10.96.0.60"))
        assert slow_start(await take(newer, "later")) == 10.0
        assert slow_start(await take(older, "later")) is None
        said = await kube.until("TrafficPolicy", "shop", "slowly", lambda o: "later" if "older" in str(o) else None)
        condition = programmed(said)
        assert (condition["status"], condition["reason"]) == ("False", "OlderSidecar")
        assert condition["message"] == (
            "running in 1 of 2 sidecars; shop/web-1 is of an older version and runs it without "
            f"{SLOW_START}: restart the pod"
        )
        # Its pod is restarted: the sidecar of the new version comes, at whichever replica.
        async with sidecar(kube, leader, "web", describe()) as restarted:
            assert slow_start(await take(restarted, "later")) == 10.0
            said = await kube.until("TrafficPolicy", "shop", "slowly", lambda o: programmed(o).get("status") == "True")
        assert programmed(said)["message"] == "running in 2 of 2 sidecars"


async def test_what_protects_somebody_is_not_left_out(kube: FakeKube, tmp_path: Path) -> None:
    await kube.delete("Pod", "shop", "api-2")
    await kube.apply(a_policy("limit", targets=[API_SERVICE], rateLimit={"requests": 5, "burst": 3}))
    async with replica(kube, tmp_path) as cp, sidecar(kube, cp, "api", without(BURST)) as older:
        config = await older.snapshot()
        assert config["inbound"]["rateLimits"][0]["burst"] == 3, "it refuses it, and keeps what it had"
        unknown = {"path": "inbound.rateLimits[0]", "message": "Object contains unknown field `burst`"}
        await older.ack(config["version"], unknown)
        said = await kube.until("TrafficPolicy", "shop", "limit", lambda o: programmed(o).get("reason") == "Refused")
        assert "unknown field `burst`" in programmed(said)["message"]


async def test_a_sidecar_from_before_it_could_say_so_is_served(kube: FakeKube, tmp_path: Path) -> None:
    async with replica(kube, tmp_path) as cp, sidecar(kube, cp, "web") as silent, sidecar(kube, cp, "api", "!") as odd:
        assert (await silent.snapshot())["workload"]["pod"] == "web-1"
        assert (await odd.snapshot())["workload"]["pod"] == "api-1"
