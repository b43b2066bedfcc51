"""The return leg and a session's endpoint, asked as the worker asks it; then a client with its cookie."""

from __future__ import annotations

import socket

import pytest

from mesh_policy.snapshot import Balance, Session
from tests.support.sidecar.applications import Reply, exchange, get
from tests.support.sidecar.pool import IP, NAME, NATIVE, PORTS, ROUTED, Pool

SESSION = {"session": Session(name="s")}


def as_worker(pool: Pool, pin: str | None) -> Reply:
    """One request on a connection of its own to the return socket."""
    lines = f"x-mesh-internal-frontend: {NAME}\r\nx-mesh-internal-backend: {NAME}\r\nx-mesh-internal-version: 1\r\n"
    lines += f"x-mesh-internal-session: {pin}\r\n" if pin else ""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(pool.mesh.web.run_dir / "return.sock"))
        return exchange(connection, get("/", headers=lines))


@pytest.mark.parametrize("port", PORTS)
def test_a_session_goes_to_its_endpoint(pool: Pool, port: int) -> None:
    pool.apply(rule=SESSION)
    answers = [as_worker(pool, f"{IP}:{port}") for _ in range(10)]
    assert {answer.headers["x-app"] for answer in answers} == {str(port)}
    assert {answer.headers["x-mesh-internal-endpoint"] for answer in answers} == {f"{IP}:{port}"}


def test_without_a_session_any_endpoint(pool: Pool) -> None:
    pool.apply(rule=SESSION)
    assert len({as_worker(pool, None).headers["x-app"] for _ in range(30)}) == 3


@pytest.mark.parametrize("pin", [f"{IP}:7999", "10.0.0.1:80", "x", "h1:shop:api:8080|10.77.0.11:8080", "a b"])
def test_an_endpoint_that_is_not_of_the_backend_is_passed_over(pool: Pool, pin: str) -> None:
    pool.apply(rule=SESSION)
    answers = [as_worker(pool, pin) for _ in range(12)]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.headers["x-app"] for answer in answers}) > 1


def test_a_new_endpoint_can_be_pinned_and_one_that_went_is_passed_over(pool: Pool) -> None:
    pool.apply(PORTS[:2], rule=SESSION)
    process = pool.mesh.web.process("haproxy")
    pool.apply(rule=SESSION)
    assert {as_worker(pool, f"{IP}:{PORTS[2]}").headers["x-app"] for _ in range(10)} == {str(PORTS[2])}
    pool.apply(PORTS[:2], rule=SESSION)
    assert {as_worker(pool, f"{IP}:{PORTS[2]}").headers["x-app"] for _ in range(20)} == {str(one) for one in PORTS[:2]}
    assert pool.mesh.web.process("haproxy") == process


def test_a_session_is_stronger_than_zones_and_hashes(pool: Pool) -> None:
    pool.apply(zones="abb", balance=Balance(prefer_zone=True), rule=SESSION)
    assert {as_worker(pool, f"{IP}:{PORTS[1]}").headers["x-app"] for _ in range(10)} == {str(PORTS[1])}


def test_the_application_cannot_pin(pool: Pool) -> None:
    pool.apply(rule=SESSION)
    assert len(pool.count(30, vip=NATIVE, headers=f"x-mesh-internal-session: {IP}:{PORTS[0]}\r\n")) == 3


def client(pool: Pool, cookie: str = "") -> Reply:
    """One request of an application, through its sidecar."""
    return pool.ask(vip=ROUTED, headers=f"cookie: a=b; {cookie}\r\n" if cookie else "")


def cookie_of(answer: Reply) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


def test_a_client_comes_back_to_the_endpoint_that_it_was_at(pool: Pool) -> None:
    pool.apply(rule=SESSION)
    clients = [client(pool) for _ in range(9)]
    assert len({first.headers["x-app"] for first in clients}) == 3
    for first in clients:
        again = [client(pool, cookie_of(first)) for _ in range(4)]
        assert {answer.headers["x-app"] for answer in again} == {first.headers["x-app"]}
        assert all("set-cookie" not in answer.headers for answer in again)


def test_a_client_whose_endpoint_went_gets_another_one_for_good(pool: Pool) -> None:
    pool.apply(rule=SESSION)
    lost = next(first for first in iter(lambda: client(pool), None) if first.headers["x-app"] == str(PORTS[2]))
    pool.apply(PORTS[:2], rule=SESSION)
    moved = client(pool, cookie_of(lost))
    assert moved.headers["x-app"] != str(PORTS[2])
    pool.apply(rule=SESSION)
    again = [client(pool, cookie_of(moved)) for _ in range(6)]
    assert {answer.headers["x-app"] for answer in again} == {moved.headers["x-app"]}
