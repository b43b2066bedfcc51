"""Pod."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.kinds.pod import MAX_EXCLUDED_PORTS, Pod
from control_plane.kinds.registry import decode
from tests.support.cluster import a_pod


def read(obj: dict[str, Any]) -> Pod:
    found = decode("Pod", json.dumps(obj).encode())
    assert isinstance(found, Pod)
    return found


def test_the_injectors_mark_makes_a_pod_meshed() -> None:
    assert read(a_pod("a", "10.0.0.1")).is_meshed
    assert not read(a_pod("a", "10.0.0.1", meshed=False)).is_meshed


def test_the_network_of_a_node_is_never_meshed() -> None:
    assert not read(a_pod("a", "10.0.0.1", spec={"hostNetwork": True})).is_meshed


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("", ()),
        ("8081, 9000", (8081, 9000)),
        ("x,99999,80,80", (80,)),
        ("0,-1,٣,65536,65535", (65535,)),
        ("9" * 5000 + ",80", (80,)),  # more digits than int() reads
        (",".join(map(str, range(1, 40001))), tuple(range(1, MAX_EXCLUDED_PORTS + 1))),
    ],
)
def test_excluded_ports(text: str, ports: tuple[int, ...]) -> None:
    pod = read(a_pod("a", "10.0.0.1", annotations={"mesh.heddle.dev/exclude-inbound-ports": text}))
    assert pod.excluded_ports == ports


def test_a_named_port_is_found_by_name_and_tcp() -> None:
    ports = [{"name": "dns", "containerPort": 53, "protocol": "UDP"}, {"name": "http", "containerPort": 8080}]
    pod = read(a_pod("a", "10.0.0.1", spec={"containers": [{"name": "c", "ports": ports}]}))
    assert pod.container_port("http") == 8080
    assert pod.container_port("dns") is None


@pytest.mark.parametrize(("phase", "ended"), [("Running", False), ("Succeeded", True), ("Failed", True)])
def test_an_ended_pod(phase: str, ended: bool) -> None:
    assert read(a_pod("a", "10.0.0.1", phase=phase)).has_ended is ended
