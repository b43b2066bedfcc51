"""XBackendTrafficPolicy (gateway.networking.x-k8s.io/v1alpha1, GEP-3388 and GEP-1619): retry budget and sessions of
Services. Experimental channel only; what it says holds where no TrafficPolicy or rule says the same more specifically.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from control_plane.kinds import checks, session
from control_plane.kinds.meta import HasStatus, Object, Strict, Wire
from control_plane.kinds.session import SessionPersistence
from mesh_policy.errors import Violation

MAX_TARGETS = 16


class Target(Strict, frozen=True, kw_only=True):
    """An object of the same namespace; ours are Services."""

    group: str
    kind: str
    name: str

    @property
    def is_service(self) -> bool:
        return self.group == "" and self.kind == "Service"


class Budget(Strict, frozen=True, kw_only=True):
    """A share of the requests of the last `interval`."""

    percent: int = 20
    interval: str = "10s"


class RequestRate(Strict, frozen=True, kw_only=True):
    """`count` in every `interval`."""

    count: int = 10
    interval: str = "1s"


class RetryConstraint(Strict, frozen=True, kw_only=True):
    """`retryConstraint`."""

    budget: Budget = Budget()
    min_retry_rate: RequestRate = RequestRate()


class BackendTrafficPolicySpec(Strict, frozen=True, kw_only=True):
    """`spec`."""

    target_refs: tuple[Target, ...] = ()
    retry_constraint: RetryConstraint | None = None
    session_persistence: SessionPersistence | None = None


class PolicyStatus(Wire, frozen=True, kw_only=True):
    """`status`. Entries stay as they were written, so that those of other controllers survive a patch unchanged."""

    ancestors: tuple[dict[str, object], ...] = ()


class BackendTrafficPolicy(HasStatus, frozen=True, kw_only=True):
    """How a Service is used."""

    spec: BackendTrafficPolicySpec
    status: PolicyStatus | None = None
    malformed: str = ""
    """Why the spec cannot be read (`field: reason`); `spec` then holds the targets alone."""

    @property
    def services(self) -> tuple[str, ...]:
        """Names of the Services that it is for; without one it is not ours."""
        return tuple(target.name for target in self.spec.target_refs if target.is_service)


def validate(obj: BackendTrafficPolicy) -> tuple[Violation, ...]:
    """What is malformed. A policy without a Service as target is another implementation's."""
    return tuple(_violations(obj)) if obj.services else ()


def _violations(obj: BackendTrafficPolicy) -> Iterator[Violation]:
    if obj.malformed:
        path, _, message = obj.malformed.partition(": ")
        yield Violation(path, message)
    yield from checks.at_most("spec.targetRefs", obj.spec.target_refs, MAX_TARGETS)
    if obj.spec.retry_constraint is not None:
        yield from _constraint("spec.retryConstraint", obj.spec.retry_constraint)
    yield from session.violations("spec.sessionPersistence", obj.spec.session_persistence)


def _constraint(at: str, constraint: RetryConstraint) -> Iterator[Violation]:
    yield from checks.percentage(f"{at}.budget.percent", constraint.budget.percent)
    yield from checks.duration(f"{at}.budget.interval", constraint.budget.interval, "1s", "1h")
    if not 1 <= constraint.min_retry_rate.count <= 1_000_000:
        yield Violation(
            f"{at}.minRetryRate.count", f"{constraint.min_retry_rate.count} is out of range: use 1 to 1,000,000"
        )
    yield from checks.duration(f"{at}.minRetryRate.interval", constraint.min_retry_rate.interval, "1ms", "1h")


class _TargetsOnly(Wire, frozen=True, kw_only=True):
    target_refs: tuple[Target, ...] = ()


class _Outline(Object, frozen=True, kw_only=True):
    spec: _TargetsOnly = _TargetsOnly()
    status: PolicyStatus | None = None


_outline = msgspec.json.Decoder(_Outline)


def outline(data: bytes | msgspec.Raw, message: str) -> BackendTrafficPolicy | None:
    """A policy that does not decode, by its targets alone, so that its status can say why. None: not even these can be
    read."""
    try:
        found = _outline.decode(data)
    except msgspec.MsgspecError:
        return None
    targets = BackendTrafficPolicySpec(target_refs=found.spec.target_refs)
    return BackendTrafficPolicy(metadata=found.metadata, spec=targets, status=found.status, malformed=message)
