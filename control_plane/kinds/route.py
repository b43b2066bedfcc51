"""What routes of all kinds have in common (gateway.networking.k8s.io/v1): parents, references, status."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal, NamedTuple

import msgspec

from control_plane.kinds import checks
from control_plane.kinds.meta import HasStatus, Object, Strict, Wire
from mesh_policy.errors import Violation
from mesh_policy.split import MAX_WEIGHT

GROUP = "gateway.networking.k8s.io"
MAX_RULES = 16
MAX_MATCHES = 64

Opaque = dict[str, object] | list[object] | str | bool | float | None
"""A field that we only need to know is there."""


class ParentRef(Strict, frozen=True, kw_only=True):
    """Where the route attaches; ours are Services."""

    name: str
    group: str = GROUP
    kind: str = "Gateway"
    namespace: str | None = None
    section_name: str | None = None
    port: int | None = None

    @property
    def is_service(self) -> bool:
        return self.group == "" and self.kind == "Service"


class ObjectRef(Strict, frozen=True, kw_only=True):
    """A Service or ServiceSubset that requests go to."""

    name: str
    group: str = ""
    kind: str = "Service"
    namespace: str | None = None
    """None: the route's own."""
    port: int | None = None


class WeightedRef(ObjectRef, frozen=True, kw_only=True):
    """A share of what a rule decides on."""

    weight: int = 1


class ValueMatch(Strict, frozen=True, kw_only=True):
    """A header or a query parameter."""

    name: str
    value: str
    type: str = "Exact"


class RouteStatus(Wire, frozen=True, kw_only=True):
    """`status`. Entries stay as they were written, so that those of other controllers survive a patch unchanged."""

    parents: tuple[dict[str, object], ...] = ()


Carries = Literal["requests", "connections", "copies"]
"""What goes to a backend; copies are requests whose answer nobody waits for."""


class Reference(NamedTuple):
    """Something that a rule names."""

    at: str
    """The field that says so."""
    ref: ObjectRef
    carries: Carries


class AnyRule(Strict, frozen=True, kw_only=True):
    """One rule of any kind."""

    carries: ClassVar[Carries] = "connections"
    name: str | None = None
    backend_refs: tuple[WeightedRef, ...] = ()

    def references(self) -> Iterator[Reference]:
        """What the rule sends something to; fields are named from the rule on."""
        for i, ref in enumerate(self.backend_refs):
            yield Reference(f"backendRefs[{i}]", ref, self.carries)

    def expressions(self) -> Iterator[str]:
        """The regular expressions of its matches."""
        yield from ()

    @property
    def keeps_sessions(self) -> bool:
        """It sends a client to one endpoint again and again."""
        return False

    @property
    def is_shut(self) -> bool:
        """It has a filter that this mesh does not have: what the filter was to look at must not pass without it."""
        return False


class RouteSpec(Strict, frozen=True, kw_only=True):
    """The part of `spec` that all kinds have; each narrows its rules."""

    parent_refs: tuple[ParentRef, ...] = ()
    hostnames: tuple[str, ...] = ()
    """No effect in a mesh (GEP-1294), the parent's ClusterIP decides; but of a TLSRoute the names that it acts on."""
    rules: tuple[AnyRule, ...] = ()
    use_default_gateways: str | None = None


class AnyRoute(HasStatus, frozen=True, kw_only=True):
    """A route of any kind."""

    kind: ClassVar[str]
    """As the API names it."""
    takes_connections: ClassVar[bool] = False
    """It decides on connections and works on every TCP port; otherwise on requests, where a port speaks HTTP."""
    spec: RouteSpec
    status: RouteStatus | None = None
    malformed: str = ""
    """Why the spec cannot be read (`field: reason`); `spec` then holds the parents alone."""

    @property
    def service_parents(self) -> tuple[ParentRef, ...]:
        """Its parents that are Services; a route without one is not ours."""
        return tuple(parent for parent in self.spec.parent_refs if parent.is_service)

    def parent_service(self, parent: ParentRef) -> tuple[str, str]:
        """Namespace and name of the Service that a parent names."""
        return parent.namespace or self.metadata.namespace, parent.name

    @property
    def is_ours(self) -> bool:
        return bool(self.service_parents)

    def rule_name(self, position: int) -> str:
        """What a rule is called in logs and sessions: its name, else its position. Where a rule before it has that
        name, or another rule is named like its position, `_POSITION` follows, which no name can hold: no two rules of a
        route are called the same. (The Gateway API asks for unique names and its standard channel does not check it.)
        """
        names = [rule.name for rule in self.spec.rules]
        name = names[position]
        if name is None:
            return f"_{position}" if str(position) in names else str(position)
        return f"{name}_{position}" if name in names[:position] else name

    def references(self) -> Iterator[Reference]:
        """What its rules send something to."""
        for i, rule in enumerate(self.spec.rules):
            for one in rule.references():
                yield one._replace(at=f"spec.rules[{i}].{one.at}")

    @property
    def expressions(self) -> frozenset[str]:
        """The different regular expressions of its matches."""
        return frozenset(one for rule in self.spec.rules for one in rule.expressions())

    def reading_violations(self) -> Iterator[Violation]:
        """Why the spec cannot be read."""
        if self.malformed:
            path, _, message = self.malformed.partition(": ")
            yield Violation(path, message)


def weight_violations(at: str, refs: tuple[WeightedRef, ...]) -> Iterator[Violation]:
    """What is malformed in the shares of a rule."""
    for i, ref in enumerate(refs):
        if not 0 <= ref.weight <= MAX_WEIGHT:
            yield Violation(f"{at}[{i}].weight", f"{ref.weight} is out of range: use 0 to {MAX_WEIGHT}")


def value_expressions(values: tuple[ValueMatch, ...]) -> Iterator[str]:
    """The regular expressions among matches of headers or query parameters."""
    yield from (value.value for value in values if value.type == "RegularExpression")


def value_violations(at: str, values: tuple[ValueMatch, ...], *, are_headers: bool) -> Iterator[Violation]:
    """What is malformed in matches of headers or query parameters."""
    for i, value in enumerate(values):
        if are_headers:
            yield from checks.header_name(f"{at}[{i}].name", value.name)
        if value.type == "RegularExpression":
            yield from checks.regex(f"{at}[{i}].value", value.value)
        elif len(value.value) > checks.MAX_VALUE:
            yield Violation(f"{at}[{i}].value", f"is longer than {checks.MAX_VALUE} characters")


class _ParentsOnly(Wire, frozen=True, kw_only=True):
    parent_refs: tuple[ParentRef, ...] = ()


class _Outline(Object, frozen=True, kw_only=True):
    spec: _ParentsOnly = _ParentsOnly()
    status: RouteStatus | None = None


_outline = msgspec.json.Decoder(_Outline)


def decode_outline[R: AnyRoute](
    data: bytes | msgspec.Raw, message: str, kind: type[R], spec: type[RouteSpec]
) -> R | None:
    """A route that does not decode, by its parents alone, so that its status can be written at the right place (or
    not at all, when it is another implementation's). None: not even these can be read."""
    try:
        outline = _outline.decode(data)
    except msgspec.MsgspecError:
        return None
    parents = spec(parent_refs=outline.spec.parent_refs)
    return kind(metadata=outline.metadata, spec=parents, status=outline.status, malformed=message)
