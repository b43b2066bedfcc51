"""Status of an XMesh."""

from __future__ import annotations

import json
from typing import Any

from control_plane.kinds.registry import decode
from control_plane.kinds.x_mesh import XMesh, manifest
from control_plane.status.x_mesh import status

NOW = "2026-03-01T00:00:00Z"
WAITING = {
    "type": "Accepted",
    "status": "Unknown",
    "reason": "Pending",
    "message": "Waiting for controller",
    "lastTransitionTime": "1970-01-01T00:00:00Z",
}


def said(obj: dict[str, Any], now: str = NOW) -> dict[str, Any] | None:
    found = decode("XMesh", json.dumps(obj).encode())
    assert isinstance(found, XMesh)
    return status(found, now)


def ours(**more: Any) -> dict[str, Any]:
    made = json.loads(json.dumps(manifest()))
    made["metadata"]["generation"] = 3
    return {**made, "status": {"conditions": [WAITING, {**WAITING, "type": "Programmed"}]}, **more}


def test_it_is_accepted_with_its_features_in_order() -> None:
    found = said(ours())
    assert found is not None
    first, second = found["conditions"]
    assert (first["type"], first["status"], first["observedGeneration"]) == ("Accepted", "True", 3)
    assert first["lastTransitionTime"] == NOW
    assert second["type"] == "Programmed", "what else stands there stays"
    names = [one["name"] for one in found["supportedFeatures"]]
    assert names == sorted(names)
    assert {"Mesh", "MeshConsumerRoute", "MeshClusterIPMatching"} <= set(names)


def test_what_is_written_is_not_written_again() -> None:
    found = said(ours(status={}))
    assert found is not None
    assert said(ours(status=found), "2027-01-01T00:00:00Z") is None
    fewer = {**found, "supportedFeatures": found["supportedFeatures"][:-1]}
    assert said(ours(status=fewer)) == found


def test_parameters_are_refused_by_their_field() -> None:
    reference = {"group": "", "kind": "ConfigMap", "name": "x", "namespace": "y"}
    found = said(ours(spec={"controllerName": "mesh.heddle.dev/control-plane", "parametersRef": reference}))
    assert found is not None
    accepted = found["conditions"][0]
    assert (accepted["status"], accepted["reason"]) == ("False", "InvalidParameters")
    assert "spec.parametersRef" in accepted["message"]


def test_another_meshs_is_left_alone() -> None:
    assert said(ours(spec={"controllerName": "example.com/mesh"})) is None
