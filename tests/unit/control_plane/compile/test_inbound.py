"""What a workload accepts."""

from __future__ import annotations

from typing import Any

from control_plane.compile.inbound import inbound
from control_plane.index.policy import PolicyTable
from mesh_policy.snapshot import Inbound
from tests.support.cluster import SHOP, a_namespace, a_pod, a_service, an_index


def compiled(*more: dict[str, Any]) -> Inbound:
    index = an_index(*SHOP, *more)
    pod = index.pod("shop", "api-1")
    assert pod is not None
    return inbound(index, PolicyTable(index), pod)


def ports(*more: dict[str, Any]) -> dict[int, str]:
    return {port.port: port.protocol for port in compiled(*more).ports}


def test_container_ports_speak_what_their_service_says() -> None:
    assert ports() == {8080: "http"}
    assert ports(a_service("api", "10.96.0.10", {"port": 81, "appProtocol": "grpc"})) == {81: "grpc"}
    assert ports(a_service("api", "10.96.0.10", {"port": 81, "targetPort": 0})) == {81: "detect"}


def test_named_ports_are_looked_up_in_the_pod() -> None:
    containers = [{"name": "c", "ports": [{"name": "web", "containerPort": 8081}]}]
    pod = a_pod("api-1", "10.0.0.2", labels={"app": "api"}, spec={"containers": containers})
    service = a_service("api", "10.96.0.10", {"port": 80, "targetPort": "web"}, {"port": 81, "targetPort": "gone"})
    assert ports(pod, service) == {8081: "detect"}


def test_services_that_disagree_leave_it_to_detection() -> None:
    other = {"port": 9, "targetPort": 8080, "appProtocol": "tcp"}
    assert ports(a_service("other", "10.96.0.12", other, selector={"app": "api"})) == {8080: "detect"}


def test_the_mode_is_the_namespaces() -> None:
    assert compiled().mtls == "Strict"
    assert compiled(a_namespace("shop", mtls="Permissive")).mtls == "Permissive"
