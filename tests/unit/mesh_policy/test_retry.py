from __future__ import annotations

from typing import Any

import pytest

from mesh_policy import retry
from mesh_policy.retry import Outcome
from mesh_policy.snapshot import Retry

DEFAULT = Retry()


@pytest.mark.parametrize(
    ("rule", "outcome", "again"),
    [
        (DEFAULT, Outcome(503, "ConnectFailure"), True),
        (DEFAULT, Outcome(502, "Reset"), True),
        (DEFAULT, Outcome(504, "Timeout"), True),
        (DEFAULT, Outcome(503), False),
        (DEFAULT, Outcome(200, grpc_status=14), False),
        (Retry(on=()), Outcome(503, "ConnectFailure"), False),
        (Retry(on=(), statuses=(503,)), Outcome(503, "ConnectFailure"), True),
        (Retry(statuses=(500, 503)), Outcome(503), True),
        (Retry(statuses=(500, 503)), Outcome(502), False),
        (Retry(grpc_statuses=(14,)), Outcome(200, grpc_status=14), True),
        (Retry(grpc_statuses=(14,)), Outcome(200, grpc_status=5), False),
        (Retry(grpc_statuses=(14,)), Outcome(200), False),
    ],
)
def test_what_is_wanted(rule: Retry, outcome: Outcome, again: bool) -> None:
    assert retry.wanted(rule, outcome) is again


@pytest.mark.parametrize(
    ("rule", "method", "headers", "safe"),
    [
        (DEFAULT, b"GET", (), True),
        (DEFAULT, b"DELETE", (), True),
        (DEFAULT, b"POST", (), False),
        (DEFAULT, b"PATCH", (), False),
        (DEFAULT, b"get", (), False),
        (DEFAULT, b"POST", ((b"Idempotency-Key", b"1"),), True),
        (Retry(methods=("POST",)), b"POST", (), True),
        (Retry(methods=("POST",)), b"GET", (), False),
        (Retry(methods=None), b"PATCH", (), True),
    ],
)
def test_what_is_safe(rule: Retry, method: bytes, headers: Any, safe: bool) -> None:
    assert retry.safe(rule, Outcome(503), method, headers) is safe


def test_what_was_never_sent_may_be_sent() -> None:
    assert retry.safe(DEFAULT, Outcome(503, "ConnectFailure"), b"POST", ())
    assert not retry.safe(DEFAULT, Outcome(502, "Reset"), b"POST", ())


def test_the_methods_of_the_default_are_the_idempotent_ones() -> None:
    assert {name.encode() for name in DEFAULT.methods or ()} == retry.IDEMPOTENT


def test_pauses_grow_up_to_a_limit_and_chance_shortens_them() -> None:
    rule = Retry(backoff_base_seconds=0.1, backoff_max_seconds=0.5)
    nearly_one = 1 - 2**-53
    assert [round(retry.pause(rule, number, nearly_one), 6) for number in (1, 2, 3, 4, 100)] == [
        0.1,
        0.2,
        0.4,
        0.5,
        0.5,
    ]
    assert retry.pause(rule, 3, 0.5) == pytest.approx(0.2)
    assert retry.pause(rule, 3, 0.0) == 0.0


def test_no_pause_is_shorter_than_the_minimum() -> None:
    rule = Retry(backoff_base_seconds=0.1, backoff_min_seconds=0.1, backoff_max_seconds=0.05)
    assert [retry.pause(rule, number, 0.0) for number in (1, 9)] == [0.1, 0.1]
    assert retry.pause(Retry(backoff_base_seconds=0.0), 9, 0.9) == 0.0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((), None),
        (((b"Grpc-Status", b"14"),), 14),
        (((b"grpc-status", b"0"),), 0),
        (((b"grpc-status", b"x"),), None),
        (((b"grpc-status", b"999999999"),), None),
        (((b"grpc-status", b"-1"),), None),
    ],
)
def test_the_status_of_grpc_in_a_head(headers: Any, status: int | None) -> None:
    assert retry.grpc_status(headers) == status


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (Retry(attempts=0), "attempts"),
        (Retry(attempts=101), "attempts"),
        (Retry(statuses=(200,)), "statuses"),
        (Retry(grpc_statuses=(0,)), "grpcStatuses"),
        (Retry(backoff_base_seconds=-1), "backoffBaseSeconds"),
        (Retry(backoff_min_seconds=1e9), "backoffMinSeconds"),
        (Retry(backoff_max_seconds=float("nan")), "backoffMaxSeconds"),
        (Retry(methods=()), "methods"),
    ],
)
def test_what_cannot_be_is_named(rule: Retry, field: str) -> None:
    assert [violation.path for violation in retry.check(rule, "retry")] == [f"retry.{field}"]


def test_what_can_be_passes() -> None:
    assert retry.check(None, "retry") == []
    assert retry.check(Retry(attempts=100, statuses=(400, 599), grpc_statuses=(1, 16), methods=None), "retry") == []
