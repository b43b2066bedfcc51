"""Which engine serves a frontend, and why."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.compile.engine import engine, wanted
from mesh_policy.snapshot import Fault, HttpRoutes, Rule
from tests.support.cluster import a_mesh_config, a_pod, an_index

RULE = Rule(route="Service/shop/api", faults=(Fault(name="slow", delay_seconds=1.0),))


@pytest.mark.parametrize(
    ("choice", "protocol", "routes", "rule", "serves"),
    [
        ("auto", "http", None, None, "native"),
        ("auto", "http", HttpRoutes(), None, "python"),
        ("auto", "http", None, RULE, "python"),
        ("auto", "detect", HttpRoutes(), None, "python"),
        ("python", "http", None, None, "python"),
        ("python", "grpc", None, None, "python"),
        ("python", "detect", None, None, "native"),
        ("python", "tcp", None, None, "native"),
        ("native", "http", None, None, "native"),
        ("native", "http", HttpRoutes(), None, "python"),
    ],
)
def test_engine(choice: Any, protocol: Any, routes: HttpRoutes | None, rule: Rule | None, serves: str) -> None:
    chosen, reason = engine(choice, protocol, routes, rule)
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
