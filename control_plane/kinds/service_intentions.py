"""ServiceIntentions (mesh.heddle.dev/v1alpha1): who may call a Service of this namespace."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kinds import caller, checks
from control_plane.kinds.caller import Caller
from control_plane.kinds.meta import ConditionsStatus, HasStatus, Strict
from mesh_policy.errors import Violation
from mesh_policy.snapshot import Action

MAX_SOURCES = 256
MAX_PERMISSIONS = 32


class HeaderTest(Strict, frozen=True, kw_only=True):
    """A header; exactly one of the tests is given. `invert` turns the result round."""

    name: str
    present: bool | None = None
    exact: str | None = None
    prefix: str | None = None
    suffix: str | None = None
    regex: str | None = None
    invert: bool = False


class HttpPermission(Strict, frozen=True, kw_only=True):
    """All given parts must hold; at most one of the paths is given."""

    path_exact: str | None = None
    path_prefix: str | None = None
    path_regex: str | None = None
    methods: tuple[str, ...] = ()
    header: tuple[HeaderTest, ...] = ()


class IntentionPermission(Strict, frozen=True, kw_only=True):
    """An action for the requests that match. Without `http`: every request."""

    action: Action
    http: HttpPermission | None = None


class IntentionSource(Caller, frozen=True, kw_only=True):
    """A caller and what it may do."""

    action: Action | None = None
    permissions: tuple[IntentionPermission, ...] = ()
    """Tried in order, the first that matches decides; none matches: deny."""


class Destination(Strict, frozen=True, kw_only=True):
    """`spec.destination`: a Service of this namespace; `*` is every one."""

    name: str


class ServiceIntentionsSpec(Strict, frozen=True, kw_only=True):
    """`spec`."""

    destination: Destination
    sources: tuple[IntentionSource, ...]


class ServiceIntentions(HasStatus, frozen=True, kw_only=True):
    """Who may call whom."""

    spec: ServiceIntentionsSpec
    status: ConditionsStatus | None = None


def validate(obj: ServiceIntentions) -> tuple[Violation, ...]:
    """What is wrong with the object by itself."""
    return tuple(_violations(obj))


def _violations(obj: ServiceIntentions) -> Iterator[Violation]:
    if obj.spec.destination.name != "*":
        yield from checks.dns_label("spec.destination.name", obj.spec.destination.name)
    if not obj.spec.sources:
        yield Violation("spec.sources", "is empty: name at least one source")
    yield from checks.at_most("spec.sources", obj.spec.sources, MAX_SOURCES)
    many = tuple(checks.few_expressions("spec.sources", frozenset(_expressions(obj.spec))))
    yield from many
    if many:
        return
    for i, source in enumerate(obj.spec.sources):
        yield from _source(f"spec.sources[{i}]", source)


def _expressions(spec: ServiceIntentionsSpec) -> Iterator[str]:
    for source in spec.sources:
        for permission in source.permissions:
            if permission.http is not None:
                given = (permission.http.path_regex, *(test.regex for test in permission.http.header))
                yield from (one for one in given if one is not None)


def _source(at: str, source: IntentionSource) -> Iterator[Violation]:
    yield from caller.violations(at, source)
    if (source.action is None) == (not source.permissions):
        yield Violation(at, "give exactly one of action (allow or deny) and permissions")
    yield from checks.at_most(f"{at}.permissions", source.permissions, MAX_PERMISSIONS)
    for i, permission in enumerate(source.permissions):
        if permission.http is not None:
            yield from _http(f"{at}.permissions[{i}].http", permission.http)


def _http(at: str, http: HttpPermission) -> Iterator[Violation]:
    if sum(path is not None for path in (http.path_exact, http.path_prefix, http.path_regex)) > 1:
        yield Violation(at, "give at most one of pathExact, pathPrefix and pathRegex")
    if http.path_exact is not None:
        yield from checks.http_path(f"{at}.pathExact", http.path_exact)
    if http.path_prefix is not None:
        yield from checks.http_path(f"{at}.pathPrefix", http.path_prefix)
    if http.path_regex is not None:
        yield from checks.regex_of_both(f"{at}.pathRegex", http.path_regex)
    for i, method in enumerate(http.methods):
        yield from checks.method(f"{at}.methods[{i}]", method)
    yield from checks.at_most(f"{at}.header", http.header, 16)
    for i, test in enumerate(http.header):
        yield from _header(f"{at}.header[{i}]", test)


def _header(at: str, test: HeaderTest) -> Iterator[Violation]:
    yield from checks.native_name(f"{at}.name", test.name)
    if sum(given is not None for given in (test.present, test.exact, test.prefix, test.suffix, test.regex)) != 1:
        yield Violation(at, "give exactly one of present, exact, prefix, suffix and regex")
    for field, value in (("exact", test.exact), ("prefix", test.prefix), ("suffix", test.suffix)):
        if value is not None:
            yield from checks.header_value(f"{at}.{field}", value)
    if test.regex is not None:
        yield from checks.regex_of_both(f"{at}.regex", test.regex)
