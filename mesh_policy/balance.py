"""What a snapshot may say about the choice of an endpoint. The engine makes the choice; here is only what is legal."""

from __future__ import annotations

import re

from mesh_policy.errors import Violation
from mesh_policy.snapshot import Balance, HashOn

MAX_SLOW_START_SECONDS = 3600.0

_HEADER = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}\Z")
_COOKIE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
"""Narrower than RFC 6265's token: what every engine can be given without quotes."""


def check(balance: Balance, path: str) -> list[Violation]:
    """What is wrong with it; nothing: it can be used."""
    found: list[Violation] = []
    hashes = balance.algorithm == "ConsistentHash"
    if hashes and balance.hash_on is None:
        found.append(Violation(f"{path}.hashOn", "ConsistentHash needs a header, a cookie or the address to hash"))
    if not hashes and balance.hash_on is not None:
        found.append(
            Violation(f"{path}.hashOn", f"only ConsistentHash hashes, and the algorithm is {balance.algorithm}")
        )
    if balance.hash_on is not None:
        found += _check_hash(balance.hash_on, f"{path}.hashOn")
    if not 0.0 <= balance.slow_start_seconds <= MAX_SLOW_START_SECONDS:
        found.append(Violation(f"{path}.slowStartSeconds", f"use 0 to {MAX_SLOW_START_SECONDS:.0f} seconds"))
    return found


def _check_hash(hash_on: HashOn, path: str) -> list[Violation]:
    found: list[Violation] = []
    if (hash_on.header is not None) + (hash_on.cookie is not None) + hash_on.address != 1:
        found.append(Violation(path, "give exactly one of header, cookie and address"))
    if hash_on.header is not None and not _HEADER.match(hash_on.header):
        found.append(Violation(f"{path}.header", f"{hash_on.header!r}: use a-z, 0-9, '.', '_' and '-' only"))
    if hash_on.cookie is not None and not _COOKIE.match(hash_on.cookie):
        found.append(Violation(f"{path}.cookie", f"{hash_on.cookie!r}: use letters, digits, '.', '_' and '-' only"))
    return found
