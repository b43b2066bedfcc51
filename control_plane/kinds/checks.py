"""Checks that several kinds share. Each yields what is wrong, naming the field and what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from control_plane.kinds.duration import duration_seconds
from mesh_policy.errors import Violation
from mesh_policy.path import refusal as target_refusal
from mesh_policy.pcre import refusal as pcre_refusal
from mesh_policy.regex import refusal

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}\Z")
_NATIVE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})

MAX_VALUE = 4096
"""Characters of a header or query value, the Gateway API's limit."""
MAX_PATH = 1024
MAX_EXPRESSIONS = 256
"""Different regular expressions in one object."""


def dns_label(path: str, value: str) -> Iterator[Violation]:
    """Names of Services and namespaces."""
    if not _DNS_LABEL.match(value):
        yield Violation(path, f"{value!r} is not a name: use lower-case letters, digits and '-', at most 63")


def dns_subdomain(path: str, value: str) -> Iterator[Violation]:
    """Names of other objects."""
    if not _DNS_SUBDOMAIN.match(value):
        yield Violation(path, f"{value!r} is not a name: use lower-case letters, digits, '-' and '.', at most 253")


def header_name(path: str, value: str) -> Iterator[Violation]:
    """A header's name (RFC 9110 token). The mesh's own headers are not for users."""
    if not _TOKEN.match(value):
        yield Violation(path, f"{value!r} is not a header name: use letters, digits and '-', at most 256")
    elif value.lower().startswith("x-mesh-internal-"):
        yield Violation(path, f"{value!r} is reserved: names that begin with x-mesh-internal- belong to the mesh")


def native_name(path: str, value: str) -> Iterator[Violation]:
    """A header or cookie that HAProxy itself looks up: fewer characters than RFC 9110 allows, for none of them has a
    meaning in its configuration."""
    if not _NATIVE.match(value):
        yield Violation(path, f"{value!r} cannot be used: use letters, digits, '-', '_' and '.', at most 128")
    elif value.lower().startswith("x-mesh-internal-"):
        yield Violation(path, f"{value!r} is reserved: names that begin with x-mesh-internal- belong to the mesh")


def header_value(path: str, value: str) -> Iterator[Violation]:
    """What may stand in a header (as UTF-8): no control character but the tab."""
    if len(value) > MAX_VALUE:
        yield Violation(path, f"has {len(value)} characters, at most {MAX_VALUE} are allowed")
    if any((ord(c) < 32 and c != "\t") or ord(c) == 127 for c in value) or value != value.strip():
        yield Violation(path, "holds control characters, or has spaces around it")


def method(path: str, value: str) -> Iterator[Violation]:
    """An HTTP method."""
    if value not in _METHODS:
        yield Violation(path, f"{value!r} is not a method: use one of {', '.join(sorted(_METHODS))}")


def http_path(path: str, value: str) -> Iterator[Violation]:
    """A path to compare requests with: absolute, in the one form that requests may have."""
    if not value.startswith("/"):
        yield Violation(path, f"{value!r} must begin with '/'")
    elif len(value) > MAX_PATH:
        yield Violation(path, f"has {len(value)} characters, at most {MAX_PATH} are allowed")
    elif "?" in value or (why := target_refusal(value.encode())) is not None:
        reason = "it holds a '?'" if "?" in value else f"requests for it are refused ({why})"
        yield Violation(
            path,
            f"{value!r} can never match: {reason}; write a path without '//', '.' or '..' elements, '?', '#', '\\', "
            "spaces and control characters, and percent-encode nothing that needs no encoding",
        )


def status_code(path: str, value: int, low: int = 200) -> Iterator[Violation]:
    """An HTTP status."""
    if not low <= value <= 599:
        yield Violation(path, f"{value} is not a status: use {low} to 599")


def percentage(path: str, value: float) -> Iterator[Violation]:
    """A share of requests."""
    if not 0 <= value <= 100:
        yield Violation(path, f"{value:g} is not a percentage: use 0 to 100 (decimals are allowed)")


def port(path: str, value: int) -> Iterator[Violation]:
    """A TCP port."""
    if not 1 <= value <= 65535:
        yield Violation(path, f"{value} is not a port: use 1 to 65535")


def match_types(path: str, types: Iterable[str]) -> Iterator[Violation]:
    """How headers and query parameters are compared; another type is right by the API and not known here."""
    for i, kind in enumerate(types):
        if kind not in {"Exact", "RegularExpression"}:
            yield Violation(f"{path}[{i}].type", f"{kind!r} is unknown: use Exact or RegularExpression")


def at_most(path: str, items: Iterable[object], limit: int) -> Iterator[Violation]:
    """A bound on a list."""
    count = sum(1 for _ in items)
    if count > limit:
        yield Violation(path, f"has {count} items, at most {limit} are allowed")


def few_expressions(path: str, expressions: frozenset[str]) -> Iterator[Violation]:
    """A bound on the regular expressions of an object, asked before they are looked at: each may take milliseconds."""
    if len(expressions) > MAX_EXPRESSIONS:
        message = f"has {len(expressions)} different regular expressions, at most {MAX_EXPRESSIONS} are allowed"
        yield Violation(path, f"{message}: write prefixes where they will do, or more objects")


def regex(path: str, value: str) -> Iterator[Violation]:
    """A regular expression of linear time (RE2)."""
    why = refusal(value)
    if why is not None:
        yield Violation(path, why)


def regex_of_both(path: str, value: str) -> Iterator[Violation]:
    """A regular expression that HAProxy decides by: RE2, and read by PCRE2 in the same way."""
    why = refusal(value) or pcre_refusal(value)
    if why is not None:
        yield Violation(path, why)


def whole(path: str, value: int | None, low: int, high: int, zero: str = "") -> Iterator[Violation]:
    """A number in a range. `zero` says what 0 means, where it is one of the right values. None: nothing is said."""
    if value is not None and not low <= value <= high:
        note = f" (0: {zero})" if zero else ""
        yield Violation(path, f"{value} is out of range: use {low:,} to {high:,}{note}")


def duration(path: str, text: str | None, low: str, high: str, zero: str = "") -> Iterator[Violation]:
    """A Gateway API duration in a range, which is written as durations too. `zero` says what `0s` means; empty: it is
    not allowed below `low`. None: nothing is said."""
    if text is None:
        return
    try:
        seconds = duration_seconds(text)
    except ValueError as error:
        yield Violation(path, str(error))
        return
    if not duration_seconds(low) <= seconds <= duration_seconds(high) and not (zero and seconds == 0):
        yield Violation(path, f"{text} is out of range: use {low} to {high}" + (f", or 0s for {zero}" if zero else ""))
