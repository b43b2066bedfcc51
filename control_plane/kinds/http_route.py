"""HTTPRoute (gateway.networking.k8s.io/v1), as far as it has a Service for a parent.

Two questions are answered apart: `validate` says what is malformed, `unsupported` what the API knows and this mesh
does not do yet. Either makes the route `Accepted=False`; neither is ever skipped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from control_plane.kinds import checks
from control_plane.kinds.meta import HasStatus, Object, Strict, Wire
from mesh_policy.errors import Violation
from mesh_policy.snapshot import MatchType

GROUP = "gateway.networking.k8s.io"
MAX_WEIGHT = 1_000_000
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


class HttpPathMatch(Strict, frozen=True, kw_only=True):
    """`path`."""

    type: MatchType = "PathPrefix"
    value: str = "/"


class HttpValueMatch(Strict, frozen=True, kw_only=True):
    """A header or a query parameter."""

    name: str
    value: str
    type: str = "Exact"


class HttpMatch(Strict, frozen=True, kw_only=True):
    """All given parts must hold."""

    path: HttpPathMatch | None = None
    headers: tuple[HttpValueMatch, ...] = ()
    query_params: tuple[HttpValueMatch, ...] = ()
    method: str | None = None


class NameValue(Strict, frozen=True, kw_only=True):
    """A header and its value."""

    name: str
    value: str


class HeaderFilter(Strict, frozen=True, kw_only=True):
    """Request- or ResponseHeaderModifier; one action per header name."""

    set: tuple[NameValue, ...] = ()
    add: tuple[NameValue, ...] = ()
    remove: tuple[str, ...] = ()


class ObjectRef(Strict, frozen=True, kw_only=True):
    """A Service or ServiceSubset that requests go to."""

    name: str
    group: str = ""
    kind: str = "Service"
    namespace: str | None = None
    """None: the route's own."""
    port: int | None = None


class Fraction(Strict, frozen=True, kw_only=True):
    """`numerator / denominator`."""

    numerator: int
    denominator: int = 100


class MirrorFilter(Strict, frozen=True, kw_only=True):
    """RequestMirror; without percent and fraction every request is copied."""

    backend_ref: ObjectRef
    percent: float | None = None
    fraction: Fraction | None = None

    @property
    def share(self) -> float:
        """Percent of the requests."""
        if self.fraction is not None:
            return 100.0 * self.fraction.numerator / self.fraction.denominator
        return 100.0 if self.percent is None else self.percent


class Filter(Strict, frozen=True, kw_only=True):
    """One filter; `type` says which of the fields counts."""

    type: str
    request_header_modifier: HeaderFilter | None = None
    response_header_modifier: HeaderFilter | None = None
    request_mirror: MirrorFilter | None = None
    request_redirect: Opaque = None
    url_rewrite: Opaque = None
    cors: Opaque = None
    external_auth: Opaque = None
    extension_ref: Opaque = None


class BackendRef(ObjectRef, frozen=True, kw_only=True):
    """A share of the requests."""

    weight: int = 1
    filters: tuple[Filter, ...] = ()


class HttpRule(Strict, frozen=True, kw_only=True):
    """One rule."""

    name: str | None = None
    matches: tuple[HttpMatch, ...] = ()
    """Empty: every request."""
    filters: tuple[Filter, ...] = ()
    backend_refs: tuple[BackendRef, ...] = ()
    timeouts: Opaque = None
    retry: Opaque = None
    session_persistence: Opaque = None


class HttpRouteSpec(Strict, frozen=True, kw_only=True):
    """`spec`."""

    parent_refs: tuple[ParentRef, ...] = ()
    hostnames: tuple[str, ...] = ()
    """No effect in a mesh (GEP-1294): the parent's ClusterIP decides."""
    rules: tuple[HttpRule, ...] = ()
    use_default_gateways: str | None = None


class HttpRouteStatus(Wire, frozen=True, kw_only=True):
    """`status`. Entries stay as they were written, so that those of other controllers survive a patch unchanged."""

    parents: tuple[dict[str, object], ...] = ()


class HttpRoute(HasStatus, frozen=True, kw_only=True):
    """A route."""

    spec: HttpRouteSpec
    status: HttpRouteStatus | None = None
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


class _ParentsOnly(Wire, frozen=True, kw_only=True):
    parent_refs: tuple[ParentRef, ...] = ()


class _Outline(Object, frozen=True, kw_only=True):
    spec: _ParentsOnly = _ParentsOnly()
    status: HttpRouteStatus | None = None


_outline = msgspec.json.Decoder(_Outline)


def decode_outline(data: bytes | msgspec.Raw, message: str) -> HttpRoute | None:
    """A route that does not decode, by its parents alone, so that its status can be written at the right place (or
    not at all, when it is another implementation's). None: not even these can be read."""
    try:
        outline = _outline.decode(data)
    except msgspec.MsgspecError:
        return None
    spec = HttpRouteSpec(parent_refs=outline.spec.parent_refs)
    return HttpRoute(metadata=outline.metadata, spec=spec, status=outline.status, malformed=message)


_FRAMING = frozenset(
    ("connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)
_BODIES = {
    "RequestHeaderModifier": "request_header_modifier",
    "ResponseHeaderModifier": "response_header_modifier",
    "RequestMirror": "request_mirror",
}


def validate(obj: HttpRoute) -> tuple[Violation, ...]:
    """What is malformed. Routes without a Service as parent are another implementation's: nothing is said of them."""
    return tuple(_violations(obj)) if obj.is_ours else ()


def unsupported(obj: HttpRoute) -> tuple[Violation, ...]:
    """What the Gateway API allows and this mesh does not do (yet): reason `UnsupportedValue`."""
    return tuple(_unsupported(obj)) if obj.is_ours else ()


def _violations(obj: HttpRoute) -> Iterator[Violation]:
    if obj.malformed:
        path, _, message = obj.malformed.partition(": ")
        yield Violation(path, message)
    yield from checks.at_most("spec.rules", obj.spec.rules, MAX_RULES)
    for i, rule in enumerate(obj.spec.rules):
        at = f"spec.rules[{i}]"
        yield from checks.at_most(f"{at}.matches", rule.matches, MAX_MATCHES)
        for j, match in enumerate(rule.matches):
            yield from _match(f"{at}.matches[{j}]", match)
        for j, entry in enumerate(rule.filters):
            yield from _filter(f"{at}.filters[{j}]", entry)
        for j, ref in enumerate(rule.backend_refs):
            yield from _backend(f"{at}.backendRefs[{j}]", ref)


def _match(at: str, match: HttpMatch) -> Iterator[Violation]:
    if match.path is not None and match.path.type == "RegularExpression":
        yield from checks.regex(f"{at}.path.value", match.path.value)
    elif match.path is not None:
        yield from checks.http_path(f"{at}.path.value", match.path.value)
    if match.method is not None:
        yield from checks.method(f"{at}.method", match.method)
    for i, header in enumerate(match.headers):
        yield from checks.header_name(f"{at}.headers[{i}].name", header.name)
    for field, values in (("headers", match.headers), ("queryParams", match.query_params)):
        for i, value in enumerate(values):
            if value.type == "RegularExpression":
                yield from checks.regex(f"{at}.{field}[{i}].value", value.value)
            elif len(value.value) > checks.MAX_VALUE:
                yield Violation(f"{at}.{field}[{i}].value", f"is longer than {checks.MAX_VALUE} characters")


def _filter(at: str, entry: Filter) -> Iterator[Violation]:
    field = _BODIES.get(entry.type)
    if field is None:
        return
    body: HeaderFilter | MirrorFilter | None = getattr(entry, field)
    if body is None:
        yield Violation(at, f"type {entry.type} needs the field {entry.type[0].lower()}{entry.type[1:]}")
    elif isinstance(body, HeaderFilter):
        yield from _headers(at, body)
    else:
        yield from _mirror(f"{at}.requestMirror", body)


def _headers(at: str, body: HeaderFilter) -> Iterator[Violation]:
    for field, pairs in (("set", body.set), ("add", body.add)):
        for i, pair in enumerate(pairs):
            yield from checks.header_name(f"{at}.{field}[{i}].name", pair.name)
            yield from checks.header_value(f"{at}.{field}[{i}].value", pair.value)
    for i, name in enumerate(body.remove):
        yield from checks.header_name(f"{at}.remove[{i}]", name)
    names = [name.lower() for name in (*(p.name for p in (*body.set, *body.add)), *body.remove)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Violation(at, f"header {name!r} has more than one action: give one per name")
    for name in sorted(_FRAMING & set(names)):
        yield Violation(at, f"header {name!r} frames the message and cannot be changed")


def _mirror(at: str, body: MirrorFilter) -> Iterator[Violation]:
    if body.percent is not None and body.fraction is not None:
        yield Violation(at, "give at most one of percent and fraction")
    if body.percent is not None:
        yield from checks.percentage(f"{at}.percent", body.percent)
    if body.fraction is not None and not (
        body.fraction.denominator > 0 and 0 <= body.fraction.numerator <= body.fraction.denominator
    ):
        yield Violation(f"{at}.fraction", "must be between 0 and 1, with a denominator above 0")


def _backend(at: str, ref: BackendRef) -> Iterator[Violation]:
    if not 0 <= ref.weight <= MAX_WEIGHT:
        yield Violation(f"{at}.weight", f"{ref.weight} is out of range: use 0 to {MAX_WEIGHT}")
    for i, entry in enumerate(ref.filters):
        yield from _filter(f"{at}.filters[{i}]", entry)


def _unsupported(obj: HttpRoute) -> Iterator[Violation]:
    for i, rule in enumerate(obj.spec.rules):
        at = f"spec.rules[{i}]"
        for field, value in (
            ("timeouts", rule.timeouts),
            ("retry", rule.retry),
            ("sessionPersistence", rule.session_persistence),
        ):
            if value is not None:
                yield Violation(f"{at}.{field}", "is not supported by this version of the mesh: leave it out")
        for j, match in enumerate(rule.matches):
            for field, values in (("headers", match.headers), ("queryParams", match.query_params)):
                for k, value_match in enumerate(values):
                    if value_match.type not in {"Exact", "RegularExpression"}:
                        yield Violation(
                            f"{at}.matches[{j}].{field}[{k}].type",
                            f"{value_match.type!r} is unknown: use Exact or RegularExpression",
                        )
        yield from _unsupported_filters(f"{at}.filters", rule.filters, set(_BODIES))
        for j, ref in enumerate(rule.backend_refs):
            yield from _unsupported_filters(
                f"{at}.backendRefs[{j}].filters", ref.filters, set(_BODIES) - {"RequestMirror"}
            )


def _unsupported_filters(at: str, filters: tuple[Filter, ...], known: set[str]) -> Iterator[Violation]:
    for i, entry in enumerate(filters):
        if entry.type not in known:
            yield Violation(
                f"{at}[{i}].type", f"{entry.type} is not supported here: use one of {', '.join(sorted(known))}"
            )
    for kind in ("RequestHeaderModifier", "ResponseHeaderModifier"):
        if sum(entry.type == kind for entry in filters) > 1:
            yield Violation(at, f"{kind} is given twice: put all changes into one filter")


def decode_hint() -> type[msgspec.Struct]:
    """The struct of this kind."""
    return HttpRoute
