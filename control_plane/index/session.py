"""Rules whose clients would keep two sessions under one name: the later answer overwrites the earlier one's cookie.

Source: Gateway API, GEP-1619: route rules do not share sessions, and "users should avoid reusing session names".
"""

from __future__ import annotations

from control_plane.index.store import Index
from control_plane.kinds.filters import FilteredRule
from control_plane.kinds.route import AnyRoute
from control_plane.kinds.service import Service

Named = dict[tuple[str, str], str]
"""By type and name of a session, the first rule that has it."""


def shared_session(index: Index, route: AnyRoute, service: Service) -> str:
    """Two rules that give one name to their sessions with clients of a Service, at least one of them of this route.
    Empty: there are none. Ports make no difference, a client's cookies have none."""
    mine: Named = {}
    for i, rule in enumerate(route.spec.rules):
        key = _session(rule)
        if key is None:
            continue
        if key in mine:
            return _said(key, mine[key], _called(route, i))
        mine[key] = _called(route, i)
    if not mine:
        return ""
    for other in index.routes():
        if (other.kind, other.key) == (route.kind, route.key):
            continue
        for i, rule in enumerate(other.spec.rules):
            key = _session(rule)
            if key in mine and _meets(route, other, service):
                return _said(key, mine[key], f"{_called(other, i)} of {other.kind} {'/'.join(other.key)}")
    return ""


def _session(rule: object) -> tuple[str, str] | None:
    spec = rule.session_persistence if isinstance(rule, FilteredRule) else None
    if spec is None or spec.session_name is None:
        return None
    return spec.type, spec.session_name if spec.type == "Cookie" else spec.session_name.lower()


def _called(route: AnyRoute, position: int) -> str:
    return f"rule {route.rule_name(position)!r}"


def _said(key: tuple[str, str], one: str, other: str) -> str:
    kind, name = key
    return (
        f"sessionName {name!r} is of {one} and of {other}: a client has one {kind.lower()} of a name and so loses "
        "one session with the other; give each a name of its own, or none"
    )


def _meets(route: AnyRoute, other: AnyRoute, service: Service) -> bool:
    """Both act on the same clients of a Service: a consumer's routes act in place of the producer's."""
    if route.metadata.namespace != other.metadata.namespace:
        return False
    return any(other.parent_service(parent) == service.key for parent in other.service_parents)
