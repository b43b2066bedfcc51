"""gRPC calls as HTTP requests: what a method match is as a path, which of two matches goes first, and statuses.

Source: Gateway API, GRPCMethodMatch and GRPCRouteRule; gRPC over HTTP/2: the path of a call is `/SERVICE/METHOD`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from mesh_policy.request import Fields, header_values
from mesh_policy.snapshot import PathMatch

KIND = b"application/grpc"
"""Content type of calls and of their answers."""
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
OF_HTTP_STATUS = {400: 13, 401: 16, 403: 7, 404: 12, 408: 4, 429: 8, 502: 14, 503: 14, 504: 4}
"""What a client of gRPC is told where the mesh would answer others with this HTTP status; every other one: `UNKNOWN`.

gRPC's own table (doc/http-grpc-status-mapping.md) is what its clients make of an answer that does not speak gRPC, and
this one is the same but for what is known better here: a limit of time that has passed (408, 504) is DEADLINE_EXCEEDED
and not UNAVAILABLE, and a rate limit (429) is RESOURCE_EXHAUSTED, since clients take UNAVAILABLE for a wish to be asked
again at once.
"""
UNKNOWN = 2
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
    """Does a request speak gRPC?"""
    return any(is_kind(value) for value in header_values(fields, b"content-type"))


def is_kind(content_type: bytes) -> bool:
    """`application/grpc`, `application/grpc+proto`; not grpc-web, which is plain HTTP."""
    kind = content_type.lower()
    return kind == KIND or kind.startswith((KIND + b"+", KIND + b";"))


def http_status(status: int) -> int:
    """What says the same as a gRPC status, 1 to 16, to a client of HTTP."""
    return HTTP_STATUS[status - 1]


def status(http_status: int) -> int:
    """What a client of gRPC is told in the place of an HTTP status from 400 on."""
    return OF_HTTP_STATUS.get(http_status, UNKNOWN)


def message(reason: str) -> bytes:
    """`grpc-message` for a word of `x-mesh-error`: percent-encoded, as gRPC over HTTP/2 wants it."""
    return b"".join(b"%c" % one if _is_plain(one) else b"%%%02X" % one for one in f"mesh: {reason}".encode())


def _is_plain(one: int) -> bool:
    return 0x20 <= one <= 0x7E and one != 0x25


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
