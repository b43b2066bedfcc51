"""TrafficPolicy (mesh.heddle.dev/v1alpha1): how traffic to its targets behaves. Faults so far."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kinds import checks
from control_plane.kinds.duration import duration_seconds
from control_plane.kinds.meta import ConditionsStatus, HasStatus, Strict
from mesh_policy.errors import Violation

GATEWAY_GROUP = "gateway.networking.k8s.io"
NAMESPACE_DEFAULT = "default"
"""Name of the one policy of a namespace that may do without `targetRefs`."""
MAX_DELAY_SECONDS = 3600.0
MAX_FAULTS = 16
_ROUTES = ("HTTPRoute", "GRPCRoute")


class TargetRef(Strict, frozen=True, kw_only=True):
    """A Service, HTTPRoute or GRPCRoute of the same namespace; `sectionName` is a rule's name, or a Service port's."""

    kind: str
    name: str
    group: str = ""
    section_name: str | None = None


class DelayFault(Strict, frozen=True, kw_only=True):
    """`delay`."""

    fixed: str
    """A Gateway API duration: `250ms`, `2s`, `1m30s`."""


class AbortFault(Strict, frozen=True, kw_only=True):
    """`abort`."""

    http_status: int


class HeaderEquals(Strict, frozen=True, kw_only=True):
    """A header with exactly this value."""

    name: str
    value: str


class FaultMatch(Strict, frozen=True, kw_only=True):
    """All given headers must be there."""

    headers: tuple[HeaderEquals, ...] = ()


class FaultSpec(Strict, frozen=True, kw_only=True):
    """One fault; exactly one of delay and abort."""

    name: str
    percent: float = 100.0
    delay: DelayFault | None = None
    abort: AbortFault | None = None
    match: FaultMatch | None = None


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
    yield from checks.at_most("spec.faults", obj.spec.faults, MAX_FAULTS)
    names = [fault.name for fault in obj.spec.faults]
    if len(set(names)) != len(names):
        yield Violation("spec.faults", "two faults have the same name")
    for i, fault in enumerate(obj.spec.faults):
        yield from _fault(f"spec.faults[{i}]", fault)


def _target(at: str, ref: TargetRef) -> Iterator[Violation]:
    if (ref.group, ref.kind) not in {("", "Service"), *((GATEWAY_GROUP, kind) for kind in _ROUTES)}:
        known = f"core/Service or {GATEWAY_GROUP}/{' or '.join(_ROUTES)}"
        yield Violation(f"{at}.kind", f"{ref.group or 'core'}/{ref.kind} cannot be a target: use {known}")
    yield from checks.dns_subdomain(f"{at}.name", ref.name)
    if ref.section_name is not None:
        yield from checks.dns_subdomain(f"{at}.sectionName", ref.section_name)


def _fault(at: str, fault: FaultSpec) -> Iterator[Violation]:
    yield from checks.dns_label(f"{at}.name", fault.name)
    yield from checks.percentage(f"{at}.percent", fault.percent)
    if (fault.delay is None) == (fault.abort is None):
        yield Violation(at, "give exactly one of delay and abort")
    if fault.delay is not None:
        yield from _delay(f"{at}.delay.fixed", fault.delay.fixed)
    if fault.abort is not None:
        yield from checks.status_code(f"{at}.abort.httpStatus", fault.abort.http_status)
    for i, header in enumerate(fault.match.headers if fault.match else ()):
        yield from checks.header_name(f"{at}.match.headers[{i}].name", header.name)
        yield from checks.header_value(f"{at}.match.headers[{i}].value", header.value)


def _delay(at: str, text: str) -> Iterator[Violation]:
    try:
        seconds = duration_seconds(text)
    except ValueError as error:
        yield Violation(at, str(error))
        return
    if not 0 < seconds <= MAX_DELAY_SECONDS:
        yield Violation(at, f"{text} is out of range: use 1ms to 1h")
