"""`loadBalancing`: which endpoint of a Service gets a request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from control_plane.kinds import checks
from control_plane.kinds.meta import Strict
from mesh_policy.errors import Violation

Algorithm = Literal["LeastRequest", "RoundRobin", "Random", "ConsistentHash"]


class HashSpec(Strict, frozen=True, kw_only=True):
    """What of a request chooses its endpoint; exactly one is given."""

    header: str | None = None
    cookie: str | None = None
    address: bool = False
    """The client's."""


class BalanceSpec(Strict, frozen=True, kw_only=True):
    """`loadBalancing`."""

    algorithm: Algorithm = "LeastRequest"
    hash: HashSpec | None = None
    """With ConsistentHash, and only then."""
    locality: Literal["Any", "Prefer"] = "Any"
    """`Prefer`: endpoints of the client's zone, as long as one of them is ready."""
    slow_start: str = "0s"
    """How long a new endpoint's share grows. `0s`: it has its whole share at once."""


def violations(at: str, balance: BalanceSpec | None) -> Iterator[Violation]:
    """What is malformed."""
    if balance is None:
        return
    yield from checks.duration(f"{at}.slowStart", balance.slow_start, "1ms", "1h", "none")
    if balance.hash is None:
        if balance.algorithm == "ConsistentHash":
            yield Violation(f"{at}.hash", "is missing: ConsistentHash needs a header, a cookie, or address: true")
        return
    if balance.algorithm != "ConsistentHash":
        yield Violation(f"{at}.hash", f"has no meaning with {balance.algorithm}: use algorithm ConsistentHash")
    given = balance.hash
    if sum((given.header is not None, given.cookie is not None, given.address)) != 1:
        yield Violation(f"{at}.hash", "give exactly one of header, cookie and address")
    if given.header is not None:
        yield from checks.native_name(f"{at}.hash.header", given.header)
    if given.cookie is not None:
        yield from checks.native_name(f"{at}.hash.cookie", given.cookie)
