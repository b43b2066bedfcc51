"""Which TrafficPolicy holds where: the most specific target, the oldest of two that claim the same."""

from __future__ import annotations

from typing import NamedTuple

from control_plane.index.membership import CHAOS_LABEL, consents_to_chaos
from control_plane.index.store import Index
from control_plane.kinds.meta import Ref, age_order
from control_plane.kinds.route import AnyRoute
from control_plane.kinds.service import Service
from control_plane.kinds.traffic_policy import TargetRef, TrafficPolicy


class Scope(NamedTuple):
    """What a policy is attached to. `section` is a rule's or a port's name; None: the whole object."""

    kind: str
    namespace: str
    name: str
    section: str | None = None


class Refusal(NamedTuple):
    """Why a policy does not act on a target."""

    reason: str
    message: str


class PolicyTable:
    """All attachments of one revision of the index."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._winner: dict[Scope, TrafficPolicy] = {}
        self.refusals: dict[tuple[str, str], tuple[Refusal, ...]] = {}
        """By the policy's key; a policy that is not here acts on all its targets."""
        for policy in sorted(index.policies(), key=age_order):
            refused = tuple(self._attach(index, policy))
            if refused:
                self.refusals[policy.key] = refused

    def _attach(self, index: Index, policy: TrafficPolicy) -> list[Refusal]:
        namespace = policy.metadata.namespace
        if policy.spec.faults and not consents_to_chaos(index, namespace):
            message = f"faults need the consent of namespace {namespace}: label it {CHAOS_LABEL}=allowed"
            return [Refusal("ChaosNotAllowed", message)]
        if not policy.spec.target_refs:
            self._winner.setdefault(Scope("Namespace", "", namespace), policy)
            return []
        return [refusal for ref in policy.spec.target_refs if (refusal := self._claim(index, policy, ref))]

    def _claim(self, index: Index, policy: TrafficPolicy, ref: TargetRef) -> Refusal | None:
        namespace = policy.metadata.namespace
        missing = _missing(index, namespace, ref)
        if missing:
            return Refusal("TargetNotFound", missing)
        scope = Scope(ref.kind, namespace, ref.name, ref.section_name)
        holder = self._winner.setdefault(scope, policy)
        if holder.key != policy.key:
            return Refusal(
                "Conflicted", f"{ref.kind} {namespace}/{ref.name} already has the older {holder.metadata.name!r}"
            )
        return None

    def first(self, *scopes: Scope) -> TrafficPolicy | None:
        """The policy of the first scope that has one."""
        return next((self._winner[scope] for scope in scopes if scope in self._winner), None)


def _missing(index: Index, namespace: str, ref: TargetRef) -> str:
    target = index.find(Ref(ref.kind, namespace, ref.name))
    what = f"{ref.kind} {namespace}/{ref.name}"
    match target:
        case None:
            return f"{what} does not exist"
        case AnyRoute() if ref.section_name is not None:
            names = [rule.name for rule in target.spec.rules if rule.name]
            return "" if ref.section_name in names else f"{what} has no rule named {ref.section_name!r}; it has {names}"
        case Service() if ref.section_name is not None:
            names = [port.name for port in target.tcp_ports]
            return "" if ref.section_name in names else f"{what} has no port named {ref.section_name!r}; it has {names}"
        case _:
            return ""


def service_scopes(service: Service, port_name: str) -> tuple[Scope, ...]:
    """From the most specific to the least: port, Service, namespace."""
    namespace, name = service.key
    return (
        Scope("Service", namespace, name, port_name),
        Scope("Service", namespace, name),
        Scope("Namespace", "", namespace),
    )


def rule_scopes(route: AnyRoute, rule_name: str | None) -> tuple[Scope, ...]:
    """From the most specific to the least: rule, route."""
    namespace, name = route.key
    whole = Scope(route.kind, namespace, name)
    return (whole._replace(section=rule_name), whole) if rule_name else (whole,)
