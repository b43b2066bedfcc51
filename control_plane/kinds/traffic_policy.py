"""TrafficPolicy (mesh.heddle.dev/v1alpha1): how traffic to its targets behaves. Faults so far."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kinds import checks, fault
from control_plane.kinds.fault import FaultSpec
from control_plane.kinds.meta import ConditionsStatus, HasStatus, Strict
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


class TrafficPolicySpec(Strict, frozen=True, kw_only=True):
    """`spec`."""

    target_refs: tuple[TargetRef, ...] = ()
    """Empty: every Service of the namespace; the policy must then be named `default`."""
    faults: tuple[FaultSpec, ...] = ()


class TrafficPolicy(HasStatus, frozen=True, kw_only=True):
    """How traffic behaves."""

    spec: TrafficPolicySpec
    status: ConditionsStatus | None = None


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
    if not obj.spec.faults:
        yield Violation("spec.faults", "is empty: the policy says nothing")
    yield from fault.violations("spec.faults", obj.spec.faults)


def _target(at: str, ref: TargetRef) -> Iterator[Violation]:
    if (ref.group, ref.kind) not in {("", "Service"), *((GATEWAY_GROUP, kind) for kind in _ROUTES)}:
        known = f"core/Service or {GATEWAY_GROUP}/{' or '.join(_ROUTES)}"
        yield Violation(f"{at}.kind", f"{ref.group or 'core'}/{ref.kind} cannot be a target: use {known}")
    yield from checks.dns_subdomain(f"{at}.name", ref.name)
    if ref.section_name is not None:
        yield from checks.dns_subdomain(f"{at}.sectionName", ref.section_name)
