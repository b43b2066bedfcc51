"""What a rule may see of a request.

Everything is bytes, as on the wire: rules (text) are turned into UTF-8 once and compared byte by byte, so that no
decoding can make two different requests equal. Header names are compared in lower case.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from mesh_policy.identity import SpiffeId
from mesh_policy.path import split_target

Fields = tuple[tuple[bytes, bytes], ...]
"""Header fields in the order of the wire: (name as sent, value without the whitespace around it)."""


class RequestView(NamedTuple):
    """One request, as rules see it."""

    method: bytes
    path: bytes
    """Up to the first `?`, percent-encoding left as it came."""
    query: bytes
    """After the first `?`; empty when there is none."""
    fields: Fields
    peer: SpiffeId | None = None
    """Who calls (inbound only). None: no certificate."""


def view(
    method: str, target: str, headers: Iterable[tuple[str, str]] = (), peer: SpiffeId | None = None
) -> RequestView:
    """A request written by a person: for explanations and tests."""
    path, query = split_target(target.encode())
    return RequestView(method.encode(), path, query, tuple((n.encode(), v.encode()) for n, v in headers), peer)


def header_values(fields: Fields, name: bytes) -> list[bytes]:
    """All values of a header in their order; `name` is in lower case."""
    return [value for field, value in fields if field == name or field.lower() == name]


def joined_header(fields: Fields, name: bytes) -> bytes | None:
    """The value that routing sees: repeated fields joined with `,` (RFC 9110 section 5.3). None: not there."""
    values = header_values(fields, name)
    return b",".join(values) if values else None


def query_value(query: bytes, name: bytes) -> bytes | None:
    """The first value of a query parameter (Gateway API: the first one decides), decoded: `+` is a space, `%xx` a byte.

    Names are compared as they are sent. A value with a broken escape counts as not there.
    """
    for part in query.split(b"&"):
        key, _, value = part.partition(b"=")
        if key == name:
            return decode_query_value(value)
    return None


def decode_query_value(value: bytes) -> bytes | None:
    """`a+b%20c` → `a b c`; None where an escape is not `%` and two hex digits."""
    head, *escaped = value.replace(b"+", b" ").split(b"%")
    decoded = [head]
    for piece in escaped:
        digits = piece[:2]
        if len(digits) != 2 or not all(digit in b"0123456789abcdefABCDEF" for digit in digits):
            return None
        decoded += [bytes((int(digits, 16),)), piece[2:]]
    return b"".join(decoded)
