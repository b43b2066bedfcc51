"""Conditions of many objects leave room for everything else that the process does."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

from control_plane.compile.workload import Compiler
from control_plane.kube.client import KubeClient
from control_plane.kube.errors import NotFound
from control_plane.runtime.peers import Peers
from control_plane.runtime.status_writer import StatusWriter
from control_plane.serve.hub import Hub
from control_plane.serve.metrics import Metrics
from tests.support.cluster import SHOP, a_pod, a_subset, an_index

OBJECTS, PODS = 60, 40


class Nobody:
    """An API server whose objects are all gone, and which answers at once."""

    async def patch(self, path: str, *_: object) -> None:
        raise NotFound(path, 404, "gone")


async def test_others_have_their_turn_between_two_objects_and_between_two_sidecars() -> None:
    subsets = [a_subset(f"s{i}", "api", version="v1") for i in range(OBJECTS)]
    pods = [a_pod(f"p-{i}", f"10.4.0.{i}") for i in range(PODS)]
    index, metrics = an_index(*SHOP, *subsets, *pods), Metrics()
    compiler = Compiler(index)
    hub = Hub(index, compiler, metrics)
    peers = Peers(index, "heddle-system", "heddle-control-plane", ("", 0), Path("/none"), trust=lambda: "")
    client = cast("KubeClient", Nobody())
    writer = StatusWriter(client, index, compiler, hub, peers, metrics=metrics, leading=lambda: True)
    turns = 0

    async def another() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.ensure_future(another())
    assert await writer.step()
    beside.cancel()
    assert turns >= OBJECTS + PODS
