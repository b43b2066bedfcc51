"""Request targets that two programs could read differently. They are refused before anything decides on the path.

Both engines use this one list: the worker through `refusal`, HAProxy through `REFUSALS` (its expressions are written
in the common part of Python's and PCRE's syntax). Source: rule 5 of the architecture; what HAProxy itself refuses is
not repeated.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Refusal(NamedTuple):
    """One reason to refuse a path."""

    reason: str
    """Stable and without spaces: it stands in access logs and in `x-mesh-error`."""
    pattern: str
    """Searched in the path (the target up to the first `?`), byte by byte and without regard to case."""


REFUSALS: tuple[Refusal, ...] = (
    # `/..;x/` as well: servers of the Java family cut path parameters before they resolve dots.
    Refusal("path-dot-segment", r"/\.\.?(?:;[^/]*)?(?:/|$)"),
    Refusal("path-empty-segment", r"//"),
    Refusal("path-encoded-dot", r"%2e"),
    Refusal("path-encoded-slash", r"%2f"),
    Refusal("path-encoded-backslash", r"%5c"),
    Refusal("path-backslash", r"\x5c"),
    Refusal("path-encoded-nul", r"%00"),
    # Letters, digits, `-`, `_`, `~`: nothing has to encode them, and `/%61dmin` is `/admin` (RFC 3986 section 6.2.2.2).
    Refusal("path-encoded-plain", r"%(?:2d|3[0-9]|[46][1-9a-f]|5[0-9af]|7[0-9ae])"),
    Refusal("path-fragment", r"#"),
    Refusal("path-control-byte", r"[\x00-\x20\x7f]"),
    # No URI holds them (RFC 3986 section 2). HAProxy refuses them in HTTP/1 and lets them pass in HTTP/2.
    Refusal("path-not-ascii", r"[\x80-\xff]"),
)

_ANY = re.compile("|".join(f"(?:{rule.pattern})" for rule in REFUSALS).encode(), re.IGNORECASE)
_EACH = tuple((rule.reason, re.compile(rule.pattern.encode(), re.IGNORECASE)) for rule in REFUSALS)
BAD_QUERY = r"[\x00-\x20\x7f-\xff#]"
"""What no query may hold, `query-control-byte`: written and searched as the patterns of REFUSALS."""
_BAD_QUERY = re.compile(BAD_QUERY.encode())


def split_target(target: bytes) -> tuple[bytes, bytes]:
    """Path and query of an origin-form target; the query is without its `?`, empty where there is none."""
    path, _, query = target.partition(b"?")
    return path, query


def refusal(target: bytes) -> str | None:
    """Why this origin-form request target is refused, or None. `*` (of `OPTIONS *`) is allowed.

    The checks of REFUSALS look at the path only; the query may hold anything but control bytes, spaces, `#` and bytes
    above ASCII.
    """
    path, query = split_target(target)
    if path[:1] != b"/":
        return None if target == b"*" else "path-not-absolute"
    if _ANY.search(path) is not None:
        return next(reason for reason, pattern in _EACH if pattern.search(path) is not None)
    return "query-control-byte" if _BAD_QUERY.search(query) is not None else None
