"""Tests on the cluster of `make demo`, with the shop in it. KUBECONFIG names another one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshctl.checks import Context
from meshctl.client import Cluster, Object
from meshctl.errors import MeshctlError
from meshctl.names import GROUP
from tests.e2e.namespace import Sandbox, eventually

STATE_DIR = Path("/var/lib/heddle")
GONE_SECONDS = 60
CHANNEL = "gateway.networking.k8s.io/channel"
ROUTES = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/httproutes.gateway.networking.k8s.io"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    kubeconfig = os.environ.get("KUBECONFIG") or str(STATE_DIR / "kubeconfig")
    try:
        found = Cluster(kubeconfig)
        found.get("/version")
    except MeshctlError as error:
        pytest.skip(f"no cluster (make demo makes one): {error}")
    if found.find("/api/v1/namespaces/shop") is None:
        pytest.skip("the cluster has no demo: make demo, or meshctl demo install")
    return found


@pytest.fixture
def context(cluster: Cluster) -> Context:
    return Context(cluster=cluster, namespace="heddle-system")


@pytest.fixture(scope="module")
def sandbox(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """An empty namespace of the mesh for one module, removed at the end; the module's LABELS are labels of it too."""
    name = f"e2e-{request.module.__name__.rpartition('test_')[2].replace('_', '-')}"
    labels = {f"{GROUP}/inject": "enabled", f"{GROUP}/chaos": "allowed", **getattr(request.module, "LABELS", {})}
    body: Object = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    path = f"/api/v1/namespaces/{name}"
    cluster.delete(path)
    left = eventually(GONE_SECONDS, lambda: cluster.find(path), lambda found: found is None)
    assert left is None, f"namespace {name} of a run before does not go away"
    cluster.apply(path, body)
    yield Sandbox(cluster, name)
    cluster.delete(path)


@pytest.fixture
def experimental(cluster: Cluster) -> None:
    """Skips a test of what the Gateway API has in its experimental channel alone, where the cluster has the other."""
    channel = cluster.get(ROUTES)["metadata"]["annotations"][CHANNEL]
    if channel != "experimental":
        pytest.skip(f"needs the experimental channel of the Gateway API, the cluster has {channel}")
