"""TCPRoute (gateway.networking.k8s.io/v1) on a Service: shares of its connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from control_plane.kinds import checks
from control_plane.kinds.route import AnyRoute, AnyRule, RouteSpec, weight_violations
from mesh_policy.errors import Violation

MAX_RULES = 1
"""A connection has nothing that could tell two rules apart."""


class TcpRouteSpec(RouteSpec, frozen=True, kw_only=True):
    """`spec`."""


class TcpRoute(AnyRoute, frozen=True, kw_only=True):
    """A route of connections."""

    kind: ClassVar[str] = "TCPRoute"
    takes_connections: ClassVar[bool] = True
    spec: TcpRouteSpec


def violations(spec: TcpRouteSpec) -> Iterator[Violation]:
    """What is malformed."""
    yield from rule_violations(spec.rules)
    if spec.hostnames:
        yield Violation("spec.hostnames", "is no field of a TCPRoute: use a TLSRoute to choose by server name")


def rule_violations(rules: tuple[AnyRule, ...]) -> Iterator[Violation]:
    """What is malformed in rules for connections."""
    yield from checks.at_most("spec.rules", rules, MAX_RULES)
    for i, rule in enumerate(rules):
        at = f"spec.rules[{i}].backendRefs"
        if not rule.backend_refs:
            yield Violation(at, "is empty: name at least one backend")
        yield from weight_violations(at, rule.backend_refs)
