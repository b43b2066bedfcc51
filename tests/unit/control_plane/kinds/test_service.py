"""Service."""

from __future__ import annotations

import json

from control_plane.kinds.registry import decode
from control_plane.kinds.service import Service


def a_service(**spec: object) -> Service:
    found = decode("Service", json.dumps({"metadata": {"name": "a", "namespace": "n"}, "spec": spec}).encode())
    assert isinstance(found, Service)
    return found


def test_only_ipv4_addresses_count() -> None:
    assert a_service(clusterIP="10.0.0.1", clusterIPs=["10.0.0.1", "fd00::1"]).addresses == ("10.0.0.1",)
    assert a_service(clusterIP="10.0.0.1").addresses == ("10.0.0.1",)


def test_headless_and_ipv6_services_have_no_address() -> None:
    assert a_service(clusterIP="None", clusterIPs=["None"]).addresses == ()
    assert a_service(clusterIP="fd00::1").addresses == ()


def test_udp_ports_are_not_ours() -> None:
    service = a_service(ports=[{"port": 53, "protocol": "UDP"}, {"port": 53}])
    assert [port.protocol for port in service.tcp_ports] == ["TCP"]
    assert service.port(53) is not None
    assert service.port(54) is None


def test_a_service_without_ports_is_read() -> None:
    assert a_service(ports=None).tcp_ports == ()


def test_external_name_is_seen() -> None:
    assert a_service(type="ExternalName", externalName="example.com").is_external_name
