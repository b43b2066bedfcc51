"""Filters of routes and of their backendRefs (gateway.networking.k8s.io/v1), and the backendRefs that carry them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from control_plane.kinds import checks, cors
from control_plane.kinds.cors import CorsFilter
from control_plane.kinds.meta import Strict
from control_plane.kinds.route import AnyRule, Carries, ObjectRef, Opaque, Reference, WeightedRef, weight_violations
from control_plane.kinds.session import SessionPersistence
from mesh_policy.errors import Violation

REDIRECT_STATUS = (301, 302, 303, 307, 308)
_HOSTNAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_FRAMING = frozenset(
    ("connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade")
)


class NameValue(Strict, frozen=True, kw_only=True):
    """A header and its value."""

    name: str
    value: str


class HeaderFilter(Strict, frozen=True, kw_only=True):
    """Request- or ResponseHeaderModifier; one action per header name."""

    set: tuple[NameValue, ...] = ()
    add: tuple[NameValue, ...] = ()
    remove: tuple[str, ...] = ()


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


class PathModifier(Strict, frozen=True, kw_only=True):
    """A new path, or a new beginning for the part that a PathPrefix match matched; `type` says which field counts."""

    type: str
    replace_full_path: str | None = None
    replace_prefix_match: str | None = None


class RedirectFilter(Strict, frozen=True, kw_only=True):
    """RequestRedirect: what is not given stays as the request has it."""

    scheme: str | None = None
    hostname: str | None = None
    path: PathModifier | None = None
    port: int | None = None
    status_code: int = 302


class RewriteFilter(Strict, frozen=True, kw_only=True):
    """URLRewrite."""

    hostname: str | None = None
    path: PathModifier | None = None


class Filter(Strict, frozen=True, kw_only=True):
    """One filter; `type` says which of the fields counts."""

    type: str
    request_header_modifier: HeaderFilter | None = None
    response_header_modifier: HeaderFilter | None = None
    request_mirror: MirrorFilter | None = None
    request_redirect: RedirectFilter | None = None
    url_rewrite: RewriteFilter | None = None
    cors: CorsFilter | None = None
    external_auth: Opaque = None
    extension_ref: Opaque = None


class BackendRef(WeightedRef, frozen=True, kw_only=True):
    """A share of the requests."""

    filters: tuple[Filter, ...] = ()


_BODIES = {
    "RequestHeaderModifier": "request_header_modifier",
    "ResponseHeaderModifier": "response_header_modifier",
    "RequestMirror": "request_mirror",
    "RequestRedirect": "request_redirect",
    "URLRewrite": "url_rewrite",
    "CORS": "cors",
}
OF_REQUESTS = frozenset(_BODIES)
"""Types that HTTPRoute has, for its rules and for their backendRefs."""
OF_CALLS = OF_REQUESTS - {"RequestRedirect", "URLRewrite", "CORS"}
"""Types that GRPCRoute has, likewise."""


class FilteredRule(AnyRule, frozen=True, kw_only=True):
    """A rule for requests."""

    carries: ClassVar[Carries] = "requests"
    filter_types: ClassVar[frozenset[str]] = OF_REQUESTS
    """What its kind of routes has."""
    filters: tuple[Filter, ...] = ()
    backend_refs: tuple[BackendRef, ...] = ()
    session_persistence: SessionPersistence | None = None

    @property
    def keeps_sessions(self) -> bool:
        """Whether it says `sessionPersistence`."""
        return self.session_persistence is not None

    @property
    def is_shut(self) -> bool:
        """Whether a filter for all its requests is of another type."""
        return self.lacks(self.filters)

    def lacks(self, filters: tuple[Filter, ...]) -> bool:
        """One of its own filters, or of a backend's, is of a type that its kind does not have here."""
        return any(entry.type not in self.filter_types for entry in filters)

    def references(self) -> Iterator[Reference]:
        """Backends, and where copies go."""
        yield from AnyRule.references(self)
        yield from _copies("filters", self.filters)
        for i, ref in enumerate(self.backend_refs):
            yield from _copies(f"backendRefs[{i}].filters", ref.filters)


def _copies(at: str, filters: tuple[Filter, ...]) -> Iterator[Reference]:
    for i, entry in enumerate(filters):
        if entry.request_mirror is not None:
            yield Reference(f"{at}[{i}].requestMirror.backendRef", entry.request_mirror.backend_ref, "copies")


INCOMPATIBLE = "RequestRedirect and URLRewrite exclude each other: give one of them"
"""Message of the one violation for which the API has a reason of its own, `IncompatibleFilters`."""
_ONCE = ("RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", "CORS")


def violations(at: str, filters: tuple[Filter, ...], *, only_prefixes: bool) -> Iterator[Violation]:
    """What is malformed. `only_prefixes`: every match is a PathPrefix, so that a prefix can be replaced."""
    for i, entry in enumerate(filters):
        yield from _filter(f"{at}[{i}]", entry, only_prefixes=only_prefixes)
    types = {entry.type for entry in filters}
    if {"RequestRedirect", "URLRewrite"} <= types:
        yield Violation(at, INCOMPATIBLE)


def backend_violations(at: str, refs: tuple[BackendRef, ...], *, only_prefixes: bool) -> Iterator[Violation]:
    """What is malformed in backendRefs."""
    yield from weight_violations(at, refs)
    for i, ref in enumerate(refs):
        yield from violations(f"{at}[{i}].filters", ref.filters, only_prefixes=only_prefixes)


def repeated(at: str, filters: tuple[Filter, ...]) -> Iterator[Violation]:
    """What the API leaves to the mesh, and we do not do: a filter twice."""
    for kind in _ONCE:
        if sum(entry.type == kind for entry in filters) > 1:
            yield Violation(at, f"{kind} is given twice: put all changes into one filter")


def unknown(at: str, rule: AnyRule) -> Iterator[Violation]:
    """The filters of a rule, and of its backends, that the API allows and this mesh does not have."""
    if not isinstance(rule, FilteredRule):
        return
    places = [(f"{at}.filters", rule.filters)]
    places += [(f"{at}.backendRefs[{i}].filters", ref.filters) for i, ref in enumerate(rule.backend_refs)]
    for place, filters in places:
        for i, entry in enumerate(filters):
            if entry.type not in rule.filter_types:
                known = ", ".join(sorted(rule.filter_types))
                yield Violation(f"{place}[{i}].type", f"{entry.type} is not supported here: use one of {known}")


def _filter(at: str, entry: Filter, *, only_prefixes: bool) -> Iterator[Violation]:
    field = _BODIES.get(entry.type)
    if field is None:
        return
    first, *others = field.split("_")
    name = first + "".join(other.capitalize() for other in others)
    match getattr(entry, field):
        case HeaderFilter() as body:
            yield from _headers(f"{at}.{name}", body)
            if entry.type == "RequestHeaderModifier":
                yield from _host(f"{at}.{name}", body)
        case MirrorFilter() as body:
            yield from _mirror(f"{at}.requestMirror", body)
        case RedirectFilter() as body:
            yield from _redirect(f"{at}.requestRedirect", body, only_prefixes)
        case RewriteFilter() as body:
            yield from _target(f"{at}.urlRewrite", body.hostname, body.path, only_prefixes)
        case CorsFilter() as body:
            yield from cors.violations(f"{at}.cors", body)
        case _:
            yield Violation(at, f"type {entry.type} needs the field {name}")


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


def _host(at: str, body: HeaderFilter) -> Iterator[Violation]:
    """A request has exactly one Host: to another one, or to none, servers answer 400 (RFC 9112 section 3.2)."""
    for field, names in (("add", [pair.name for pair in body.add]), ("remove", body.remove)):
        if "host" in {name.lower() for name in names}:
            yield Violation(f"{at}.{field}", "a request has one Host: set it, here or with URLRewrite")


def _mirror(at: str, body: MirrorFilter) -> Iterator[Violation]:
    if body.percent is not None and body.fraction is not None:
        yield Violation(at, "give at most one of percent and fraction")
    if body.percent is not None:
        yield from checks.percentage(f"{at}.percent", body.percent)
    if body.fraction is not None and not (
        body.fraction.denominator > 0 and 0 <= body.fraction.numerator <= body.fraction.denominator
    ):
        yield Violation(f"{at}.fraction", "must be between 0 and 1, with a denominator above 0")


def _redirect(at: str, body: RedirectFilter, only_prefixes: bool) -> Iterator[Violation]:
    if body.scheme not in {None, "http", "https"}:
        yield Violation(f"{at}.scheme", f"{body.scheme!r} is unknown: use http or https")
    if body.port is not None:
        yield from checks.port(f"{at}.port", body.port)
    if body.status_code not in REDIRECT_STATUS:
        known = ", ".join(map(str, REDIRECT_STATUS))
        yield Violation(f"{at}.statusCode", f"{body.status_code} is no redirect: use one of {known}")
    yield from _target(at, body.hostname, body.path, only_prefixes)


def _target(at: str, hostname: str | None, path: PathModifier | None, only_prefixes: bool) -> Iterator[Violation]:
    if hostname is not None and not (len(hostname) <= 253 and _HOSTNAME.match(hostname)):
        yield Violation(f"{at}.hostname", f"{hostname!r} is not a host name: use lower-case letters, digits, '-', '.'")
    if path is None:
        return
    match path.type, path.replace_full_path, path.replace_prefix_match:
        case ("ReplaceFullPath", str(full), None):
            yield from checks.http_path(f"{at}.path.replaceFullPath", full)
        case ("ReplacePrefixMatch", None, str(prefix)):
            yield from checks.http_path(f"{at}.path.replacePrefixMatch", prefix or "/")
            if not only_prefixes:
                why = "replaces a prefix, so every match of the rule must be of the type PathPrefix"
                yield Violation(f"{at}.path.replacePrefixMatch", why)
        case _:
            known = "ReplaceFullPath with replaceFullPath alone, or ReplacePrefixMatch with replacePrefixMatch alone"
            yield Violation(f"{at}.path", f"type {path.type} does not fit the fields: use {known}")
