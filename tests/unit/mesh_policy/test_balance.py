from __future__ import annotations

import pytest

from mesh_policy.balance import check
from mesh_policy.snapshot import Balance, HashOn


@pytest.mark.parametrize(
    "good",
    [
        Balance(),
        Balance(algorithm="RoundRobin", prefer_zone=True, slow_start_seconds=3600),
        Balance(algorithm="ConsistentHash", hash_on=HashOn(header="x-user")),
        Balance(algorithm="ConsistentHash", hash_on=HashOn(cookie="Session.id")),
        Balance(algorithm="ConsistentHash", hash_on=HashOn(address=True)),
    ],
)
def test_what_can_be_done(good: Balance) -> None:
    assert check(good, "b") == []


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        (Balance(algorithm="ConsistentHash"), "b.hashOn"),
        (Balance(hash_on=HashOn(address=True)), "b.hashOn"),
        (Balance(algorithm="ConsistentHash", hash_on=HashOn()), "b.hashOn"),
        (Balance(algorithm="ConsistentHash", hash_on=HashOn(header="a", cookie="b")), "b.hashOn"),
        (Balance(algorithm="ConsistentHash", hash_on=HashOn(header="X-User")), "b.hashOn.header"),
        (Balance(algorithm="ConsistentHash", hash_on=HashOn(header="a) b")), "b.hashOn.header"),
        (Balance(algorithm="ConsistentHash", hash_on=HashOn(cookie="a,b")), "b.hashOn.cookie"),
        (Balance(algorithm="ConsistentHash", hash_on=HashOn(cookie="")), "b.hashOn.cookie"),
        (Balance(slow_start_seconds=-1), "b.slowStartSeconds"),
        (Balance(slow_start_seconds=3601), "b.slowStartSeconds"),
        (Balance(slow_start_seconds=float("nan")), "b.slowStartSeconds"),
    ],
)
def test_what_makes_no_sense_is_refused(bad: Balance, path: str) -> None:
    assert [violation.path for violation in check(bad, "b")] == [path]
