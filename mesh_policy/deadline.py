"""How much time is left, told to the next hop: `x-mesh-timeout-ms`, and `grpc-timeout` for calls of gRPC.

Source of the latter: gRPC over HTTP/2, Timeout: at most 8 digits and a unit.
"""

from __future__ import annotations

import re

from mesh_policy import grpc
from mesh_policy.request import Fields, header_values

HEADER = b"x-mesh-timeout-ms"
"""Whole milliseconds that are left of the attempt, at least 1. There is one only where a limit is set."""
_CALL = b"grpc-timeout"
_VALUE = re.compile(rb"([0-9]{1,8})([HMSmun])\Z")
_SECONDS = {b"H": 3600.0, b"M": 60.0, b"S": 1.0, b"m": 1e-3, b"u": 1e-6, b"n": 1e-9}


def given(fields: Fields) -> float | None:
    """Seconds that the client of gRPC gives itself. None: no limit, or none that can be read."""
    values = header_values(fields, _CALL)
    found = _VALUE.match(values[0]) if len(values) == 1 else None
    return None if found is None else int(found[1]) * _SECONDS[found[2]]


def show(fields: Fields, left: float | None, elapsed: float = 0.0) -> Fields:
    """The request's fields with what is left of its time.

    Args:
        left: seconds of the attempt; None: the rule sets no limit.
        elapsed: seconds since the client sent the request: a retry must not promise the client's whole time again.
    """
    own = given(fields)
    if left is None and (own is None or elapsed <= 0):
        return fields
    kept = tuple(field for field in fields if field[0].lower() != HEADER)
    if left is not None:
        kept = (*kept, (HEADER, b"%d" % _milliseconds(left)))
    if own is None and not grpc.is_call(fields):
        return kept
    limits = [one for one in (left, None if own is None else own - elapsed) if one is not None]
    rest = tuple(field for field in kept if field[0].lower() != _CALL)
    return (*rest, (_CALL, _call_value(min(limits))))


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _call_value(seconds: float) -> bytes:
    milliseconds = _milliseconds(seconds)
    return b"%dm" % milliseconds if milliseconds < 10**8 else b"%dS" % min(milliseconds // 1000, 10**8 - 1)
