"""TrafficPolicy (mesh.heddle.dev/v1alpha1): how traffic to its targets behaves."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kinds import behaviour, checks, fault, rate_limit
from control_plane.kinds.behaviour import Behaviour
from control_plane.kinds.fault import FaultSpec
from control_plane.kinds.meta import ConditionsStatus, HasStatus, Strict
from control_plane.kinds.rate_limit import RateLimitSpec
from mesh_policy.errors import Violation

GATEWAY_GROUP = "gateway.networking.k8s.io"
NAMESPACE_DEFAULT = "default"
"""Name of the one policy of a namespace that may do without `targetRefs`."""
_ROUTES = ("HTTPRoute", "GRPCRoute")


class TargetRef(Strict, frozen=True, kw_only=True):
    """A Service, HTTPRoute or GRPCRoute of the same namespace; `sectionName` is a rule's name, or a Service port's."""

    kind: str
    name: str
    group: str = ""
    section_name: str | None = None


class TrafficPolicySpec(Behaviour, frozen=True, kw_only=True):
    """`spec`."""

    target_refs: tuple[TargetRef, ...] = ()
    """Empty: every Service of the namespace; the policy must then be named `default`."""
    rate_limit: RateLimitSpec | None = None
    faults: tuple[FaultSpec, ...] = ()


class TrafficPolicy(HasStatus, frozen=True, kw_only=True):
    """How traffic behaves."""

    spec: TrafficPolicySpec
    status: ConditionsStatus | None = None


FIELDS = {
    "timeouts": "timeouts",
    "retry": "retry",
    "retryBudget": "retry_budget",
    "circuit": "circuit",
    "outlier": "outlier",
    "loadBalancing": "load_balancing",
    "rateLimit": "rate_limit",
    "faults": "faults",
}
"""What a policy can say, each inherited by itself: names of the API, and of the struct."""
OF_SERVICES = ("retryBudget", "circuit", "outlier", "loadBalancing", "rateLimit")
"""What concerns a Service's endpoints: rules and routes have none of their own."""

OF_REQUESTS = ("timeouts", "retry", "rateLimit", "faults")
"""What has a meaning for HTTP alone (of timeouts, all but idle)."""


def given(spec: TrafficPolicySpec) -> tuple[str, ...]:
    """The fields that a policy uses, by their names in the API."""
    return tuple(name for name, field in FIELDS.items() if getattr(spec, field) not in (None, ()))


def validate(obj: TrafficPolicy) -> tuple[Violation, ...]:
    """What is wrong with the object by itself."""
    return tuple(_violations(obj))


def _violations(obj: TrafficPolicy) -> Iterator[Violation]:
    if not obj.spec.target_refs and obj.metadata.name != NAMESPACE_DEFAULT:
        yield Violation(
            "spec.targetRefs", f"is empty: name a Service or a route, or name the policy {NAMESPACE_DEFAULT!r}"
        )
    yield from checks.at_most("spec.targetRefs", obj.spec.target_refs, 16)
    for i, ref in enumerate(obj.spec.target_refs):
        yield from _target(f"spec.targetRefs[{i}]", ref)
    if not given(obj.spec):
        yield Violation("spec", f"is empty: give at least one of {', '.join(FIELDS)}")
    yield from behaviour.violations(obj.spec)
    yield from rate_limit.violations("spec.rateLimit", obj.spec.rate_limit)
    yield from fault.violations("spec.faults", obj.spec.faults)
    yield from _of_services(obj.spec)


def _of_services(spec: TrafficPolicySpec) -> Iterator[Violation]:
    if not spec.target_refs or any(ref.kind == "Service" for ref in spec.target_refs):
        return
    for field in given(spec):
        if field in OF_SERVICES:
            yield Violation(
                f"spec.{field}", "acts on Services, and only routes are named: put a Service into targetRefs"
            )


def _target(at: str, ref: TargetRef) -> Iterator[Violation]:
    if (ref.group, ref.kind) not in {("", "Service"), *((GATEWAY_GROUP, kind) for kind in _ROUTES)}:
        known = f"core/Service or {GATEWAY_GROUP}/{' or '.join(_ROUTES)}"
        yield Violation(f"{at}.kind", f"{ref.group or 'core'}/{ref.kind} cannot be a target: use {known}")
    yield from checks.dns_subdomain(f"{at}.name", ref.name)
    if ref.section_name is not None:
        yield from checks.dns_subdomain(f"{at}.sectionName", ref.section_name)
