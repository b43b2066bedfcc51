"""Which rule keeps its clients at one endpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from msgspec import structs

from control_plane.index.policy import PolicyTable
from control_plane.kinds.service import Service
from control_plane.kinds.session import CookieConfig, SessionPersistence
from control_plane.kinds.timeouts import limit_seconds
from mesh_policy.session import MAX_NAME
from mesh_policy.snapshot import Session


def session(spec: SessionPersistence | None, route: str, rule: str) -> Session | None:
    """None: any endpoint, each time. A session without a name gets one that no other rule has and that stays.

    Args:
        spec: of the rule.
        route: `KIND/NAMESPACE/NAME`.
        rule: the rule's name, or its index as text.
    """
    if spec is None:
        return None
    name = spec.session_name or _name(spec.type, f"{route}/{rule}")
    return Session(
        type=spec.type,
        name=name.lower() if spec.type == "Header" else name,
        absolute_seconds=limit_seconds(spec.absolute_timeout),
        idle_seconds=limit_seconds(spec.idle_timeout),
        permanent=(spec.cookie_config or CookieConfig()).lifetime_type == "Permanent",
    )


def of_backends(policies: PolicyTable, services: Iterable[Service]) -> SessionPersistence | None:
    """What the Gateway API's policies say of all Services that a rule sends requests to, where they say the same."""
    found = {policies.backends.session_of(service) for service in services}
    return found.pop() if len(found) == 1 else None


def of_rule(policies: PolicyTable, services: Iterable[Service], route: str, rule: str) -> SessionPersistence | None:
    """The same for one rule of a route. Rules do not share sessions, also those that all have one policy's (GEP-1619):
    a name that the policy gives is followed by something that no other rule has."""
    found = of_backends(policies, services)
    if found is None or found.session_name is None:
        return found
    own = f"-{_digest(f'{route}/{rule}')}"
    return structs.replace(found, session_name=found.session_name[: MAX_NAME - len(own)] + own)


def _name(kind: str, rule: str) -> str:
    return f"x-heddle-session-{_digest(rule)}" if kind == "Header" else f"heddle-session-{_digest(rule)}"


def _digest(rule: str) -> str:
    return hashlib.sha256(rule.encode()).hexdigest()[:12]
