"""Acks of sidecars are cut to what may be kept."""

from __future__ import annotations

import json

import msgspec
import pytest

from control_plane.serve.acks import MAX_TEXT, MAX_VIOLATIONS, read_ack

VERSION = "sha256:0123456789abcdef"


def test_an_ack_is_read() -> None:
    ack = read_ack(("shop", "web-1"), json.dumps({"version": VERSION, "accepted": True}).encode())
    assert (ack.pod, ack.version, ack.accepted, ack.violations) == ("shop/web-1", VERSION, True, ())


def test_a_nack_keeps_what_fits() -> None:
    violations = [{"path": "p" * 9999, "message": "m" * 9999}] * 99
    ack = read_ack(("a", "b"), json.dumps({"version": VERSION, "accepted": False, "violations": violations}).encode())
    assert len(ack.violations) == MAX_VIOLATIONS
    assert len(ack.violations[0].path) == len(ack.violations[0].message) == MAX_TEXT


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"version":"1","accepted":true}',
        b'{"version":"sha256:1"}',
        b'{"version":"sha256:1","accepted":"yes"}',
    ],
)
def test_what_is_no_ack(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_ack(("a", "b"), body)


def test_what_a_sidecar_does_not_know_is_told_to_other_replicas_only_where_there_is_something() -> None:
    body = json.dumps({"version": VERSION, "accepted": True}).encode()
    assert read_ack(("a", "b"), body, frozenset({"B.y", "A.x"})).unknown == ("A.x", "B.y")
    assert b"unknown" not in msgspec.json.encode(read_ack(("a", "b"), body))
