"""TrafficPolicy."""

from __future__ import annotations

import json
from typing import Any

from control_plane.kinds.registry import decode, violations
from tests.support.cluster import SLOW, a_policy
from tests.support.policies import wrong

SERVICE = {"group": "", "kind": "Service", "name": "api"}


def paths(*faults: dict[str, Any], targets: Any = (SERVICE,), name: str = "api") -> list[str]:
    obj = a_policy(name, *faults, targets=list(targets))
    return [v.path for v in violations("TrafficPolicy", decode("TrafficPolicy", json.dumps(obj).encode()))]


def test_targets_are_checked() -> None:
    assert paths(SLOW, targets=(), name="default") == []
    assert paths(SLOW, targets=()) == ["spec.targetRefs"]
    assert paths(SLOW, targets=({"group": "", "kind": "Pod", "name": "a"},)) == ["spec.targetRefs[0].kind"]
    assert paths() == ["spec"]


def test_any_field_will_do_and_one_is_needed() -> None:
    assert wrong(retry={}) == []
    assert wrong(faults=[]) == [""]


def test_what_acts_on_endpoints_needs_a_service() -> None:
    route = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "r"}
    assert wrong(targetRefs=[route], retry={}, timeouts={}) == []
    assert wrong(targetRefs=[route], retry={}, circuit={}, rateLimit={"requests": 1}) == ["circuit", "rateLimit"]
    assert wrong(targetRefs=[route, SERVICE], circuit={}) == []
