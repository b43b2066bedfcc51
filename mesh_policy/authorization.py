"""May this caller make this request: the decision that HAProxy enforces and that `meshctl explain` shows.

Order of the decision: the first intention whose source matches decides; none: the default. A request that repeats a
header whose value a permission tests is denied when that permission's path and method hold: which of the values the
application reads cannot be known. So is one with a path or value so long that the engine gives up the search for a
regular expression in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mesh_policy import pcre, regex
from mesh_policy.errors import Violation
from mesh_policy.identity import SpiffeId
from mesh_policy.match import path_has_prefix
from mesh_policy.request import RequestView, header_values
from mesh_policy.snapshot import Authorization, HeaderPresence, HttpPermissionMatch, Intention, SourceMatch


class Decision(NamedTuple):
    """The answer, and why."""

    allowed: bool
    name: str
    """`NAMESPACE/NAME` of the ServiceIntentions that decided, or `default`."""
    reason: str
    """One sentence for logs and people."""
    audited: bool = False
    """Allowed only because the default is Audit: to be logged and counted."""


def decide(
    authorization: Authorization, peer: SpiffeId | None, request: RequestView | None, *, trust_domain: str
) -> Decision:
    """Decide on a request, or on a TCP connection (`request` is None). `peer` None: no certificate, it matches no
    source."""
    for intention in authorization.intentions:
        if source_holds(intention.source, peer, trust_domain):
            return _by_intention(intention, request)
    match authorization.default:
        case "Allow":
            return Decision(True, "default", "no intention names this caller; the default is Allow")
        case "Audit":
            return Decision(True, "default", "no intention names this caller; Deny would have refused it", audited=True)
        case "Deny":
            return Decision(False, "default", "no intention names this caller; the default is Deny")


def source_holds(source: SourceMatch, peer: SpiffeId | None, trust_domain: str) -> bool:
    """Is this the caller that the source means? Identities are compared whole, never by prefix."""
    if peer is None:
        return False
    if source.identities is not None:
        return peer.uri in source.identities
    if peer.trust_domain != trust_domain:
        return False
    return source.namespace is None or peer.namespace == source.namespace


def _by_intention(intention: Intention, request: RequestView | None) -> Decision:
    caller = intention.source_name or "this caller"
    if intention.action is not None:
        return Decision(intention.action == "allow", intention.name, f"source {caller}: {intention.action}")
    if request is None:
        return Decision(False, intention.name, f"source {caller}: its permissions are for HTTP, this is TCP")
    for index, permission in enumerate(intention.permissions):
        held = _permission_holds(permission.http, request)
        at = f"source {caller}: permission {index}"
        if held == "repeated":
            return Decision(False, intention.name, f"{at} tests a header that the request repeats")
        if held == "yes":
            return Decision(permission.action == "allow", intention.name, f"{at} says {permission.action}")
    return Decision(False, intention.name, f"source {caller}: no permission matches")


def _permission_holds(http: HttpPermissionMatch, request: RequestView) -> str:
    if not (_path_holds(http, request.path) and (not http.methods or request.method.decode("latin-1") in http.methods)):
        return "no"
    values = [(header, header_values(request.fields, header.name.lower().encode())) for header in http.headers]
    if any(len(found) > 1 and header.present is None for header, found in values):
        return "repeated"
    return "yes" if all(_header_holds(header, found) != header.invert for header, found in values) else "no"


def _path_holds(http: HttpPermissionMatch, path: bytes) -> bool:
    if http.path_exact is not None:
        return path == http.path_exact.encode()
    if http.path_prefix is not None:
        return path_has_prefix(path, http.path_prefix.rstrip("/").encode())
    if http.path_regex is not None:
        return regex.compile_expression(http.path_regex)(path)
    return True


def _header_holds(header: HeaderPresence, values: list[bytes]) -> bool:
    if header.present is not None:
        return bool(values) == header.present
    if not values:
        return False
    value = values[0]
    if header.exact is not None:
        return value == header.exact.encode()
    if header.prefix is not None:
        return value.startswith(header.prefix.encode())
    if header.suffix is not None:
        return value.endswith(header.suffix.encode())
    return header.regex is not None and regex.compile_expression(header.regex)(value)


class IntentionCandidate(NamedTuple):
    """An intention with what its precedence depends on."""

    intention: Intention
    exact_destination: bool
    """False: the ServiceIntentions' destination is `*`."""
    source_rank: int
    """0: one Service or ServiceAccount; 1: `*` in one namespace; 2: `*` in any namespace."""


def order(candidates: Iterable[IntentionCandidate]) -> tuple[Intention, ...]:
    """`Authorization.intentions`: exact destination before `*`, exact source before `*`, deny before permissions
    before allow; then by name, so that every replica compiles the same."""

    def key(candidate: IntentionCandidate) -> tuple[bool, int, int, str, str]:
        one = candidate.intention
        strictness = {"deny": 0, None: 1, "allow": 2}[one.action]
        return (not candidate.exact_destination, candidate.source_rank, strictness, one.name, one.source_name)

    return tuple(candidate.intention for candidate in sorted(candidates, key=key))


def check(authorization: Authorization, path: str) -> list[Violation]:
    """What types cannot say: either action or permissions, one test per header, usable expressions."""
    found: list[Violation] = []
    for i, intention in enumerate(authorization.intentions):
        at = f"{path}.intentions[{i}]"
        if (intention.action is None) == (not intention.permissions):
            found.append(Violation(at, "exactly one of action and permissions must be given"))
        for j, permission in enumerate(intention.permissions):
            found += _check_permission(permission.http, f"{at}.permissions[{j}].http")
    return found


def _check_permission(http: HttpPermissionMatch, path: str) -> list[Violation]:
    found: list[Violation] = []
    paths = [value for value in (http.path_exact, http.path_prefix, http.path_regex) if value is not None]
    if len(paths) > 1:
        found.append(Violation(path, "at most one of pathExact, pathPrefix and pathRegex may be given"))
    if http.path_regex is not None and (why := _refusal(http.path_regex)) is not None:
        found.append(Violation(f"{path}.pathRegex", why))
    for i, header in enumerate(http.headers):
        tests = (header.present, header.exact, header.prefix, header.suffix, header.regex)
        if sum(test is not None for test in tests) != 1:
            why = "exactly one of present, exact, prefix, suffix and regex must be given"
            found.append(Violation(f"{path}.headers[{i}]", why))
        if header.regex is not None and (why := _refusal(header.regex)) is not None:
            found.append(Violation(f"{path}.headers[{i}].regex", why))
    return found


def _refusal(expression: str) -> str | None:
    """HAProxy decides: an expression has to mean the same to it."""
    return regex.refusal(expression) or pcre.refusal(expression)
