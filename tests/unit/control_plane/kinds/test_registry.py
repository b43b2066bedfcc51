"""The registry: every kind is read, and a bad object is still known by name."""

from __future__ import annotations

import json

import pytest

from control_plane.kinds.http_route import HttpRoute
from control_plane.kinds.meta import Broken, same_meaning
from control_plane.kinds.registry import KINDS, decode, violations
from tests.support.cluster import a_route, a_subset, to


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Pod", "/api/v1/namespaces/n/pods/x"),
        ("MeshConfig", "/apis/mesh.heddle.dev/v1alpha1/meshconfigs/x"),
        ("HTTPRoute", "/apis/gateway.networking.k8s.io/v1/namespaces/n/httproutes/x"),
    ],
)
def test_paths(kind: str, path: str) -> None:
    assert KINDS[kind].object_path("n", "x") == path


def test_an_unknown_field_of_ours_is_refused_by_name() -> None:
    obj = a_subset("v2", "api", version="v2")
    obj["spec"]["port"] = 80
    found = decode("ServiceSubset", json.dumps(obj).encode())
    assert isinstance(found, Broken)
    assert found.key == ("shop", "v2")
    (violation,) = violations("ServiceSubset", found)
    assert violation.path == "spec"
    assert "port" in violation.message


def test_a_route_that_cannot_be_read_keeps_its_parents() -> None:
    obj = a_route("api", "api", {"backendRefs": [to("api")], "newThing": {}})
    found = decode("HTTPRoute", json.dumps(obj).encode())
    assert isinstance(found, HttpRoute)
    assert found.service_parents[0].name == "api"
    (violation,) = violations("HTTPRoute", found)
    assert "newThing" in violation.message


def test_a_route_of_another_implementation_is_none_of_our_business() -> None:
    obj = a_route("api", "api", {"newThing": {}})
    obj["spec"]["parentRefs"] = [{"name": "gateway"}]
    assert violations("HTTPRoute", decode("HTTPRoute", json.dumps(obj).encode())) == ()


def test_an_object_without_metadata_cannot_be_named() -> None:
    with pytest.raises(ValueError, match="metadata"):
        decode("Pod", b'{"metadata": 3}')


def test_status_and_resource_version_change_no_meaning() -> None:
    one = a_route("api", "api")
    two = {**one, "metadata": {**one["metadata"], "resourceVersion": "7"}, "status": {"parents": [{"a": 1}]}}
    three = a_route("api", "web")
    first, second, third = (decode("HTTPRoute", json.dumps(obj).encode()) for obj in (one, two, three))
    assert same_meaning(first, second)
    assert not same_meaning(first, third)
