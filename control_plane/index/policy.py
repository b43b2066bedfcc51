"""Which TrafficPolicy holds where, field by field: the most specific target, the oldest of two that claim the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from control_plane.index.backend_policy import BackendPolicyTable
from control_plane.index.membership import CHAOS_LABEL, consents_to_chaos
from control_plane.index.protocol import protocol_of
from control_plane.index.store import Index, Key
from control_plane.kinds.behaviour import Behaviour
from control_plane.kinds.meta import Ref, age_order
from control_plane.kinds.route import AnyRoute
from control_plane.kinds.service import Service
from control_plane.kinds.traffic_policy import OF_REQUESTS, OF_SERVICES, TargetRef, TrafficPolicy, given


class Scope(NamedTuple):
    """What a policy is attached to. `section` is a rule's or a port's name; None: the whole object."""

    kind: str
    namespace: str
    name: str
    section: str | None = None

    def __str__(self) -> str:
        where = "/".join(part for part in (self.namespace, self.name) if part)
        return f"{self.kind} {where}" + (f", {self.section}," if self.section else "")


class Refusal(NamedTuple):
    """Why a policy, or one of its fields, does not act on a target."""

    reason: str
    message: str


class _Claim(NamedTuple):
    policy: TrafficPolicy
    fields: frozenset[str]
    """Those that act, by their names in the API."""


class PolicyTable:
    """All attachments of one revision of the index. Each field of a policy is inherited by itself."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.backends = BackendPolicyTable(index)
        """What the Gateway API's own policies say of Services."""
        self._claims: dict[Scope, list[_Claim]] = {}
        self._acting: set[Key] = set()
        self.refusals: dict[Key, tuple[Refusal, ...]] = {}
        """By the policy's key; a policy that is not here acts with all its fields on all its targets."""
        for policy in sorted(index.policies(), key=age_order):
            refused = tuple(self._attach(index, policy))
            if refused:
                self.refusals[policy.key] = refused

    def acts(self, policy: TrafficPolicy) -> bool:
        """At least one field acts on at least one target."""
        return policy.key in self._acting

    def _attach(self, index: Index, policy: TrafficPolicy) -> Iterator[Refusal]:
        namespace = policy.metadata.namespace
        fields = frozenset(given(policy.spec))
        if policy.spec.faults and not consents_to_chaos(index, namespace):
            fields -= {"faults"}
            message = f"spec.faults: need the consent of namespace {namespace}: label it {CHAOS_LABEL}=allowed"
            yield Refusal("ChaosNotAllowed", message)
        if not policy.spec.target_refs:
            yield from self._claim(policy, fields, Scope("Namespace", "", namespace))
        for i, ref in enumerate(policy.spec.target_refs):
            missing = _missing(index, namespace, ref)
            if missing:
                yield Refusal("TargetNotFound", f"spec.targetRefs[{i}].{missing}")
                continue
            lost = without_effect(index, policy, ref)
            for field, why in lost.items():
                yield Refusal("NoEffect", f"spec.{field}: {why}")
            yield from self._claim(policy, fields - lost.keys(), Scope(ref.kind, namespace, ref.name, ref.section_name))

    def _claim(self, policy: TrafficPolicy, fields: frozenset[str], scope: Scope) -> Iterator[Refusal]:
        claims = self._claims.setdefault(scope, [])
        taken = {field: claim.policy for claim in claims if claim.policy.key != policy.key for field in claim.fields}
        for field in sorted(fields & taken.keys()):
            message = f"spec.{field}: {scope} already has it from the older {taken[field].metadata.name!r}"
            yield Refusal("Conflicted", message)
        free = fields - taken.keys()
        if free:
            claims.append(_Claim(policy, free))
            self._acting.add(policy.key)

    def holder(self, field: str, scopes: tuple[Scope, ...]) -> TrafficPolicy | None:
        """The policy that says a field of the API for the first scope that has one."""
        claims = (claim for scope in scopes for claim in self._claims.get(scope, ()))
        return next((claim.policy for claim in claims if field in claim.fields), None)

    def behaviour(self, field: str, scopes: tuple[Scope, ...]) -> Behaviour:
        """Where a field stands that MeshConfig knows too: in the nearest policy that says it, else in MeshConfig."""
        policy = self.holder(field, scopes)
        return policy.spec if policy else self.index.mesh.spec


def without_effect(index: Index, policy: TrafficPolicy, ref: TargetRef) -> dict[str, str]:
    """The fields of a policy that say nothing to one of its targets, and why."""
    used = given(policy.spec)
    if ref.kind != "Service":
        why = f"acts on Services, and {ref.kind} {ref.name} is none"
        return {field: why for field in used if field in OF_SERVICES}
    service = index.service(policy.metadata.namespace, ref.name)
    ports = [port for port in service.tcp_ports if ref.section_name in {None, port.name}] if service else []
    found = {}
    if ports and all(protocol_of(port) == "tcp" for port in ports):
        numbers = ", ".join(str(port.port) for port in ports)
        why = f"acts on HTTP only, and port {numbers} of Service {ref.name} does not speak it"
        silence = policy.spec.timeouts is not None and policy.spec.timeouts.idle is not None
        found = {field: why for field in used if field in OF_REQUESTS and not (field == "timeouts" and silence)}
    if ref.section_name is not None and "retryBudget" in used:
        found["retryBudget"] = "all ports of a Service share one: name the Service without sectionName"
    return found


def _unless(names: list[str], name: str, text: str) -> str:
    return "" if name in names else f"sectionName: {text} named {name!r}; it has {names}"


def _missing(index: Index, namespace: str, ref: TargetRef) -> str:
    """The field that leads nowhere, and why; empty: there is such a target."""
    target = index.find(Ref(ref.kind, namespace, ref.name))
    what = f"{ref.kind} {namespace}/{ref.name}"
    match target:
        case None:
            return f"name: {what} does not exist"
        case AnyRoute() if ref.section_name is not None:
            names = [rule.name for rule in target.spec.rules if rule.name]
            return _unless(names, ref.section_name, f"{what} has no rule")
        case Service() if ref.section_name is not None:
            names = [port.name for port in target.tcp_ports]
            return _unless(names, ref.section_name, f"{what} has no port")
        case _:
            return ""


def service_scopes(service: Service, port_name: str | None) -> tuple[Scope, ...]:
    """From the most specific to the least: port (None: of no port), Service, namespace."""
    namespace, name = service.key
    whole = Scope("Service", namespace, name)
    port = (whole._replace(section=port_name),) if port_name else ()
    return (*port, whole, Scope("Namespace", "", namespace))


def rule_scopes(route: AnyRoute, rule_name: str | None) -> tuple[Scope, ...]:
    """From the most specific to the least: rule, route."""
    namespace, name = route.key
    whole = Scope(route.kind, namespace, name)
    return (whole._replace(section=rule_name), whole) if rule_name else (whole,)
