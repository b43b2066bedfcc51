"""gRPC calls as HTTP requests: what a method match is as a path, which of two matches goes first, and statuses.

Source: Gateway API, GRPCMethodMatch and GRPCRouteRule; gRPC over HTTP/2: the path of a call is `/SERVICE/METHOD`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from mesh_policy.request import Fields, joined_header
from mesh_policy.snapshot import PathMatch

StatusName = Literal[
    "Cancelled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
]
STATUS: dict[StatusName, int] = {name: number for number, name in enumerate(get_args(StatusName), start=1)}
"""Every status that is an error (gRPC, doc/statuscodes.md)."""
HTTP_STATUS = (499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401)
"""Of each of them in the same order: what says the same to other clients (google.rpc.Code)."""
UNAVAILABLE = 503
"""HTTP status that clients of gRPC read as UNAVAILABLE; 404 is UNIMPLEMENTED to them, 500 only UNKNOWN."""
_EXPRESSION_RANK = 1
"""An expression goes before nothing at all and after every exact name (the specification does not order them)."""


class Specificity(NamedTuple):
    """First part of a sort key; smaller goes first. Headers, age and names follow as for HTTPRoutes."""

    service: int
    """Negative number of characters."""
    method: int


def is_call(fields: Fields) -> bool:
    """Does a request speak gRPC? (`application/grpc`, `application/grpc+proto`; not grpc-web, which is plain HTTP.)"""
    kind = (joined_header(fields, b"content-type") or b"").lower()
    return kind == b"application/grpc" or kind.startswith((b"application/grpc+", b"application/grpc;"))


def http_status(status: int) -> int:
    """What says the same as a gRPC status, 1 to 16, to a client of HTTP."""
    return HTTP_STATUS[status - 1]


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
