"""Where backend references lead."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from control_plane.index.reference import Target, Unresolved, resolve
from control_plane.kinds.route import Carries, ObjectRef
from tests.support.cluster import a_service, a_subset, an_index

INDEX = an_index(
    a_service("api", "10.96.0.1"),
    a_service("headless", "None"),
    a_service("db", "10.96.0.2", {"port": 5432}),
    a_service("far", "", type="ExternalName", externalName="Far.example.org."),
    a_service("bare", "", type="ExternalName", externalName="bare.example.org", ports=None),
    a_service("self", "", type="ExternalName", externalName="localhost"),
    a_subset("far-v2", "far", version="v2"),
    a_service("api", "10.96.1.1", namespace="staging"),
    a_subset("v2", "api", version="v2"),
    a_subset("lost", "gone", version="v2"),
    a_subset("empty", "api"),
)
SUBSET = {"group": "mesh.heddle.dev", "kind": "ServiceSubset"}


def lead(called_port: int = 80, **ref: Any) -> Target | Unresolved:
    return resolve(INDEX, "shop", msgspec.convert(ref, ObjectRef), called_port)


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ({"name": "api", "port": 80}, "shop/api/80"),
        ({"name": "api", "port": 80, "namespace": "staging"}, "staging/api/80"),
        ({"name": "headless", "port": 80}, "shop/headless/80"),
        ({"name": "v2", "port": 80, **SUBSET}, "shop/v2@subset/80"),
        ({"name": "v2", **SUBSET}, "shop/v2@subset/80"),
    ],
)
def test_a_reference_leads_to_a_backend(ref: dict[str, Any], name: str) -> None:
    found = lead(**ref)
    assert isinstance(found, Target)
    assert found.name == name


def test_a_subset_takes_the_port_called_and_its_labels() -> None:
    found = lead(name="v2", **SUBSET)
    assert isinstance(found, Target)
    assert found.labels == (("version", "v2"),)
    assert isinstance(lead(81, name="v2", **SUBSET), Unresolved)


def test_connections_go_to_ports_of_any_protocol() -> None:
    ref = ObjectRef(name="db", port=5432)
    assert isinstance(resolve(INDEX, "shop", ref, 80, "connections"), Target)


@pytest.mark.parametrize(
    ("ref", "reason", "says"),
    [
        ({"name": "gone", "port": 80}, "BackendNotFound", "does not exist"),
        ({"name": "api", "port": 81}, "BackendNotFound", "no TCP port 81; it has 80"),
        ({"name": "api"}, "BackendNotFound", "port is missing"),
        ({"name": "far", "port": 80}, "BackendNotFound", "ExternalName"),
        ({"name": "db", "port": 5432}, "UnsupportedProtocol", "appProtocol"),
        ({"name": "x", "kind": "Bucket", "group": "example.com"}, "InvalidKind", "example.com/Bucket"),
        ({"name": "lost", **SUBSET}, "BackendNotFound", "Service shop/gone does not exist"),
        ({"name": "empty", **SUBSET}, "BackendNotFound", "not valid"),
        ({"name": "nope", **SUBSET}, "BackendNotFound", "does not exist"),
    ],
)
def test_a_reference_that_leads_nowhere_says_why(ref: dict[str, Any], reason: str, says: str) -> None:
    found = lead(**ref)
    assert isinstance(found, Unresolved)
    assert found.reason == reason
    assert says in found.message


@pytest.mark.parametrize(
    ("ref", "name", "hostname"),
    [
        ({"name": "far", "port": 80}, "shop/far/80", "far.example.org"),
        ({"name": "bare", "port": 8080}, "shop/bare/8080", "bare.example.org"),
        ({"name": "api", "port": 80}, "shop/api/80", ""),
    ],
)
def test_copies_may_leave_the_cluster(ref: dict[str, Any], name: str, hostname: str) -> None:
    found = resolve(INDEX, "shop", msgspec.convert(ref, ObjectRef), 80, "copies")
    assert isinstance(found, Target)
    assert (found.name, found.hostname) == (name, hostname)


@pytest.mark.parametrize(
    ("ref", "reason", "says"),
    [
        ({"name": "far", "port": 81}, "BackendNotFound", "no TCP port 81"),
        ({"name": "bare", "port": 443}, "UnsupportedProtocol", "does not speak HTTP"),
        ({"name": "self", "port": 80}, "BackendNotFound", "every pod itself"),
        ({"name": "far-v2", **SUBSET}, "BackendNotFound", "ExternalName"),
    ],
)
def test_not_every_host_takes_copies(ref: dict[str, Any], reason: str, says: str) -> None:
    found = resolve(INDEX, "shop", msgspec.convert(ref, ObjectRef), 80, "copies")
    assert isinstance(found, Unresolved)
    assert found.reason == reason
    assert says in found.message


@pytest.mark.parametrize("carries", ["requests", "connections"])
def test_nothing_else_leaves_it(carries: Carries) -> None:
    found = resolve(INDEX, "shop", ObjectRef(name="bare", port=8080), 80, carries)
    assert isinstance(found, Unresolved)
    assert "only a RequestMirror may name it" in found.message
