"""Which pages of other origins may read the answers of a rule. Source: Gateway API, HTTPCORSFilter (GEP-1767).

The browser enforces it; nothing is refused here. An origin that is not allowed gets an answer without permission.
"""

from __future__ import annotations

import re

from mesh_policy.errors import Violation
from mesh_policy.request import Fields, RequestView, header_values, joined_header
from mesh_policy.snapshot import Cors, HeaderModifier

_HOST = r"(?:\*|(?:\*\.)?[A-Za-z0-9](?:[-.A-Za-z0-9]*[A-Za-z0-9])?)"
_ORIGIN = re.compile(rf"(?:\*|https?://{_HOST}(?::[0-9]{{1,5}})?)\Z")
_TOKENS = re.compile(r"(?:\*|[!#$%&'*+\-.^_`|~0-9A-Za-z]+)\Z")
_MAX_ORIGIN_BYTES = 512
_DEFAULT_PORT = {"http": "80", "https": "443"}


def is_preflight(request: RequestView) -> bool:
    """A browser asks whether it may send a request (Fetch standard, 3.2.2)."""
    fields = request.fields
    return (
        request.method == b"OPTIONS"
        and joined_header(fields, b"origin") is not None
        and joined_header(fields, b"access-control-request-method") is not None
    )


def allowed_origin(cors: Cors, fields: Fields) -> str | None:
    """The request's origin as it was sent, if the rule allows it."""
    values = header_values(fields, b"origin")
    if len(values) != 1 or len(values[0]) > _MAX_ORIGIN_BYTES:
        return None
    origin = values[0].decode("latin-1")
    return origin if any(_holds(pattern, origin) for pattern in cors.allow_origins) else None


def _holds(pattern: str, origin: str) -> bool:
    if pattern == "*":
        return True
    scheme, host, port = _parts(pattern)
    other_scheme, other_host, other_port = _parts(origin)
    if (scheme, port) != (other_scheme, other_port):
        return False
    if host.startswith("*"):
        return other_host.endswith(host[1:]) and len(other_host) > len(host) - 1
    return host == other_host


def _parts(origin: str) -> tuple[str, str, str]:
    """Scheme, host, port; the port that a scheme has anyway is filled in."""
    scheme, _, rest = origin.lower().partition("://")
    host, colon, port = rest.rpartition(":")
    if not colon:
        host, port = rest, ""
    return scheme, host, port or _DEFAULT_PORT.get(scheme, "")


def preflight(cors: Cors, request: RequestView) -> Fields:
    """The header fields of the answer to a preflight request. Without permission: none but `vary`."""
    origin = allowed_origin(cors, request.fields)
    if origin is None:
        return ((b"vary", b"Origin"),)
    asked_method = joined_header(request.fields, b"access-control-request-method")
    asked_headers = joined_header(request.fields, b"access-control-request-headers")
    named = {
        b"access-control-allow-methods": _list(cors, cors.allow_methods, asked_method),
        b"access-control-allow-headers": _list(cors, cors.allow_headers, asked_headers),
        b"access-control-max-age": str(cors.max_age_seconds).encode(),
    }
    permitted = tuple((name.encode(), value.encode("latin-1")) for name, value in _permission(cors, origin))
    return (*permitted, *((name, value) for name, value in named.items() if value is not None))


def _list(cors: Cors, allowed: tuple[str, ...], asked: bytes | None) -> bytes | None:
    """`*` is no wildcard for requests with credentials: what was asked for is said instead."""
    if "*" in allowed and cors.allow_credentials:
        return asked
    return ", ".join(allowed).encode() if allowed else None


def answer(cors: Cors, origin: str | None) -> HeaderModifier:
    """What is done to the answer of a backend: it has no say of its own. `origin`: of `allowed_origin`."""
    ours = ("access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers")
    if origin is None:
        return HeaderModifier(add=(("vary", "Origin"),), remove=ours)
    permitted = tuple(field for field in _permission(cors, origin) if field[0] != "vary")
    exposed = tuple(name for name in cors.expose_headers if name != "*" or not cors.allow_credentials)
    if exposed:
        permitted = (*permitted, (ours[2], ", ".join(exposed)))
    named = {name for name, _ in permitted}
    return HeaderModifier(
        set=permitted, add=(("vary", "Origin"),), remove=tuple(name for name in ours if name not in named)
    )


def _permission(cors: Cors, origin: str) -> tuple[tuple[str, str], ...]:
    """The origin is echoed, never `*`: the same answer is right with and without credentials."""
    fields = (("access-control-allow-origin", origin), ("vary", "Origin"))
    return (*fields, ("access-control-allow-credentials", "true")) if cors.allow_credentials else fields


def check(cors: Cors | None, path: str) -> list[Violation]:
    """What types cannot say."""
    if cors is None:
        return []
    found = [
        Violation(
            f"{path}.allowOrigins", f"{one!r} is no origin: use * or http(s)://HOST[:PORT]; HOST may begin with *."
        )
        for one in cors.allow_origins
        if not _ORIGIN.match(one)
    ]
    lists = (("allowMethods", cors.allow_methods), ("allowHeaders", cors.allow_headers))
    for field, values in (*lists, ("exposeHeaders", cors.expose_headers)):
        found += [Violation(f"{path}.{field}", f"{one!r} is not a name") for one in values if not _TOKENS.match(one)]
        if "*" in values and len(values) > 1:
            found.append(Violation(f"{path}.{field}", "* stands for all: give it alone"))
    if "*" in cors.allow_origins and len(cors.allow_origins) > 1:
        found.append(Violation(f"{path}.allowOrigins", "* stands for all: give it alone"))
    if not 1 <= cors.max_age_seconds <= 2**31 - 1:
        found.append(Violation(f"{path}.maxAge", f"{cors.max_age_seconds} is out of range: use 1 or more seconds"))
    return found
