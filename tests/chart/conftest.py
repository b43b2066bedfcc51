"""The chart mesh with each of its sets of values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api_server import ApiServer, api_server
from tests.support.charts import CHARTS, Manifest, render

MESH = CHARTS / "mesh"
VALUES: dict[str, Path | None] = {
    "default": None,
    "ha": MESH / "values-ha.yaml",
    **{path.stem.removesuffix("-values"): path for path in sorted((MESH / "ci").glob("*-values.yaml"))},
}


@pytest.fixture(scope="session", params=VALUES, ids=list(VALUES))
def values(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Helm's arguments for one set of values."""
    path = VALUES[request.param]
    return ("-f", str(path)) if path else ()


@pytest.fixture(scope="session")
def mesh(values: tuple[str, ...]) -> list[Manifest]:
    """The chart mesh, rendered with one set of values."""
    return render("mesh", *values)


@pytest.fixture(scope="session")
def default_mesh() -> list[Manifest]:
    """The chart mesh as it is without any value."""
    return render("mesh")


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A real API server that knows the mesh's kinds, with the namespaces `shop` and `heddle-system`."""
    definitions = render("mesh-crds")
    with api_server(tmp_path_factory.mktemp("kubernetes")) as server:
        for definition in definitions:
            made = server.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
            assert made.status == 201, made.message
        for definition in definitions:
            server.wait_for(f"/apis/mesh.heddle.dev/v1alpha1/{definition['spec']['names']['plural']}")
        # Even where somebody labels the mesh's own namespace, it is left alone.
        for name, labels in (("shop", {}), ("heddle-system", {"mesh.heddle.dev/inject": "enabled"})):
            made = server.create("/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
            assert made.status == 201, made.message
        yield server
