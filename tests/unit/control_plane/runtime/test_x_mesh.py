"""The mesh's own XMesh is made once, where it is missing."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from control_plane.index.store import Index
from control_plane.kinds.registry import decode
from control_plane.kinds.x_mesh import NAME, manifest
from control_plane.kube.client import KubeClient
from control_plane.runtime.x_mesh import MeshMaker
from tests.support.fake_kube import FakeKube, fake_kube


@asynccontextmanager
async def maker(
    path: Path, *, installed: bool = True, leading: bool = True
) -> AsyncIterator[tuple[MeshMaker, FakeKube, Index]]:
    async with fake_kube() as kube:
        client = await KubeClient.connect(kube.kubeconfig(path / "kubeconfig"))
        index = Index()
        try:
            yield MeshMaker(client, index, installed=lambda: installed, leading=lambda: leading), kube, index
        finally:
            await client.close()


async def test_it_is_made_and_then_left_alone(tmp_path: Path) -> None:
    async with maker(tmp_path) as (mesh, kube, index):
        assert not await mesh.step()
        made = kube.get("XMesh", "", NAME)
        assert made is not None
        assert made["spec"] == {"controllerName": "mesh.heddle.dev/control-plane"}
        index.apply("XMesh", decode("XMesh", json.dumps(made).encode()))
        asked = len(kube.requests)
        assert await mesh.step()
        assert len(kube.requests) == asked


async def test_the_name_may_be_taken_by_another_mesh(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with maker(tmp_path) as (mesh, kube, index):
        other = {**manifest(), "spec": {"controllerName": "example.com/mesh"}}
        await kube.apply(other)
        index.apply("XMesh", decode("XMesh", json.dumps(other).encode()))
        assert not await mesh.step()
        found = kube.get("XMesh", "", NAME)
        assert found is not None
        assert found["spec"] == other["spec"]
    (said,) = (record for record in caplog.records if record.levelno == logging.WARNING)
    assert vars(said)["controller"] == "example.com/mesh"


async def test_nothing_is_made_without_the_kind_or_the_lead(tmp_path: Path) -> None:
    for installed, leading in ((False, True), (True, False)):
        async with maker(tmp_path, installed=installed, leading=leading) as (mesh, kube, _):
            assert await mesh.step()
            assert kube.requests == []


async def test_a_refusal_is_no_fault(tmp_path: Path) -> None:
    async with maker(tmp_path) as (mesh, kube, _):
        kube.forbidden.add(("POST", "XMesh"))
        assert not await mesh.step()
