"""Which Service ports a route attaches to."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.index.attachment import Attachment, attachments, winners
from control_plane.index.store import Index
from control_plane.kinds.service import Service
from tests.support.cluster import SHOP, a_route, a_service, a_tcp_route, an_index, put, to

PORTS = (
    {"name": "http", "port": 80},
    {"name": "alt", "port": 8080, "appProtocol": "http"},
    {"name": "tcp-db", "port": 9000},
    {"name": "other", "port": 9001},
)


def attach(parent: dict[str, Any], namespace: str = "shop", **service: Any) -> tuple[Attachment, ...]:
    ports = service.pop("ports", PORTS)
    index = an_index(a_service("api", service.pop("ip", "10.96.0.1"), *ports, **service))
    route = a_route("r", "api", {}, namespace=namespace, parent={"namespace": "shop", **parent})
    index.apply("HTTPRoute", found := _read(route))
    return attachments(index, found)


def _read(route: dict[str, Any]) -> Any:
    import json

    from control_plane.kinds.registry import decode

    return decode(route["kind"], json.dumps(route).encode())


@pytest.mark.parametrize(
    ("parent", "ports"),
    [
        ({}, [80, 8080, 9001]),
        ({"port": 80}, [80]),
        ({"sectionName": "alt"}, [8080]),
        ({"port": 8080, "sectionName": "alt"}, [8080]),
        ({"port": 80, "sectionName": "alt"}, []),
        ({"port": 9000}, []),
        ({"port": 81}, []),
    ],
)
def test_port_and_section_name(parent: dict[str, Any], ports: list[int]) -> None:
    (found,) = attach(parent)
    assert [port.port for port in found.ports] == ports
    assert bool(found.problem) is not bool(ports)


def test_connections_are_routed_on_ports_of_any_protocol() -> None:
    index = an_index(a_service("api", "10.96.0.1", *PORTS), route := a_tcp_route("r", "api", to("api")))
    (found,) = attachments(index, _read(route))
    assert [port.port for port in found.ports] == [80, 8080, 9000, 9001]


def test_the_problem_says_what_would_be_right() -> None:
    (missing,) = attach({"port": 81})
    assert missing.problem == (
        "Service shop/api has no TCP port with port 81; it has 80 (http), 8080 (alt), 9000 (tcp-db), 9001 (other)"
    )
    (tcp,) = attach({"port": 9000})
    assert "set the port's appProtocol to http" in tcp.problem


def test_headless_and_external_services_are_no_parents() -> None:
    (headless,) = attach({}, ip="None")
    assert "ClusterIP" in headless.problem
    (external,) = attach({}, type="ExternalName")
    assert "ExternalName" in external.problem


def test_producer_and_consumer() -> None:
    (producer,) = attach({})
    (consumer,) = attach({}, namespace="client")
    assert (producer.is_consumer, consumer.is_consumer) == (False, True)


def test_a_parent_that_does_not_exist_has_no_entry() -> None:
    assert attach({"name": "gone"}) == ()
    assert attach({"group": "gateway.networking.k8s.io", "kind": "Gateway"}) == ()


class Counting(Index):
    """How often a Service was looked up."""

    lookups = 0

    def service(self, namespace: str, name: str) -> Service | None:
        self.lookups += 1
        return super().service(namespace, name)


def test_many_routes_on_one_service_are_not_compared_each_with_each() -> None:
    """The conditions of 600 TCPRoutes took seven seconds, in which no sidecar heard anything."""
    index, number = Counting(), 60
    put(index, *SHOP, *(a_tcp_route(f"t{i:02}", "api", to("api")) for i in range(number)))
    lost = [winners(index, one) for route in index.routes() for one in attachments(index, route)]
    assert [bool(one) for one in lost] == [False] + [True] * (number - 1)
    assert index.lookups <= 5 * number
