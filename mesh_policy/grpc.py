"""gRPC calls as HTTP requests: what a method match is as a path, and which of two matches goes first.

Source: Gateway API, GRPCMethodMatch and GRPCRouteRule; gRPC over HTTP/2: the path of a call is `/SERVICE/METHOD`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from mesh_policy.snapshot import PathMatch

UNAVAILABLE = 503
"""HTTP status that clients of gRPC read as UNAVAILABLE; 404 is UNIMPLEMENTED to them, 500 only UNKNOWN."""
_EXPRESSION_RANK = 1
"""An expression goes before nothing at all and after every exact name (the specification does not order them)."""


class Specificity(NamedTuple):
    """First part of a sort key; smaller goes first. Headers, age and names follow as for HTTPRoutes."""

    service: int
    """Negative number of characters."""
    method: int


def path_match(kind: Literal["Exact", "RegularExpression"], service: str | None, method: str | None) -> PathMatch:
    """The path that calls have. None: any service, any method. Expressions match the whole name."""
    if service is None and method is None:
        return PathMatch()
    if kind == "Exact" and service is not None:
        return PathMatch(type="Exact", value=f"/{service}/{method}") if method else PathMatch(value=f"/{service}")
    parts = [_part(kind, one) for one in (service, method)]
    return PathMatch(type="RegularExpression", value="/" + "/".join(parts))


def _part(kind: str, name: str | None) -> str:
    if name is None:
        return "[^/]+"
    return f"(?:{name})" if kind == "RegularExpression" else name


def specificity(kind: Literal["Exact", "RegularExpression"], service: str | None, method: str | None) -> Specificity:
    """Most characters of the service first, then of the method."""
    return Specificity(*(-_rank(kind, one) for one in (service, method)))


def _rank(kind: str, name: str | None) -> int:
    if name is None:
        return 0
    return _EXPRESSION_RANK if kind == "RegularExpression" else _EXPRESSION_RANK + len(name)
