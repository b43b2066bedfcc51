"""Faults: the nearest policy that has any counts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from control_plane.compile.fault import fault
from control_plane.compile.fault import faults as all_faults
from control_plane.index.policy import PolicyTable, rule_scopes, service_scopes
from control_plane.kinds.fault import FaultSpec
from control_plane.kinds.http_route import HttpRoute
from control_plane.kinds.meta import Ref
from mesh_policy.snapshot import Fault, Normal, SourceMatch, Uniform, ValueMatch
from tests.support.cluster import BROKEN, SHOP, SLOW, a_policy, a_route, an_index

SERVICE = {"group": "", "kind": "Service", "name": "api"}
ROUTE = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "r"}


def faults(*policies: dict[str, Any], rule: str | None = "one") -> tuple[list[str], list[str]]:
    """Names of the faults of the rule, and of the Service."""
    index = an_index(*SHOP, a_route("r", "api", {"name": "one"}, {}), *policies)
    table = PolicyTable(index)
    service, route = index.service("shop", "api"), index.find(Ref("HTTPRoute", "shop", "r"))
    assert service is not None
    assert isinstance(route, HttpRoute)
    port = service.tcp_ports[0]
    own = service_scopes(service, port.name)
    of_rule = all_faults(table, (*rule_scopes(route, rule), *own))
    return [f.name for f in of_rule], [f.name for f in all_faults(table, own)]


def named(name: str) -> dict[str, Any]:
    return {**SLOW, "name": name}


def test_a_rule_inherits_from_its_service_and_namespace() -> None:
    assert faults(a_policy("p", named("svc"), targets=[SERVICE])) == (["svc"], ["svc"])
    assert faults(a_policy("default", named("ns"), targets=[])) == (["ns"], ["ns"])


def test_the_nearest_policy_replaces_the_others() -> None:
    service = a_policy("s", named("svc"), named("svc2"), targets=[SERVICE])
    route = a_policy("r", named("route"), targets=[ROUTE])
    rule = a_policy("u", named("rule"), targets=[{**ROUTE, "sectionName": "one"}])
    assert faults(service, route, rule) == (["rule"], ["svc", "svc2"])
    assert faults(service, route, rule, rule=None) == (["route"], ["svc", "svc2"])


def test_a_fault_is_compiled_with_its_units() -> None:
    match = {"headers": [{"name": "X-Chaos", "value": "on"}]}
    policy = a_policy("p", SLOW, {**BROKEN, "match": match}, targets=[SERVICE])
    index = an_index(*SHOP, policy)
    service = index.service("shop", "api")
    assert service is not None
    assert all_faults(PolicyTable(index), service_scopes(service, "")) == (
        Fault(name="slow", percent=10.0, delay_seconds=0.25),
        Fault(name="broken", percent=5.0, abort_status=503, headers=(ValueMatch(name="x-chaos", value="on"),)),
    )


def compiled(**spec: Any) -> Fault:
    """A fault of a policy in `shop`."""
    index = an_index(*SHOP)
    return fault(index, "shop", msgspec.convert({"name": "f", **spec}, FaultSpec))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {"delay": {"uniform": {"min": "0s", "max": "1m30s"}}},
            Fault(name="f", delay_uniform=Uniform(min_seconds=0.0, max_seconds=90.0)),
        ),
        (
            {"delay": {"normal": {"mean": "200ms", "deviation": "50ms"}}},
            Fault(name="f", delay_normal=Normal(mean_seconds=0.2, deviation_seconds=0.05)),
        ),
        ({"abort": {"grpcStatus": "Unavailable"}}, Fault(name="f", abort_grpc_status=14)),
        ({"bandwidth": {"bytesPerSecond": 65536}}, Fault(name="f", bytes_per_second=65536)),
    ],
)
def test_every_kind_of_fault(spec: dict[str, Any], expected: Fault) -> None:
    assert compiled(**spec) == expected


def test_headers_may_be_expressions() -> None:
    match = {"headers": [{"name": "X-User", "value": "t.*", "type": "RegularExpression"}]}
    found = compiled(abort={"httpStatus": 500}, match=match).headers
    assert found == (ValueMatch(name="x-user", value="t.*", type="RegularExpression"),)


def test_callers_are_compiled_to_identities() -> None:
    callers = [
        {"name": "web"},
        {"name": "gone"},
        {"serviceAccount": "batch", "namespace": "jobs"},
        {"name": "*"},
        {"name": "*", "namespace": "*"},
    ]
    assert compiled(abort={"httpStatus": 500}, match={"callers": callers}).callers == (
        SourceMatch(identities=("spiffe://cluster.local/ns/shop/sa/web",)),
        SourceMatch(identities=()),
        SourceMatch(identities=("spiffe://cluster.local/ns/jobs/sa/batch",)),
        SourceMatch(namespace="shop"),
        SourceMatch(),
    )
