"""A Kubernetes API of our own, empty, and the control plane's client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from control_plane.kube.client import KubeClient
from tests.support.fake_kube import FakeKube, fake_kube


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    async with fake_kube() as server:
        yield server


@pytest.fixture
async def client(kube: FakeKube, tmp_path: Path) -> AsyncIterator[KubeClient]:
    found = await KubeClient.connect(kube.kubeconfig(tmp_path / "kubeconfig"))
    yield found
    await found.close()
