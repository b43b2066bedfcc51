"""Probes go through the sidecar and ask the application the same question."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.injector.pod import parse_pod
from control_plane.injector.probes import rewrite
from tests.support import json_patch


def rewritten(container: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    pod = {"spec": {"containers": [{"name": "app", **container}]}}
    targets, operations, faults = rewrite(parse_pod(pod).spec.containers[0], "containers", 0)
    return json_patch.apply(pod, operations)["spec"]["containers"][0], targets, [str(fault) for fault in faults]


@pytest.mark.parametrize(
    ("field", "word"), [("livenessProbe", "livez"), ("readinessProbe", "readyz"), ("startupProbe", "startupz")]
)
@pytest.mark.parametrize(
    ("question", "target"),
    [
        ({"httpGet": {"port": 8080, "path": "/h"}}, {"httpGet": {"port": 8080, "path": "/h", "scheme": "HTTP"}}),
        (
            {"httpGet": {"port": "web", "scheme": "HTTPS", "httpHeaders": [{"name": "a", "value": "b"}]}},
            {"httpGet": {"port": 8000, "path": "/", "scheme": "HTTPS", "httpHeaders": [{"name": "a", "value": "b"}]}},
        ),
        ({"tcpSocket": {"port": "web"}}, {"tcpSocket": {"port": 8000}}),
        ({"grpc": {"port": 9000}}, {"grpc": {"port": 9000}}),
        ({"grpc": {"port": 9000, "service": "s"}}, {"grpc": {"port": 9000, "service": "s"}}),
    ],
    ids=["http", "http-named-port-tls", "tcp", "grpc", "grpc-service"],
)
def test_every_network_probe_is_asked_by_the_sidecar(
    field: str, word: str, question: dict[str, Any], target: dict[str, Any]
) -> None:
    numbers = {"periodSeconds": 7, "failureThreshold": 2}
    container, targets, faults = rewritten(
        {field: {**question, **numbers}, "ports": [{"name": "web", "containerPort": 8000}]}
    )
    path = f"/app-health/app/{word}"
    assert container[field] == {"httpGet": {"path": path, "port": 15020, "scheme": "HTTP"}, **numbers}
    assert targets == {path: {**target, "timeoutSeconds": 1}}
    assert not faults


def test_the_applications_time_limit_is_kept() -> None:
    _, targets, _ = rewritten({"livenessProbe": {"tcpSocket": {"port": 1}, "timeoutSeconds": 9}})
    assert targets["/app-health/app/livez"]["timeoutSeconds"] == 9


@pytest.mark.parametrize(
    "probe",
    [
        {"exec": {"command": ["true"]}},
        {"httpGet": {"port": 80, "host": "example.org"}},
        {"tcpSocket": {"port": 80, "host": "10.0.0.1"}},
    ],
    ids=["exec", "http of another host", "tcp of another host"],
)
def test_what_does_not_come_through_the_pod_stays(probe: dict[str, Any]) -> None:
    container, targets, faults = rewritten({"livenessProbe": probe})
    assert container["livenessProbe"] == probe
    assert not targets
    assert not faults


@pytest.mark.parametrize("port", ["web", "0", "65536", "9" * 5000, 0, -1, 65536])
def test_a_port_that_is_none_is_refused_since_the_api_server_does_not_see_it_any_more(port: str | int) -> None:
    container, targets, (fault,) = rewritten({"readinessProbe": {"httpGet": {"port": port}}})
    assert fault.startswith("spec.containers[0].readinessProbe.httpGet.port: ")
    assert fault.endswith("is neither a port from 1 to 65535 nor the name of one of container app")
    assert not targets
    assert container["readinessProbe"] == {"httpGet": {"port": port}}


def test_a_port_may_be_a_number_in_quotes() -> None:
    _, targets, faults = rewritten({"livenessProbe": {"tcpSocket": {"port": "08080"}}})
    assert targets["/app-health/app/livez"]["tcpSocket"] == {"port": 8080}
    assert not faults
