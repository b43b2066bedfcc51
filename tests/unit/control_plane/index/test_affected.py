"""Whose configuration a change may touch."""

from __future__ import annotations

from tests.support.cluster import SHOP, a_namespace, a_pod, a_route, a_service, an_index, intentions, put, to

EVERYBODY = frozenset({("shop", "web-1"), ("shop", "api-1"), ("shop", "api-2"), ("other", "client-1")})
OTHER = (a_namespace("other"), a_pod("client-1", "10.0.1.1", namespace="other"))


def test_a_service_reaches_every_sidecar() -> None:
    assert put(an_index(*SHOP, *OTHER), a_service("new", "10.96.0.50")) == EVERYBODY


def test_pods_without_a_sidecar_and_ended_ones_are_left_out() -> None:
    plain = a_pod("plain-1", "10.0.1.2", namespace="other", meshed=False)
    ended = a_pod("job-1", "10.0.1.3", namespace="other", phase="Succeeded")
    assert put(an_index(*SHOP, *OTHER, plain, ended), a_service("new", "10.96.0.50")) == EVERYBODY


def test_intentions_reach_their_namespace() -> None:
    allow = {"name": "web", "action": "allow"}
    hit = put(an_index(*SHOP, *OTHER), intentions("api", "api", allow))
    assert hit == {key for key in EVERYBODY if key[0] == "shop"}


def test_broken_intentions_reach_their_namespace_as_well() -> None:
    obj = intentions("api", "api", {"name": "web", "action": "allow"})
    obj["spec"]["surprise"] = 1
    assert put(an_index(*SHOP, *OTHER), obj) == {key for key in EVERYBODY if key[0] == "shop"}


def test_a_consumer_route_reaches_the_clients_of_its_namespace() -> None:
    route = a_route("api", "api", {"backendRefs": [to("api")]}, namespace="other", parent={"namespace": "shop"})
    assert put(an_index(*SHOP, *OTHER), route) == {("other", "client-1")}


def test_a_producer_route_reaches_every_sidecar() -> None:
    assert put(an_index(*SHOP, *OTHER), a_route("api", "api", {"backendRefs": [to("api")]})) == EVERYBODY


def test_a_route_of_a_gateway_reaches_nobody() -> None:
    route = a_route("api", "api", {"backendRefs": [to("api")]})
    route["spec"]["parentRefs"] = [{"name": "gateway"}]
    assert put(an_index(*SHOP, *OTHER), route) == frozenset()


def test_a_route_that_loses_its_parent_still_reaches_those_it_had() -> None:
    index = an_index(*SHOP, *OTHER, a_route("api", "api", {"backendRefs": [to("api")]}))
    moved = a_route("api", "api", {"backendRefs": [to("api")]})
    moved["spec"]["parentRefs"] = [{"name": "gateway"}]
    assert put(index, moved) == EVERYBODY
