"""What an older sidecar leaves out of an object: of all that it leaves out, what the object has said."""

from __future__ import annotations

from collections.abc import Iterable

from control_plane.kinds.mesh_config import MeshConfig
from control_plane.kinds.meta import Object
from control_plane.kinds.route import AnyRoute
from control_plane.kinds.service_intentions import ServiceIntentions
from control_plane.kinds.service_subset import ServiceSubset
from control_plane.kinds.traffic_policy import TrafficPolicy
from control_plane.kinds.x_backend_traffic_policy import BackendTrafficPolicy
from mesh_policy.schema import Left

_POLICY = {
    "timeouts": "timeouts",
    "idleSeconds": "timeouts",
    "retry": "retry",
    "retryBudget": "retry_budget",
    "circuit": "circuit",
    "outlier": "outlier",
    "balance": "load_balancing",
    "faults": "faults",
}
"""Parts of rules and backends that policies can say: on the wire, and in a policy's spec."""
_ROUTE = {"timeouts": "timeouts", "retry": "retry", "session": "session_persistence"}
"""Parts of rules that routes can say as well as policies: on the wire, and in a rule's spec."""
_GATEWAY_POLICY = {"retryBudget": "retry_constraint", "session": "session_persistence"}
_SILENT = {"Endpoint.node", "Endpoint.zone", "Frontend.engineReason", "Workload.zone"}
"""Fields that no object says: they come from the cluster, or are words for people."""


def left_out(kind: str, obj: Object, left: Iterable[Left]) -> tuple[str, ...]:
    """Names of the fields, sorted. Where it cannot be told which of several objects said something, all are meant."""
    return tuple(sorted({one.field for one in left if one.field not in _SILENT and _said(kind, obj, one)}))


def _said(kind: str, obj: Object, left: Left) -> bool:
    named = {(owner.by, owner.name) for owner in left.owners}
    key = "/".join(obj.key)
    match obj:
        case AnyRoute():
            return ("Rule.route", f"{kind}/{key}") in named and _by_route(obj, left.part)
        case ServiceIntentions():
            return ("Intention.name", key) in named
        case ServiceSubset():
            mine = any(by == "Backend.name" and name.startswith(f"{key}@subset/") for by, name in named)
            return mine and left.part not in _POLICY
        case TrafficPolicy() if ("RateLimit.name", key) in named:
            return True
        case _:
            return _by_policy(obj, left)


def _by_policy(obj: Object, left: Left) -> bool:
    match obj:
        case TrafficPolicy():
            return _says(obj.spec, _POLICY, left.part) and _aims(obj, left)
        case BackendTrafficPolicy() if left.part in _GATEWAY_POLICY:
            services = {f"{obj.metadata.namespace}/{name}" for name in obj.services}
            return _says(obj.spec, _GATEWAY_POLICY, left.part) and not services.isdisjoint(_services(left))
        case MeshConfig():
            return not left.owners or (left.part in _POLICY and _says(obj.spec, _POLICY, left.part))
        case _:
            return False


def _says(spec: object, fields: dict[str, str], part: str) -> bool:
    """Whether a policy says a part; of a part that is in no table that is not known."""
    return part not in fields or getattr(spec, fields[part], None) not in (None, ())


def _by_route(route: AnyRoute, part: str) -> bool:
    if part not in _ROUTE and part not in _POLICY:
        return True
    rules: Iterable[object] = route.spec.rules
    return part in _ROUTE and any(getattr(rule, _ROUTE[part], None) is not None for rule in rules)


def _services(left: Left) -> set[str]:
    """`NAMESPACE/NAME` of the Services that it is about."""
    found = {owner.name for owner in left.owners if owner.by == "Backend.service"}
    found |= {owner.name.rpartition("/")[0] for owner in left.owners if owner.by == "Frontend.name"}
    return found | {owner.name.removeprefix("Service/") for owner in left.owners if owner.name.startswith("Service/")}


def _aims(policy: TrafficPolicy, left: Left) -> bool:
    """Whether a policy is attached to the Service, the route or the namespace that it is about."""
    namespace = policy.metadata.namespace
    services = _services(left)
    routes = {owner.name for owner in left.owners if owner.by == "Rule.route"}
    if not policy.spec.target_refs:
        return any(name.startswith(f"{namespace}/") for name in services)
    return any(
        f"{namespace}/{ref.name}" in services
        if ref.kind == "Service"
        else f"{ref.kind}/{namespace}/{ref.name}" in routes
        for ref in policy.spec.target_refs
    )
