"""XMesh: which are ours, and what the mesh can do."""

from __future__ import annotations

import json

from control_plane.kinds.registry import KINDS, decode
from control_plane.kinds.x_mesh import SUPPORTED_FEATURES, XMesh, manifest


def test_the_one_that_is_made_is_ours_and_another_meshs_is_not() -> None:
    made = manifest()
    for controller, ours in (("mesh.heddle.dev/control-plane", True), ("example.com/mesh", False)):
        obj = decode("XMesh", json.dumps({**made, "spec": {"controllerName": controller}}).encode())
        assert isinstance(obj, XMesh)
        assert obj.is_ours is ours
    assert made["spec"] == {"controllerName": "mesh.heddle.dev/control-plane"}


def test_it_belongs_to_no_namespace() -> None:
    assert KINDS["XMesh"].object_path("", "heddle") == "/apis/gateway.networking.x-k8s.io/v1alpha1/xmeshes/heddle"


def test_features_are_few_enough_and_each_named_once() -> None:
    assert len(set(SUPPORTED_FEATURES)) == len(SUPPORTED_FEATURES) <= 64
