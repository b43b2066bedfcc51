"""Which engine serves a frontend, and why."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.compile.engine import engine, wanted
from mesh_policy.snapshot import Fault, HttpRoutes
from tests.support.cluster import a_mesh_config, a_pod, an_index

FAULT = (Fault(name="slow", delay_seconds=1.0),)


@pytest.mark.parametrize(
    ("choice", "protocol", "routes", "faults", "serves"),
    [
        ("auto", "http", None, (), "native"),
        ("auto", "http", HttpRoutes(), (), "python"),
        ("auto", "http", None, FAULT, "python"),
        ("auto", "detect", HttpRoutes(), (), "python"),
        ("python", "http", None, (), "python"),
        ("python", "grpc", None, (), "python"),
        ("python", "detect", None, (), "native"),
        ("python", "tcp", None, (), "native"),
        ("native", "http", None, (), "native"),
        ("native", "http", HttpRoutes(), (), "python"),
    ],
)
def test_engine(choice: Any, protocol: Any, routes: HttpRoutes | None, faults: tuple[Fault, ...], serves: str) -> None:
    chosen, reason = engine(choice, protocol, routes, faults)
    assert chosen == serves
    assert reason


@pytest.mark.parametrize(
    ("annotation", "mesh", "choice"),
    [
        ({}, {}, "auto"),
        ({}, {"engine": "python"}, "python"),
        ({"mesh.heddle.dev/engine": "native"}, {"engine": "python"}, "native"),
    ],
)
def test_the_pod_asks_before_the_mesh(annotation: dict[str, str], mesh: dict[str, str], choice: str) -> None:
    index = an_index(a_pod("a-1", "10.0.0.1", annotations=annotation), a_mesh_config(**mesh))
    pod = index.pod("shop", "a-1")
    assert pod is not None
    assert wanted(index, pod) == choice
