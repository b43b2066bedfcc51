"""Faults: TrafficPolicy into what a frontend or a rule carries. The nearest policy counts, whole."""

from __future__ import annotations

from control_plane.index.policy import PolicyTable, Scope, rule_scopes, service_scopes
from control_plane.kinds.duration import duration_seconds
from control_plane.kinds.fault import FaultSpec
from control_plane.kinds.route import AnyRoute
from control_plane.kinds.service import Service, ServicePort
from mesh_policy.snapshot import Fault, ValueMatch


def service_faults(policies: PolicyTable, service: Service, port: ServicePort) -> tuple[Fault, ...]:
    """Of a Service port without a route: port > Service > namespace."""
    return _faults(policies, service_scopes(service, port.name))


def rule_faults(
    policies: PolicyTable, route: AnyRoute, rule_name: str | None, service: Service, port: ServicePort
) -> tuple[Fault, ...]:
    """Of a rule: rule > route > port > Service > namespace."""
    return _faults(policies, (*rule_scopes(route, rule_name), *service_scopes(service, port.name)))


def _faults(policies: PolicyTable, scopes: tuple[Scope, ...]) -> tuple[Fault, ...]:
    policy = policies.first(*scopes)
    return tuple(_fault(spec) for spec in policy.spec.faults) if policy else ()


def _fault(spec: FaultSpec) -> Fault:
    headers = spec.match.headers if spec.match else ()
    return Fault(
        name=spec.name,
        percent=spec.percent,
        delay_seconds=duration_seconds(spec.delay.fixed) if spec.delay else None,
        abort_status=spec.abort.http_status if spec.abort else None,
        headers=tuple(ValueMatch(name=header.name.lower(), value=header.value) for header in headers),
    )
