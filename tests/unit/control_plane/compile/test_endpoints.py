"""Endpoints: ready addresses, each with the identity it must prove."""

from __future__ import annotations

from typing import Any

from control_plane.compile.endpoints import backend, pod_addresses, zones
from control_plane.index.reference import service_target
from control_plane.index.store import Index
from mesh_policy.snapshot import Endpoint
from tests.support.cluster import API_V1, API_V2, SHOP, a_namespace, a_pod, a_service, a_slice, an_index, put

API = "spiffe://cluster.local/ns/shop/sa/api"


def endpoints(index: Index, service: str = "api", **labels: str) -> tuple[Endpoint, ...]:
    found = index.service("shop", service)
    assert found is not None
    target = service_target(found, found.tcp_ports[0])._replace(labels=tuple(labels.items()))
    return backend(index, target).endpoints


def ips(found: tuple[Endpoint, ...]) -> list[str]:
    return [endpoint.ip for endpoint in found]


def test_ready_pods_with_identity_node_and_zone() -> None:
    first, second = endpoints(an_index(*SHOP))
    assert first == Endpoint(ip="10.0.0.2", port=8080, identity=API, zone="zone-1", node="node-1")
    assert second.ip == "10.0.0.3"


def test_labels_choose_among_the_pods() -> None:
    assert ips(endpoints(an_index(*SHOP), version="v2")) == ["10.0.0.3"]
    assert endpoints(an_index(*SHOP), version="v3") == ()


def test_a_pod_that_is_not_ready_gets_nothing() -> None:
    index = an_index(*SHOP, a_slice("api", API_V1, conditions={"ready": False}), a_slice("api", API_V2, slice="y"))
    assert ips(endpoints(index)) == ["10.0.0.3"]


def test_draining_pods_serve_when_nothing_else_does() -> None:
    leaving = {"ready": False, "serving": True, "terminating": True}
    index = an_index(*SHOP, a_slice("api", API_V1, conditions=leaving))
    assert ips(endpoints(index)) == ["10.0.0.2"]
    put(index, a_slice("api", API_V2, slice="y"))
    assert ips(endpoints(index)) == ["10.0.0.3"]


def test_an_endpoint_whose_pod_is_unknown_waits() -> None:
    late = a_pod("api-3", "10.0.0.4", account="api")
    index = an_index(*SHOP, a_slice("api", API_V1, late))
    assert ips(endpoints(index)) == ["10.0.0.2"]
    put(index, late)
    assert ips(endpoints(index)) == ["10.0.0.2", "10.0.0.4"]


def test_an_endpoint_of_an_earlier_pod_of_the_same_name_waits() -> None:
    reborn = {**API_V1, "metadata": {**API_V1["metadata"], "uid": "another"}}
    index = an_index(*SHOP, reborn)
    assert ips(endpoints(index)) == ["10.0.0.3"]


def test_pods_without_sidecar_are_dialled_in_plain() -> None:
    plain = a_pod("api-1", "10.0.0.2", meshed=False, labels={"app": "api"})
    assert endpoints(an_index(*SHOP, plain))[0].identity is None


def test_an_address_without_a_pod_is_plain_and_one_with_a_pod_is_not() -> None:
    def bare(ip: str) -> dict[str, Any]:
        found = a_slice("free", API_V1)
        found["endpoints"] = [{"addresses": [ip]}]
        return found

    service = a_service("free", "10.96.0.9", selector=None)
    assert endpoints(an_index(*SHOP, service, bare("192.0.2.7")), "free")[0].identity is None
    assert endpoints(an_index(*SHOP, service, bare("10.0.0.2")), "free")[0].identity == API


def test_ports_are_paired_by_name() -> None:
    service = a_service("api", "10.96.0.10", {"port": 80, "name": "http"}, {"port": 81, "name": "admin"})
    index = an_index(*SHOP, service, a_slice("api", API_V1, port=9090, name="http"))
    assert [endpoint.port for endpoint in endpoints(index)] == [9090]


def test_ipv6_slices_are_left_out() -> None:
    index = an_index(*SHOP, {**a_slice("api", API_V1), "addressType": "IPv6"})
    assert endpoints(index) == ()


def test_an_address_in_two_slices_counts_once() -> None:
    index = an_index(*SHOP, a_slice("api", API_V1, slice="y"))
    assert ips(endpoints(index)) == ["10.0.0.2", "10.0.0.3"]


def test_pods_that_can_be_dialled_by_address() -> None:
    index = an_index(
        *SHOP,
        a_pod("plain-1", "10.0.0.8", meshed=False),
        a_pod("gone-1", "10.0.0.9", phase="Failed"),
        a_pod("new-1", ""),
        a_pod("x-1", "10.0.0.7", annotations={"mesh.heddle.dev/exclude-inbound-ports": "9000"}),
        a_namespace("open", mtls="Disabled"),
        a_pod("open-1", "10.0.0.6", namespace="open"),
    )
    found = pod_addresses(index, index.pods())
    assert [pod.ip for pod in found] == ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.7"]
    assert found[3].plain_ports == (9000,)
    assert found[1].identity == API


def test_zones_of_nodes_are_what_endpoints_tell() -> None:
    assert zones(an_index(*SHOP)) == {"node-1": "zone-1"}
    assert zones(an_index()) == {}


def test_one_namespace_cannot_move_a_node_for_the_others() -> None:
    """Who may write EndpointSlices in a namespace may claim any zone for any node."""
    claim = a_slice("x", API_V1, namespace="zzz")
    claim["endpoints"][0]["zone"] = "elsewhere"
    many = a_slice("x", *(a_pod(f"x-{i}", f"10.9.0.{i}", namespace="yyy") for i in range(5)), namespace="yyy")
    index = an_index(*SHOP, many, claim)
    assert zones(index) == {"node-1": "zone-1"}
    two_minded = a_slice("x", API_V1, API_V2, namespace="yyy")
    two_minded["endpoints"][0]["zone"] = "elsewhere"
    assert zones(an_index(two_minded)) == {}, "no voice"


def test_addresses_that_sidecars_refuse_are_left_out() -> None:
    """One such endpoint would keep every sidecar from every change. The API server takes leading zeros."""
    odd = a_slice("api", API_V1, API_V2, slice="odd")
    odd["endpoints"][0] |= {"addresses": ["010.0.0.9"], "targetRef": None}
    odd["endpoints"][1] |= {"addresses": ["10.0.0.999"], "targetRef": None}
    assert ips(endpoints(an_index(*SHOP, odd))) == ["10.0.0.2", "10.0.0.3", "10.0.0.9"]
    odd["endpoints"][0]["addresses"] = ["010.000.0.2"]
    assert endpoints(an_index(*SHOP, odd))[0].identity == API, "another spelling of a meshed pod is that pod"
    six = a_pod("six-1", "fd00::1")
    assert "fd00::1" not in [one.ip for one in pod_addresses(an_index(*SHOP, six), an_index(*SHOP, six).pods())]
