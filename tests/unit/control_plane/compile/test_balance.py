"""Which endpoint gets a request."""

from __future__ import annotations

from control_plane.compile.balance import balance
from mesh_policy.snapshot import Balance, HashOn
from tests.support.policies import on_api, over_mesh


def test_the_default() -> None:
    assert balance(*over_mesh({})) == Balance()
    assert balance(*over_mesh({"loadBalancing": {"algorithm": "Random"}}, loadBalancing={})) == Balance()


def test_words_and_units() -> None:
    found = balance(*on_api(loadBalancing={"algorithm": "RoundRobin", "locality": "Prefer", "slowStart": "10s"}))
    assert found == Balance(algorithm="RoundRobin", prefer_zone=True, slow_start_seconds=10.0)


def test_what_is_hashed() -> None:
    def hashed(**on: object) -> HashOn | None:
        return balance(*on_api(loadBalancing={"algorithm": "ConsistentHash", "hash": on})).hash_on

    assert hashed(header="X-User") == HashOn(header="x-user")
    assert hashed(cookie="User") == HashOn(cookie="User")
    assert hashed(address=True) == HashOn(address=True)
