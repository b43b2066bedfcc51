"""What policies and MeshConfig have in common is checked in both."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.kinds.registry import decode, violations
from tests.support.cluster import a_mesh_config
from tests.support.policies import wrong

BAD: list[tuple[str, dict[str, Any], str]] = [
    ("timeouts", {"idle": "soon"}, "timeouts.idle"),
    ("retry", {"attempts": -1}, "retry.attempts"),
    ("retryBudget", {"percent": -1}, "retryBudget.percent"),
    ("circuit", {"maxConnections": 0}, "circuit.maxConnections"),
    ("outlier", {"panic": -1}, "outlier.panic"),
    ("loadBalancing", {"slowStart": "-1s"}, "loadBalancing.slowStart"),
]


@pytest.mark.parametrize(("field", "value", "path"), BAD)
def test_each_part_is_checked_in_both(field: str, value: dict[str, Any], path: str) -> None:
    assert wrong(**{field: value}) == [path]
    obj = decode("MeshConfig", json.dumps(a_mesh_config(**{field: value})).encode())
    assert [violation.path for violation in violations("MeshConfig", obj)] == [f"spec.{path}"]
