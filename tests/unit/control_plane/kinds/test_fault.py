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


def a_fault(**parts: Any) -> dict[str, Any]:
    return {"name": "f", **parts}


def matching(**parts: Any) -> dict[str, Any]:
    return {**BROKEN, "match": parts}


@pytest.mark.parametrize(
    "fault",
    [
        SLOW,
        a_fault(delay={"uniform": {"min": "0s", "max": "1h"}}),
        a_fault(delay={"normal": {"mean": "0s", "deviation": "1ms"}}),
        BROKEN,
        a_fault(abort={"grpcStatus": "Unavailable"}),
        a_fault(bandwidth={"bytesPerSecond": 65536}),
        matching(headers=[{"name": "x-chaos", "value": "on"}]),
        matching(headers=[{"name": "x-user", "value": "test-.*", "type": "RegularExpression"}]),
        matching(callers=[{"name": "web"}, {"serviceAccount": "batch", "namespace": "*"}]),
    ],
)
def test_faults_are_right(fault: dict[str, Any]) -> None:
    assert paths(fault) == []


@pytest.mark.parametrize(
    ("fault", "path"),
    [
        ({"name": "a", "percent": 5}, "spec.faults[0]"),
        ({**SLOW, **BROKEN}, "spec.faults[0]"),
        ({**SLOW, "percent": 101}, "spec.faults[0].percent"),
        ({**SLOW, "delay": {"fixed": "soon"}}, "spec.faults[0].delay.fixed"),
        ({**SLOW, "delay": {"fixed": "0s"}}, "spec.faults[0].delay.fixed"),
        ({**SLOW, "delay": {"fixed": "2h"}}, "spec.faults[0].delay.fixed"),
        (a_fault(delay={}), "spec.faults[0].delay"),
        (
            a_fault(delay={"fixed": "1s", "normal": {"mean": "1s", "deviation": "1s"}}),
            "spec.faults[0].delay",
        ),
        (a_fault(delay={"uniform": {"min": "2s", "max": "1s"}}), "spec.faults[0].delay.uniform.max"),
        (a_fault(delay={"uniform": {"min": "0s", "max": "0s"}}), "spec.faults[0].delay.uniform.max"),
        (a_fault(delay={"uniform": {"min": "x", "max": "1s"}}), "spec.faults[0].delay.uniform.min"),
        (a_fault(delay={"uniform": {"max": "1s"}}), "spec.faults[0].delay.uniform"),
        (a_fault(delay={"normal": {"mean": "2h", "deviation": "1s"}}), "spec.faults[0].delay.normal.mean"),
        (a_fault(delay={"normal": {"mean": "1s", "deviation": "0s"}}), "spec.faults[0].delay.normal.deviation"),
        ({**BROKEN, "abort": {"httpStatus": 42}}, "spec.faults[0].abort.httpStatus"),
        (a_fault(abort={}), "spec.faults[0].abort"),
        (a_fault(abort={"httpStatus": 503, "grpcStatus": "Unavailable"}), "spec.faults[0].abort"),
        (a_fault(abort={"grpcStatus": "UNAVAILABLE"}), "spec.faults[0].abort.grpcStatus"),
        (a_fault(bandwidth={"bytesPerSecond": 0}), "spec.faults[0].bandwidth.bytesPerSecond"),
        (a_fault(bandwidth={"bytesPerSecond": 2**31}), "spec.faults[0].bandwidth.bytesPerSecond"),
        (a_fault(bandwidth={"bytesPerSecond": "64KiB"}), "spec.faults[0].bandwidth.bytesPerSecond"),
        (
            matching(headers=[{"name": "a", "value": "(", "type": "RegularExpression"}]),
            "spec.faults[0].match.headers[0].value",
        ),
        (
            matching(headers=[{"name": "a", "value": "b", "type": "Prefix"}]),
            "spec.faults[0].match.headers[0].type",
        ),
        (matching(headers=[{"name": "a", "value": "b"}, {"name": "A", "value": "c"}]), "spec.faults[0].match.headers"),
        (matching(callers=[{"namespace": "shop"}]), "spec.faults[0].match.callers[0]"),
        (matching(callers=[{"name": "Web"}]), "spec.faults[0].match.callers[0].name"),
        ({**SLOW, "match": {"headers": [{"name": "a b", "value": "c"}]}}, "spec.faults[0].match.headers[0].name"),
    ],
)
def test_what_is_wrong_is_named(fault: dict[str, Any], path: str) -> None:
    assert paths(fault) == [path]


def test_names_are_given_once() -> None:
    assert paths(SLOW, SLOW) == ["spec.faults"]
