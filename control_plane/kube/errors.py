"""What can go wrong at the Kubernetes API, by what one can do about it.

    KubeError
    ├── Unavailable     no answer, or 5xx, or 429: try again later
    ├── Unauthorized    401: our own credentials
    ├── Forbidden       403: our RBAC
    ├── NotFound        404: the object, or its kind
    ├── Conflict        409: somebody was faster; read again
    ├── Gone            410: the resourceVersion is too old; list again
    └── Rejected        any other 4xx: what we sent is not right

Messages are the API server's, cut, and only where it answered with a `Status`: a body may hold anything.
"""

# ruff: noqa: N818 - these read as the sentence "raise Gone"; the root says that they are errors

from __future__ import annotations

import msgspec

MAX_MESSAGE = 256


class KubeError(Exception):
    """A call that did not succeed."""

    def __init__(self, what: str, status: int = 0, message: str = "") -> None:
        super().__init__(f"{what}: {f'{status} ' if status else ''}{message}".rstrip(": "))
        self.status = status


class Unavailable(KubeError):
    """No usable answer; worth another try."""


class Unauthorized(KubeError):
    """401."""


class Forbidden(KubeError):
    """403."""


class NotFound(KubeError):
    """404."""


class Conflict(KubeError):
    """409."""


class Gone(KubeError):
    """410."""


class Rejected(KubeError):
    """Another 4xx."""


_BY_STATUS: dict[int, type[KubeError]] = {401: Unauthorized, 403: Forbidden, 404: NotFound, 409: Conflict, 410: Gone}


class _Status(msgspec.Struct, frozen=True):
    kind: str = ""
    message: str = ""
    code: int = 0


_decoder = msgspec.json.Decoder(_Status)


def error_of(what: str, status: int, body: bytes) -> KubeError:
    """The error for an answer of the API server."""
    kind = _BY_STATUS.get(status, Unavailable if status >= 500 or status == 429 else Rejected)
    return kind(what, status, _message(body))


def error_of_event(what: str, body: bytes | msgspec.Raw) -> KubeError:
    """The error for an ERROR event of a watch."""
    try:
        status = _decoder.decode(body)
    except msgspec.MsgspecError:
        return Unavailable(what, 0, "an ERROR event that cannot be read")
    return error_of(what, status.code, bytes(body))


def _message(body: bytes) -> str:
    try:
        status = _decoder.decode(body)
    except msgspec.MsgspecError:
        return ""
    return status.message[:MAX_MESSAGE] if status.kind == "Status" else ""
