"""Limits of a backend, with requests that hang at a gate: what is beyond is refused at once, or waits."""

from __future__ import annotations

from collections import Counter

import pytest

from mesh_policy.snapshot import Circuit
from tests.support.sidecar.access_log import logged
from tests.support.sidecar.applications import Reply
from tests.support.sidecar.pool import NATIVE, PORT, PORTS, ROUTED, Pool

BOTH_ENGINES = pytest.mark.parametrize("vip", [NATIVE, ROUTED], ids=["native", "python"])


def statuses(answers: list[Reply]) -> dict[int, int]:
    return dict(Counter(answer.status for answer in answers))


@BOTH_ENGINES
def test_requests_beyond_the_limit_are_refused(pool: Pool, vip: str) -> None:
    pool.apply(circuit=Circuit(max_requests=3))
    answers = pool.together(10, vip=vip)
    assert statuses(answers) == {200: 3, 503: 7}
    refused = [answer for answer in answers if answer.status == 503]
    assert all(answer.headers["x-mesh-error"] == "circuit-open" for answer in refused), refused
    assert all(not name.startswith("x-mesh-internal") for answer in answers for name in answer.headers)
    assert statuses([pool.ask(vip=vip) for _ in range(10)]) == {200: 10}  # one after the other they are few


def test_the_log_says_why(pool: Pool) -> None:
    pool.apply(circuit=Circuit(max_requests=1))
    with pool.hanging():
        assert pool.ask("/refused").status == 503
    assert logged(pool.mesh.web, "/refused", "outbound")["reason"] == "circuit-open"


def test_a_changed_limit_holds_for_the_next_request_without_a_reload(pool: Pool) -> None:
    pool.apply(circuit=Circuit(max_requests=1))
    process = pool.mesh.web.process("haproxy")
    for limit in (2, 5):
        pool.apply(circuit=Circuit(max_requests=limit))
        assert statuses(pool.together(8))[200] == limit
    pool.apply(circuit=None)
    assert statuses(pool.together(8)) == {200: 8}
    assert pool.mesh.web.process("haproxy") == process


@BOTH_ENGINES
def test_requests_wait_for_a_connection_and_only_so_many(pool: Pool, vip: str) -> None:
    """Three endpoints with one connection each; two more wait; three are refused."""
    pool.apply(circuit=Circuit(max_connections=3, max_pending=2))
    before = {port: len(seen.requests) for port, seen in pool.seen.items()}
    answers = pool.together(8, vip=vip, waiting=2)
    assert statuses(answers) == {200: 5, 503: 3}
    asked = {port: len(seen.requests) - before[port] for port, seen in pool.seen.items()}
    assert sum(asked.values()) == 5
    assert min(asked.values()) >= 1, asked


def test_changed_connections_hold_without_a_reload(pool: Pool) -> None:
    pool.apply(PORTS[:2], circuit=Circuit(max_connections=2, max_pending=0))
    process = pool.mesh.web.process("haproxy")
    assert statuses(pool.together(6)) == {200: 2, 503: 4}
    pool.apply(PORTS, circuit=Circuit(max_connections=6, max_pending=0))
    assert statuses(pool.together(8)) == {200: 6, 503: 2}
    assert pool.mesh.web.process("haproxy") == process


def test_connections_that_carry_bytes_are_limited_too(pool: Pool) -> None:
    pool.apply(protocol="tcp", circuit=Circuit(max_connections=3, max_pending=0))
    connections = [pool.mesh.web.connect((NATIVE, PORT)) for _ in range(5)]
    try:
        for connection in connections:
            connection.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        answered = 0
        for connection in connections:
            try:
                answered += bool(connection.recv(100))
            except ConnectionError:
                continue
        assert answered == 3
    finally:
        for connection in connections:
            connection.close()
