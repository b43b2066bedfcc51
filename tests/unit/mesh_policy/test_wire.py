from __future__ import annotations

import json
import re
from typing import Any

import pytest

from mesh_policy import wire
from mesh_policy.errors import InvalidConfig
from mesh_policy.snapshot import (
    Backend,
    Endpoint,
    Fault,
    Frontend,
    HttpRoutes,
    Match,
    Outbound,
    Outlier,
    RouteEntry,
    Rule,
    WeightedBackend,
    Workload,
    WorkloadConfig,
)

FRONTEND = "outbound.frontends[0]"


def config(**outbound: Any) -> WorkloadConfig:
    rule = Rule(route="HTTPRoute/shop/api", backends=(WeightedBackend(backend="shop/api/80"),))
    routes = HttpRoutes(entries=(RouteEntry(match=Match(), rule=0),), rules=(rule,))
    frontend = Frontend(
        name="shop/api/80", addresses=("10.0.0.1",), port=80, protocol="http", backend="shop/api/80", routes=routes
    )
    backend = Backend(name="shop/api/80", endpoints=(Endpoint(ip="10.1.0.1", port=8080),))
    return WorkloadConfig(
        workload=Workload(namespace="shop", pod="web-0", service_account="web"),
        trust_domain="cluster.local",
        outbound=Outbound(**({"frontends": (frontend,), "backends": (backend,)} | outbound)),
    )


def test_a_snapshot_comes_back_as_it_was() -> None:
    stamped = wire.stamp(config())
    assert wire.decode(wire.encode(stamped)) == stamped


def test_equal_content_has_an_equal_version() -> None:
    assert wire.stamp(config()).version == wire.stamp(wire.stamp(config())).version
    assert wire.stamp(config()).version != wire.stamp(config(frontends=())).version


def changed(**changes: Any) -> bytes:
    value = json.loads(wire.encode(config()))
    frontend = value["outbound"]["frontends"][0]
    parts: dict[str, Any] = {"top": value, "frontend": frontend, "rule": frontend["routes"]["rules"][0]}
    for path, new in changes.items():
        part, _, name = path.partition("__")
        parts[part][name] = new
    return json.dumps(value).encode()


def tcp_routes(rules: list[Any], **changes: Any) -> bytes:
    changes = {"protocol": "tcp", "routes": None, "tcpRoutes": {"rules": rules}} | changes
    return changed(**{f"frontend__{name}": value for name, value in changes.items()})


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (b"", ""),
        (b"[]", ""),
        (b'{"wireVersion":1}', ""),
        (changed(top__wireVersion=2), "wireVersion"),
        (changed(top__surprise=1), ""),
        (changed(frontend__port="80"), "outbound.frontends[0].port"),
        (changed(frontend__backend="nobody"), "outbound.frontends[0].backend"),
        (changed(rule__backends=[{"backend": "nobody"}]), "outbound.frontends[0].routes.rules[0]"),
        (
            changed(rule__requestHeaders={"set": [["connection", "x"]]}),
            "outbound.frontends[0].routes.rules[0].requestHeaders.set",
        ),
        (
            changed(frontend__rule={"route": "Service/a/b", "faults": [{"name": "f"}]}),
            "outbound.frontends[0].rule.faults[0]",
        ),
        (
            tcp_routes([{"route": "TCPRoute/a/b", "serverNames": ["A"]}]),
            "outbound.frontends[0].tcpRoutes.rules[0].serverNames[0]",
        ),
        (
            tcp_routes([{"route": "TCPRoute/a/b", "targets": [{"backend": None}, {"backend": "nobody"}]}]),
            "outbound.frontends[0].tcpRoutes.rules[0].targets[1]",
        ),
        (tcp_routes([], protocol="http"), "outbound.frontends[0].protocol"),
        (tcp_routes([], rule={"route": "Service/a/b"}), "outbound.frontends[0].tcpRoutes"),
    ],
)
def test_what_does_not_hold_together_is_refused_and_names_its_field(data: bytes, path: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        wire.decode(data)
    assert refused.value.violations[0].path == path


def test_what_does_not_decode_still_has_the_version_that_it_says() -> None:
    """The control plane hears what is refused: an older sidecar meets new fields."""
    stamped = wire.stamp(config())
    newer = wire.encode(stamped)[:-1] + b',"unknown":1}'
    with pytest.raises(InvalidConfig):
        wire.decode(newer)
    assert wire.version_of(newer) == stamped.version


@pytest.mark.parametrize(
    "data", [b"{", b"{}", b'{"wireVersion":1,"version":"sha256:\\n"}', b'{"wireVersion":1,"version":7}']
)
def test_what_says_no_version_gets_one_of_its_own(data: bytes) -> None:
    assert re.fullmatch("sha256:[0-9a-f]{16}", wire.version_of(data))
    assert wire.version_of(data) != wire.version_of(data + b" ")


def test_two_backends_of_one_name_are_refused() -> None:
    twice = (Backend(name="shop/api/80"), Backend(name="shop/api/80"))
    with pytest.raises(InvalidConfig, match="same name"):
        wire.decode(wire.encode(config(backends=twice)))


def test_an_outlier_policy_is_checked() -> None:
    bad = Backend(name="shop/api/80", outlier=Outlier(max_ejected_percent=101))
    with pytest.raises(InvalidConfig, match=r"outbound.backends\[0\].outlier.maxEjectedPercent"):
        wire.decode(wire.encode(config(backends=(bad,))))


def test_a_fault_of_a_service_is_checked() -> None:
    assert wire.decode(wire.encode(config(frontends=(), backends=()))).outbound == Outbound()
    bad = Fault(name="f", abort_status=42)
    rule = Rule(route="Service/a/b", faults=(bad,))
    frontend = Frontend(name="a/b/80", addresses=(), port=80, protocol="http", backend="shop/api/80", rule=rule)
    with pytest.raises(InvalidConfig, match="abortStatus"):
        wire.decode(wire.encode(config(frontends=(frontend,))))
