"""ServiceSubset (mesh.heddle.dev/v1alpha1): the pods of a Service that carry some labels, usable as a `backendRef`."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kinds import checks
from control_plane.kinds.meta import ConditionsStatus, HasStatus, Strict
from mesh_policy.errors import Violation


class Selector(Strict, frozen=True, kw_only=True):
    """`matchLabels` alone: every label must be there with that value."""

    match_labels: dict[str, str]


class ServiceSubsetSpec(Strict, frozen=True, kw_only=True):
    """`spec`."""

    service: str
    """A Service of the same namespace."""
    selector: Selector


class ServiceSubset(HasStatus, frozen=True, kw_only=True):
    """A subset of a Service's pods."""

    spec: ServiceSubsetSpec
    status: ConditionsStatus | None = None


def validate(obj: ServiceSubset) -> tuple[Violation, ...]:
    """What is wrong with the object by itself."""
    return tuple(_violations(obj))


def _violations(obj: ServiceSubset) -> Iterator[Violation]:
    yield from checks.dns_label("spec.service", obj.spec.service)
    labels = obj.spec.selector.match_labels
    if not labels:
        yield Violation("spec.selector.matchLabels", "is empty: give at least one label, or use the Service itself")
    yield from checks.at_most("spec.selector.matchLabels", labels, 16)
