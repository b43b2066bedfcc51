"""Which endpoint gets a request: shares by count, in a real HAProxy."""

from __future__ import annotations

import time

import pytest

from mesh_policy.snapshot import Balance, HashOn
from tests.support.sidecar.pool import NATIVE, PORTS, ROUTED, Pool

HASHED = Balance(algorithm="ConsistentHash", hash_on=HashOn(header="x-user"))


@pytest.mark.parametrize("algorithm", ["LeastRequest", "RoundRobin", "Random"])
def test_equal_endpoints_have_equal_shares(pool: Pool, algorithm: str) -> None:
    pool.apply(balance=Balance(algorithm=algorithm))  # type: ignore[arg-type]
    found = pool.count(900)
    # Random: a share is 300, and chance keeps it within five times 14; its ring is within 6 % of even.
    assert all(abs(found[port] - 300) < (95 if algorithm == "Random" else 10) for port in PORTS), found


def test_a_busy_endpoint_gets_less(pool: Pool) -> None:
    pool.apply(PORTS[:2], balance=Balance())
    with pool.hanging() as busy:
        found = pool.count(100)
    # Two draws name the busy one twice in a quarter of the cases; otherwise the idle one wins.
    assert found[busy] < 45, found


@pytest.mark.parametrize("vip", [NATIVE, ROUTED], ids=["native", "python"])
def test_a_hashed_header_always_finds_its_endpoint(pool: Pool, vip: str) -> None:
    pool.apply(balance=HASHED)
    homes = {user: pool.count(4, vip=vip, headers=f"x-user: {user}\r\n") for user in "abcdefghijkl"}
    assert all(len(found) == 1 for found in homes.values()), homes
    assert len({port for found in homes.values() for port in found}) == 3, homes


def test_users_stay_where_they_are_when_an_endpoint_goes(pool: Pool) -> None:
    """A third of them must move; nobody else does."""
    users = [f"user-{number}" for number in range(60)]
    pool.apply(balance=HASHED)
    before = {user: next(iter(pool.count(1, headers=f"x-user: {user}\r\n"))) for user in users}
    pool.apply(PORTS[:2], balance=HASHED)
    after = {user: next(iter(pool.count(1, headers=f"x-user: {user}\r\n"))) for user in users}
    moved = [user for user in users if before[user] != after[user]]
    assert {before[user] for user in moved} == {PORTS[2]}
    assert all(port != PORTS[2] for port in after.values())


def test_without_the_header_any_endpoint_answers(pool: Pool) -> None:
    pool.apply(balance=HASHED)
    assert all(share > 60 for share in pool.count(300).values())
    assert len(pool.count(30)) == 3


def test_a_hashed_cookie(pool: Pool) -> None:
    pool.apply(balance=Balance(algorithm="ConsistentHash", hash_on=HashOn(cookie="User")))
    assert len(pool.count(10, headers="cookie: a=b; User=ada\r\n")) == 1
    assert len(pool.count(30, headers="cookie: a=b; User=u{}\r\n")) == 3


def test_a_hashed_address_is_the_callers(pool: Pool) -> None:
    pool.apply(balance=Balance(algorithm="ConsistentHash", hash_on=HashOn(address=True)))
    assert len(pool.count(30)) == 1


def test_the_own_zone_as_long_as_it_has_an_endpoint(pool: Pool) -> None:
    pool.apply(zones="abb", balance=Balance(prefer_zone=True))
    assert set(pool.count(30)) == {PORTS[0]}
    pool.apply(PORTS[1:], zones="abb", balance=Balance(prefer_zone=True))
    assert set(pool.count(30)) == set(PORTS[1:])
    pool.apply(zones="abb", balance=Balance(prefer_zone=True))
    assert set(pool.count(30)) == {PORTS[0]}


def test_a_new_endpoint_starts_slowly_and_only_a_new_one(pool: Pool) -> None:
    slow = Balance(slow_start_seconds=600)
    pool.apply(PORTS[:2], balance=Balance(algorithm="RoundRobin"))
    pool.apply(PORTS[:2], balance=slow)  # another class: a reload, and what it finds is not new
    assert abs(pool.count(200)[PORTS[0]] - 100) < 10
    pool.apply(balance=slow)
    found = pool.count(340)
    assert 1 <= found[PORTS[2]] <= 40, found  # a seventeenth at first, of what was a third; by chance
    assert abs(found[PORTS[0]] - found[PORTS[1]]) < 40


def test_a_new_endpoint_has_its_whole_share_in_the_end(pool: Pool) -> None:
    balance = Balance(slow_start_seconds=1)
    pool.apply(PORTS[:2], balance=balance)
    pool.apply(balance=balance)
    deadline = time.monotonic() + 10
    shares: list[int] = []
    while time.monotonic() < deadline and (not shares or abs(shares[-1] - 60) > 5):
        shares.append(pool.count(180)[PORTS[2]])
    assert abs(shares[-1] - 60) <= 5, shares
