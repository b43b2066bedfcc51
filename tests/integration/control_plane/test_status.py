"""Conditions: written by the leader, with what sidecars of all replicas say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.cluster import EXTENSION, a_grpc_route, a_route, a_service, to
from tests.support.control_plane import NAMESPACE, Replica, Sidecar, replica, sidecar
from tests.support.fake_kube import FakeKube


def programmed(obj: dict[str, Any] | None) -> dict[str, Any]:
    for parent in (obj or {}).get("status", {}).get("parents", []):
        for condition in parent["conditions"]:
            if condition["type"] == "Programmed":
                found: dict[str, Any] = condition
                return found
    return {}


async def run_newest(client: Sidecar, *violations: dict[str, str]) -> None:
    config = await client.snapshot()
    while not any(frontend.get("routes") for frontend in config["outbound"]["frontends"]):
        config = await client.snapshot()
    assert await client.ack(config["version"], *violations) == 204


def endpoints(*replicas: Replica) -> list[dict[str, Any]]:
    """The control plane's Service; every replica has an address of its own, here a port."""
    service = a_service("heddle-control-plane", "10.96.0.2", {"name": "sidecars", "port": 443}, namespace=NAMESPACE)
    slices = [
        {
            "kind": "EndpointSlice",
            "metadata": {
                "name": f"cp-{i}",
                "namespace": NAMESPACE,
                "labels": {"kubernetes.io/service-name": "heddle-control-plane"},
            },
            "addressType": "IPv4",
            "ports": [{"name": "sidecars", "port": one.ports["sidecars"], "protocol": "TCP"}],
            "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
        }
        for i, one in enumerate(replicas)
    ]
    return [service, *slices]


async def test_programmed_counts_sidecars_and_names_the_laggard(kube: FakeKube, tmp_path: Path) -> None:
    await kube.delete("Pod", "shop", "api-2")
    await kube.apply(a_route("r", "api", {"backendRefs": [to("api")]}))
    async with replica(kube, tmp_path) as cp, sidecar(kube, cp, "web") as web, sidecar(kube, cp, "api") as api:
        obj = await kube.until("HTTPRoute", "shop", "r", programmed)
        assert programmed(obj)["message"] == "running in 0 of 2 sidecars; waiting for shop/api-1"
        await run_newest(api)
        await kube.until("HTTPRoute", "shop", "r", lambda o: "shop/web-1" in programmed(o).get("message", ""))
        await run_newest(web, {"path": "outbound", "message": "too many"})
        obj = await kube.until("HTTPRoute", "shop", "r", lambda o: programmed(o).get("reason") == "Refused")
        assert programmed(obj)["message"] == "running in 1 of 2 sidecars; shop/web-1 refuses it: outbound: too many"
        newest = kube.get("HTTPRoute", "shop", "r")
        assert newest is not None
        assert newest["metadata"]["generation"] == 1, "a status is no change of the object"


async def test_two_replicas_one_of_them_ends(kube: FakeKube, tmp_path: Path) -> None:
    await kube.delete("Pod", "shop", "api-2")
    await kube.apply(a_route("r", "api", {"backendRefs": [to("api")]}))
    async with replica(kube, tmp_path, "cp-0") as leader, replica(kube, tmp_path, "cp-1") as other:
        await kube.apply(*endpoints(leader, other))
        async with sidecar(kube, leader, "web") as web, sidecar(kube, other, "api") as api:
            await run_newest(web)
            await run_newest(api)
            obj = await kube.until("HTTPRoute", "shop", "r", lambda o: programmed(o).get("status") == "True")
            assert programmed(obj)["message"] == "running in 2 of 2 sidecars"
            assert await leader.terminate() == 0
            assert await web.line() is None, "its stream has ended: it connects to the other replica"
        async with sidecar(kube, other, "web") as web:
            await run_newest(web)
            await kube.apply(a_route("second", "web", {"backendRefs": [to("web")]}))
            await kube.until("HTTPRoute", "shop", "second", programmed)
    lease = kube.get("Lease", NAMESPACE, "heddle-control-plane")
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == "cp-1"


async def test_a_call_route_keeps_its_status_up_to_date(kube: FakeKube, tmp_path: Path) -> None:
    await kube.delete("Pod", "shop", "api-2")
    await kube.apply(a_grpc_route("r", "api", {"backendRefs": [to("api")]}))
    async with replica(kube, tmp_path) as cp, sidecar(kube, cp, "web") as web, sidecar(kube, cp, "api") as api:
        await run_newest(web)
        await run_newest(api)
        obj = await kube.until("GRPCRoute", "shop", "r", lambda o: programmed(o).get("status") == "True")
        assert programmed(obj)["message"] == "running in 2 of 2 sidecars"


async def test_the_mesh_says_what_it_can_do_where_the_cluster_asks(kube: FakeKube, tmp_path: Path) -> None:
    async with replica(kube, tmp_path):
        obj = await kube.until("XMesh", "", "heddle", lambda o: o is not None and "status" in o)
    assert [one["status"] for one in obj["status"]["conditions"]] == ["True"]
    assert {"name": "MeshConsumerRoute"} in obj["status"]["supportedFeatures"]


async def test_invalid_routes_are_told_and_others_entries_stay(kube: FakeKube, tmp_path: Path) -> None:
    route = a_route("r", "api", {"backendRefs": [to("api")], "filters": [EXTENSION]})
    gateway = {"parentRef": {"name": "gw"}, "controllerName": "example.com/gw", "conditions": []}
    await kube.apply({**route, "status": {"parents": [gateway]}})
    async with replica(kube, tmp_path):
        obj = await kube.until("HTTPRoute", "shop", "r", lambda o: len(o["status"]["parents"]) == 2)
    theirs, ours = obj["status"]["parents"]
    assert theirs == gateway
    accepted = ours["conditions"][0]
    assert (accepted["type"], accepted["status"], accepted["reason"]) == ("Accepted", "False", "UnsupportedValue")
    assert "spec.rules[0].filters[0].type" in accepted["message"]
