"""Which failed attempts are followed by another one, and after which pause.

Source: Gateway API, HTTPRouteRetry (GEP-1731), and RFC 9110 section 9.2.2 for what is safe. The budget of the
destination comes on top (mesh_policy.retry_budget).
"""

from __future__ import annotations

from typing import NamedTuple

from mesh_policy import grpc
from mesh_policy.errors import Violation
from mesh_policy.request import Fields, header_values
from mesh_policy.snapshot import Failure, Retry

MAX_ATTEMPTS = 100
MAX_PAUSE_SECONDS = 3600.0
IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))
"""RFC 9110 9.2.2: sent twice they do what they do once."""
KEY = b"idempotency-key"
"""A header by which the server itself finds requests that it has done already; any method may then be sent twice."""


class Outcome(NamedTuple):
    """How an attempt ended, as known with the head of its answer: nothing of it has been passed on."""

    status: int
    """Of the answer, or what the client would get in its place."""
    failure: Failure | None = None
    """Why there is no answer of a server. None: there is one, or sending the request again would not help."""
    grpc_status: int | None = None
    """Of an answer that consists of a head alone; of any other failure, what a client of gRPC makes of it. None: there
    is no such status, or the client does not speak gRPC."""


def outcome(status: int, failure: Failure | None = None, fields: Fields = (), *, call: bool = False) -> Outcome:
    """How an attempt ended.

    Args:
        fields: of the answer's head, if there is one.
        call: the client speaks gRPC.
    """
    told = grpc_status(fields)
    return Outcome(status, failure, grpc.status(status) if told is None and call and status >= 400 else told)


def grpc_status(fields: Fields) -> int | None:
    """`grpc-status` in the head of an answer: it has no body then (gRPC over HTTP/2, Trailers-Only)."""
    values = header_values(fields, b"grpc-status")
    return int(values[0]) if values and values[0].isdigit() and len(values[0]) <= 2 else None


def wanted(retry: Retry, outcome: Outcome) -> bool:
    """The rule wants another attempt after such an outcome."""
    return (
        outcome.failure in retry.on
        or outcome.status in retry.statuses
        or (outcome.grpc_status is not None and outcome.grpc_status in retry.grpc_statuses)
    )


def safe(retry: Retry, outcome: Outcome, method: bytes, fields: Fields) -> bool:
    """The request may be sent again. Where no endpoint could be reached nothing was sent, whatever the method is."""
    if retry.methods is None or outcome.failure == "ConnectFailure":
        return True
    return method.decode("latin-1") in retry.methods or bool(header_values(fields, KEY))


def pause(retry: Retry, number: int, draw: float) -> float:
    """Seconds before retry `number` (1 is the first), with full jitter.

    Args:
        draw: a random number in [0, 1).
    """
    grown = retry.backoff_base_seconds * 2.0 ** (number - 1)
    return max(retry.backoff_min_seconds, draw * min(grown, retry.backoff_max_seconds))


def check(retry: Retry | None, path: str) -> list[Violation]:
    """What types cannot say."""
    if retry is None:
        return []
    found: list[Violation] = []
    if not 1 <= retry.attempts <= MAX_ATTEMPTS:
        found.append(Violation(f"{path}.attempts", f"{retry.attempts} is not between 1 and {MAX_ATTEMPTS}"))
    for field, values, low, high in (
        ("statuses", retry.statuses, 400, 599),
        ("grpcStatuses", retry.grpc_statuses, 1, 16),
    ):
        found += [
            Violation(f"{path}.{field}", f"{one} is not between {low} and {high}")
            for one in values
            if not low <= one <= high
        ]
    pauses = {
        "backoffBaseSeconds": retry.backoff_base_seconds,
        "backoffMinSeconds": retry.backoff_min_seconds,
        "backoffMaxSeconds": retry.backoff_max_seconds,
    }
    found += [
        Violation(f"{path}.{field}", f"{seconds:g} is not between 0 and {MAX_PAUSE_SECONDS:g}")
        for field, seconds in pauses.items()
        if not 0 <= seconds <= MAX_PAUSE_SECONDS
    ]
    if retry.methods is not None and not retry.methods:
        found.append(Violation(f"{path}.methods", "is empty: no request could ever be sent again; leave the retry out"))
    return found
