"""Status of a route: one entry for each Service parent, beside those of other controllers."""

from __future__ import annotations

from typing import Any

from control_plane.index.attachment import Attachment, attachments, winners
from control_plane.index.reference import Unresolved, resolve
from control_plane.index.session import shared_session
from control_plane.index.store import Index
from control_plane.kinds.filters import INCOMPATIBLE
from control_plane.kinds.meta import CONTROLLER_NAME, Condition
from control_plane.kinds.registry import KINDS, violations
from control_plane.kinds.route import AnyRoute, ParentRef
from control_plane.kinds.routes import acts_shut, shut_rules
from control_plane.status.conditions import accepted, condition, invalid, merged, programmed, resolved
from control_plane.status.progress import Progress
from mesh_policy.errors import Violation

MAX_PARENTS = 32
"""Of the API; entries of others are never pushed out. A longer list could not be written at all."""
_SHUT = "requests that it would see get an error"


def parents(index: Index, route: AnyRoute, done: Progress, now: str) -> list[dict[str, Any]]:
    """`status.parents` as it should be: others' entries as they are, ours anew, stale ones of ours gone."""
    old = list(route.status.parents) if route.status else []
    others = [dict(entry) for entry in old if entry.get("controllerName") != CONTROLLER_NAME]
    ours: list[dict[str, Any]] = []
    for attached in attachments(index, route):
        ref = _parent_ref(attached.parent)
        known = next((e for e in old if e.get("controllerName") == CONTROLLER_NAME and e.get("parentRef") == ref), {})
        before = known.get("conditions", ())
        said = merged(
            before if isinstance(before, list) else (),
            _conditions(index, route, attached, done),
            route.metadata.generation,
            now,
        )
        ours.append({"parentRef": ref, "controllerName": CONTROLLER_NAME, "conditions": said})
    return [*others, *ours][: max(MAX_PARENTS, len(others))]


def _conditions(index: Index, route: AnyRoute, attached: Attachment, done: Progress) -> list[Condition]:
    wrong = violations(route.kind, route)
    shut = shut_rules(route)
    beyond = () if acts_shut(route) and len(shut) < len(route.spec.rules) else KINDS[route.kind].unsupported(route)
    references = _references(index, route, attached)
    if wrong or beyond:
        if acts_shut(route):
            beyond = tuple(Violation(one.path, f"{one.message}; {_SHUT}") for one in beyond)
        clash = any(one.message == INCOMPATIBLE for one in (*wrong, *beyond))
        return [invalid((*wrong, *beyond), "IncompatibleFilters" if clash else "UnsupportedValue"), references]
    if attached.problem:
        return [condition("Accepted", False, attached.reason, attached.problem), references]
    lost = winners(index, attached)
    taken = "; ".join(f"port {port} is routed by {one.kind} {'/'.join(one.key)}" for port, one in sorted(lost.items()))
    ports = ", ".join(str(port.port) for port in attached.ports if port.port not in lost)
    if not ports:
        return [condition("Accepted", False, "Conflicted", taken), references]
    where = f"acts on port {ports}" + (f"; {taken}" if taken else "")
    if attached.is_consumer:
        where += f" for clients in namespace {route.metadata.namespace}"
    if route.spec.hostnames and not route.takes_connections:
        where += "; hostnames have no effect in a mesh, match the header Host instead"
    shared = shared_session(index, route, attached.service)
    if shared:
        where += f"; {shared}"
    said = [accepted(where), references, programmed(done)]
    if shut:
        dropped = (f"Dropped Rule {route.rule_name(i)!r}: {one}; {_SHUT}" for i, some in shut.items() for one in some)
        said.append(condition("PartiallyInvalid", True, "UnsupportedValue", "; ".join(dropped)))
    return said


def _references(index: Index, route: AnyRoute, attached: Attachment) -> Condition:
    if route.malformed:
        return condition("ResolvedRefs", None, "Pending", "the rules cannot be read")
    reasons: list[str] = []
    messages: list[str] = []
    for at, ref, carries in route.references():
        for called_port in _called_ports(attached):
            found = resolve(index, route.metadata.namespace, ref, called_port, carries)
            if isinstance(found, Unresolved):
                reasons.append(found.reason)
                messages.append(f"{at}: {found.message}")
    return resolved(reasons[0] if reasons else "", messages)


def _called_ports(attached: Attachment) -> tuple[int, ...]:
    """The ports that a backend without one stands for: where the route acts, else where it was meant to."""
    ports = tuple(port.port for port in attached.ports)
    return ports or (attached.parent.port or next((port.port for port in attached.service.tcp_ports), 0),)


def _parent_ref(parent: ParentRef) -> dict[str, Any]:
    """The reference as the API server writes it back."""
    ref: dict[str, Any] = {"group": parent.group, "kind": parent.kind, "name": parent.name}
    if parent.namespace is not None:
        ref["namespace"] = parent.namespace
    if parent.section_name is not None:
        ref["sectionName"] = parent.section_name
    if parent.port is not None:
        ref["port"] = parent.port
    return ref
