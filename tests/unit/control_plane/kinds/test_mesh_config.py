"""MeshConfig."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.kinds.mesh_config import DEFAULT
from control_plane.kinds.registry import decode, violations


def paths(name: str = "default", **spec: Any) -> list[str]:
    obj = {"metadata": {"name": name}, "spec": spec}
    return [v.path for v in violations("MeshConfig", decode("MeshConfig", json.dumps(obj).encode()))]


def test_nothing_said_is_safe() -> None:
    spec = DEFAULT.spec
    assert (spec.trust_domain, spec.mtls.mode, spec.authorization.default) == ("cluster.local", "Strict", "Deny")
    assert paths() == []


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"trustDomain": "Example.org"}, "spec.trustDomain"),
        ({"mtls": {"mode": "Off"}}, "spec.mtls.mode"),
        ({"authorization": {"default": "deny"}}, "spec.authorization.default"),
        ({"engine": "fast"}, "spec.engine"),
        ({"accessLog": {"sample": 200}}, "spec.accessLog.sample"),
        ({"surprise": 1}, "spec"),
    ],
)
def test_what_is_wrong_is_named(spec: dict[str, Any], path: str) -> None:
    assert paths(**spec) == [path]


def test_there_is_only_one() -> None:
    assert paths(name="other") == ["metadata.name"]
