"""Real sidecars in network namespaces, one mesh for all tests here: starting three pods takes three seconds."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sidecar.mesh import API, THIEF, WEB, Mesh, api_config, caller_config
from tests.support.sidecar.pool import Pool

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.netns)
            item.add_marker(pytest.mark.haproxy)


@pytest.fixture(scope="session")
def mesh() -> Iterator[Mesh]:
    """The mesh as it was started: for tests that only send traffic."""
    if os.geteuid() != 0:
        pytest.skip("makes network namespaces: needs root")
    made = Mesh("sidecar")
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def changing_mesh(mesh: Mesh) -> Iterator[Mesh]:
    """For tests that change configurations: they are put back."""
    yield mesh
    mesh.control_plane.apply(API, api_config())
    mesh.control_plane.apply(WEB, caller_config("web"))
    mesh.control_plane.apply(THIEF, caller_config("thief"))


@pytest.fixture(scope="session")
def one_pool(mesh: Mesh) -> Iterator[Pool]:
    """Made once."""
    made = Pool(mesh)
    yield made
    made.close()


@pytest.fixture
def pool(one_pool: Pool, changing_mesh: Mesh) -> Pool:
    """A Service with three endpoints outside of the mesh; what `web` runs on is put back."""
    return one_pool
