"""The index: objects in, questions answered, and a revision for every change that means something."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from control_plane.index.store import Index
from control_plane.kinds.meta import Metadata, Ref
from control_plane.kinds.pod import Pod
from control_plane.kinds.service_intentions import ServiceIntentions
from tests.support.cluster import (
    API_V1,
    EXTENSION,
    SHOP,
    WEB,
    a_mesh_config,
    a_pod,
    a_route,
    a_service,
    a_slice,
    a_subset,
    an_index,
    intentions,
    put,
    to,
)


@pytest.fixture
def index() -> Index:
    return an_index(*SHOP)


def test_a_change_without_meaning_changes_nothing(index: Index) -> None:
    before = index.revision
    assert put(index, {**WEB, "metadata": {**WEB["metadata"], "resourceVersion": "99"}}) == frozenset()
    assert index.revision == before


def test_the_newest_resource_version_is_kept_for_status_writes(index: Index) -> None:
    put(index, {**WEB, "metadata": {**WEB["metadata"], "resourceVersion": "99"}})
    found = index.find(Ref("Pod", "shop", "web-1"))
    assert found is not None
    assert found.metadata.resource_version == "99"


def test_pods_of_a_service_by_selector_and_by_endpoints(index: Index) -> None:
    service = index.service("shop", "api")
    assert service is not None
    assert [pod.metadata.name for pod in index.pods_of(service)] == ["api-1", "api-2"]
    put(index, a_service("free", "10.96.0.20", selector=None), a_slice("free", API_V1))
    free = index.service("shop", "free")
    assert free is not None
    assert [pod.metadata.name for pod in index.pods_of(free)] == ["api-1"]


def test_services_of_a_pod_never_come_from_another_namespace(index: Index) -> None:
    put(index, a_service("api", "10.96.0.30", namespace="other"))
    pod = index.pod("shop", "api-1")
    assert pod is not None
    assert [service.key for service in index.services_of(pod)] == [("shop", "api")]


def test_an_address_leads_to_the_living_pod(index: Index) -> None:
    found = index.pod_at("10.0.0.1")
    assert found is not None
    assert found.metadata.name == "web-1"
    put(index, a_pod("web-1", "10.0.0.1", phase="Succeeded"))
    assert index.pod_at("10.0.0.1") is None


def test_an_address_that_was_reused_belongs_to_the_new_pod(index: Index) -> None:
    put(index, a_pod("new-1", "10.0.0.1"))
    index.delete(Ref("Pod", "shop", "web-1"))
    found = index.pod_at("10.0.0.1")
    assert found is not None
    assert found.metadata.name == "new-1"


def test_external_name_services_are_not_reached(index: Index) -> None:
    put(index, a_service("far", "", type="ExternalName"))
    assert "far" not in [service.metadata.name for service in index.services()]


def test_slices_follow_their_service(index: Index) -> None:
    index.delete(Ref("EndpointSlice", "shop", "api-x"))
    assert index.slices("shop", "api") == ()
    assert index.delete(Ref("EndpointSlice", "shop", "api-x")) == frozenset()


def test_a_route_that_is_not_valid_is_not_compiled(index: Index) -> None:
    put(index, a_route("good", "api", {"backendRefs": [to("api")]}))
    put(index, a_route("bad", "api", {"backendRefs": [to("api", weight=-1)], "filters": [EXTENSION]}))
    put(index, a_route("shut", "api", {"backendRefs": [to("api")], "filters": [EXTENSION]}))
    assert [route.metadata.name for route in index.routes()] == ["good", "shut"]
    put(index, a_route("shut", "api", {"backendRefs": [to("api", weight=-1)], "filters": [EXTENSION]}))
    assert [route.metadata.name for route in index.routes()] == ["good"]
    bad = index.find(Ref("HTTPRoute", "shop", "bad"))
    assert bad is not None
    assert index.problems("HTTPRoute", bad)


def test_a_subset_that_is_not_valid_is_not_found(index: Index) -> None:
    put(index, a_subset("v1", "api", version="v1"), a_subset("bad", "api"))
    assert index.subset("shop", "v1") is not None
    assert index.subset("shop", "bad") is None


def test_a_broken_mesh_config_leaves_the_last_good_one_in_force(index: Index) -> None:
    put(index, a_mesh_config(trustDomain="example.org"))
    put(index, a_mesh_config(trustDomain="Example Org"))
    assert index.mesh.spec.trust_domain == "example.org"


def test_without_mesh_config_the_defaults_hold(index: Index) -> None:
    put(index, a_mesh_config(trustDomain="example.org"))
    index.delete(Ref("MeshConfig", "", "default"))
    assert index.mesh.spec.trust_domain == "cluster.local"


def test_broken_intentions_are_told_apart(index: Index) -> None:
    put(index, intentions("good", "api", {"name": "web", "action": "allow"}), intentions("bad", "api"))
    assert [obj.metadata.name for obj in index.intentions("shop")] == ["good"]
    assert [obj.metadata.name for obj in index.broken_intentions("shop")] == ["bad"]
    assert index.broken_intentions("other") == ()


def test_what_a_validator_stumbles_over_is_invalid_and_shuts_the_door(index: Index) -> None:
    spec: Any = None  # no decoder gives such an object: it stands for a fault in a validator
    odd = ServiceIntentions(metadata=Metadata(name="odd", namespace="shop"), spec=spec)
    index.apply("ServiceIntentions", odd)
    assert "a fault of the mesh" in str(index.problems("ServiceIntentions", odd)[0])
    assert (index.intentions("shop"), index.broken_intentions("shop")) == ((), (odd,))


def test_what_is_computed_holds_for_one_revision(index: Index) -> None:
    asked: list[int] = []

    def compute() -> int:
        asked.append(index.revision)
        return len(index.services())

    assert [index.once("services", compute), index.once("services", compute)] == [2, 2]
    put(index, {**WEB, "metadata": {**WEB["metadata"], "resourceVersion": "99"}})
    assert index.once("services", compute) == 2
    assert len(asked) == 1
    put(index, a_service("new", "10.96.0.77"))
    assert index.once("services", compute) == 3
    index.delete(Ref("Service", "shop", "new"))
    assert index.once("services", compute) == 2


def test_services_by_name() -> None:
    index = an_index(a_service("a", "10.96.0.1", namespace="x"), a_service("a", "10.96.0.2", namespace="y"))
    assert [one.metadata.namespace for one in index.services_named("a")] == ["x", "y"]
    assert index.services_named("b") == ()


def brute(index: Index, namespace: str | None = None) -> frozenset[tuple[str, str]]:
    return frozenset(pod.key for pod in index.pods(namespace) if pod.is_meshed and not pod.has_ended)


def test_meshed_pods_through_everything_that_happens_to_them(index: Index) -> None:
    changes = [
        a_pod("a", "10.5.0.1"),
        a_pod("b", "10.5.0.2", namespace="else"),
        a_pod("a", "10.5.0.1", phase="Failed"),
        a_pod("c", "10.5.0.3", meshed=False),
        a_pod("c", "10.5.0.3"),
        a_pod("c", "10.5.0.4", meshed=False),
        a_pod("d", "10.5.0.5", spec={"hostNetwork": True}),
    ]
    for change in changes:
        put(index, change)
        for namespace in (None, "shop", "else", "nowhere"):
            assert index.meshed(namespace) == brute(index, namespace)
    for name, namespace in (("b", "else"), ("a", "shop"), ("web-1", "shop")):
        index.delete(Ref("Pod", namespace, name))
        assert index.meshed() == brute(index)
        assert index.meshed(namespace) == brute(index, namespace)
    assert index.meshed("shop") == {("shop", "api-1"), ("shop", "api-2")}


def test_a_change_does_not_go_through_all_pods() -> None:
    """With 4,000 pods each event of the cluster took milliseconds, and a list of so many ten seconds at the start."""

    class Counting(Index):
        gone_through = 0

        def pods(self, namespace: str | None = None) -> Iterator[Pod]:
            self.gone_through += 1
            return super().pods(namespace)

    index = Counting()
    put(index, *SHOP, *(a_pod(f"p-{i}", f"10.6.0.{i}") for i in range(20)), a_route("r", "api", {}))
    assert len(index.meshed()) == 23
    assert index.gone_through == 0
