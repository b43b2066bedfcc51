from __future__ import annotations

import pytest

from mesh_policy import deadline
from mesh_policy.request import Fields

CALL = (b"content-type", b"application/grpc+proto")
HOST = (b"host", b"api")


def timeout(value: bytes) -> tuple[bytes, bytes]:
    return b"grpc-timeout", value


@pytest.mark.parametrize(
    ("fields", "left", "elapsed", "shown"),
    [
        ((HOST,), None, 0.0, ()),
        ((HOST,), None, 1.0, ()),
        ((HOST,), 1.5, 0.0, ((b"x-mesh-timeout-ms", b"1500"),)),
        ((HOST,), 0.0001, 0.0, ((b"x-mesh-timeout-ms", b"1"),)),
        ((HOST,), -3.0, 0.0, ((b"x-mesh-timeout-ms", b"1"),)),
        ((HOST, (b"X-Mesh-Timeout-Ms", b"99")), 1.0, 0.0, ((b"x-mesh-timeout-ms", b"1000"),)),
        ((HOST, CALL), 1.5, 0.0, (CALL, (b"x-mesh-timeout-ms", b"1500"), timeout(b"1500m"))),
        ((HOST, CALL, timeout(b"1S")), 1.5, 0.0, (CALL, (b"x-mesh-timeout-ms", b"1500"), timeout(b"1000m"))),
        ((HOST, CALL, timeout(b"1H")), 1.5, 0.0, (CALL, (b"x-mesh-timeout-ms", b"1500"), timeout(b"1500m"))),
        ((HOST, CALL, timeout(b"1S")), None, 0.0, (CALL, timeout(b"1S"))),
        ((HOST, CALL, timeout(b"1S")), None, 0.25, (CALL, timeout(b"750m"))),
        ((HOST, CALL, timeout(b"1S")), None, 5.0, (CALL, timeout(b"1m"))),
        ((HOST, CALL, timeout(b"99999999H")), None, 1.0, (CALL, timeout(b"99999999S"))),
    ],
)
def test_what_the_next_hop_is_told(fields: Fields, left: float | None, elapsed: float, shown: Fields) -> None:
    assert deadline.show(fields, left, elapsed) == (HOST, *shown)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"2H", 7200.0),
        (b"3M", 180.0),
        (b"250m", 0.25),
        (b"1u", 1e-6),
        (b"5n", 5e-9),
        (b"123456789m", None),
        (b"m", None),
        (b"5 m", None),
        (b"-5m", None),
    ],
)
def test_the_clients_own_limit(value: bytes, seconds: float | None) -> None:
    assert deadline.given((timeout(value),)) == (None if seconds is None else pytest.approx(seconds))


def test_two_limits_are_none() -> None:
    assert deadline.given((timeout(b"1S"), timeout(b"2S"))) is None
