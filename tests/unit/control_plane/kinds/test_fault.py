"""`faults` of a TrafficPolicy."""

from __future__ import annotations

import json
from typing import Any

import pytest

from control_plane.kinds.registry import decode, violations
from tests.support.cluster import BROKEN, SLOW, a_policy

SERVICE = {"group": "", "kind": "Service", "name": "api"}


def paths(*faults: dict[str, Any]) -> list[str]:
    obj = a_policy("api", *faults, targets=[SERVICE])
    return [v.path for v in violations("TrafficPolicy", decode("TrafficPolicy", json.dumps(obj).encode()))]


def test_faults_are_right() -> None:
    match = {"headers": [{"name": "x-chaos", "value": "on"}]}
    assert paths(SLOW, {**BROKEN, "match": match}) == []


@pytest.mark.parametrize(
    ("fault", "path"),
    [
        ({"name": "a", "percent": 5}, "spec.faults[0]"),
        ({**SLOW, **BROKEN}, "spec.faults[0]"),
        ({**SLOW, "percent": 101}, "spec.faults[0].percent"),
        ({**SLOW, "delay": {"fixed": "soon"}}, "spec.faults[0].delay.fixed"),
        ({**SLOW, "delay": {"fixed": "0s"}}, "spec.faults[0].delay.fixed"),
        ({**SLOW, "delay": {"fixed": "2h"}}, "spec.faults[0].delay.fixed"),
        ({**BROKEN, "abort": {"httpStatus": 42}}, "spec.faults[0].abort.httpStatus"),
        ({**SLOW, "match": {"headers": [{"name": "a b", "value": "c"}]}}, "spec.faults[0].match.headers[0].name"),
    ],
)
def test_what_is_wrong_is_named(fault: dict[str, Any], path: str) -> None:
    assert paths(fault) == [path]


def test_names_are_given_once() -> None:
    assert paths(SLOW, SLOW) == ["spec.faults"]
