"""How much callers may ask: token buckets, exact and without a counter for the refused.

A bucket is one number, the time at which it is full again (the generic cell rate algorithm): a request moves it by one
interval, and is refused when it lies further ahead than the bucket is deep. It is kept in a stick table as 32 bits of a
clock that is coarse enough never to run over, per caller, and forgotten when the bucket has long been full. A process
that is replaced hands its buckets on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import batched
from math import ceil

from mesh_policy.errors import InvalidConfig, Violation
from mesh_policy.snapshot import Inbound, RateLimit
from proxy.engine.haproxy import grpc
from proxy.engine.haproxy.base import STICK_COUNTERS, TABLE_HANDOVER
from proxy.engine.haproxy.quoting import header_name, word

MAX_BUCKETS = 10_000
"""Of one limit: some 2 MB. The one that was used longest ago gives way, and begins full when it comes back."""
MAX_EXPIRE_SECONDS = 2_000_000
"""23 days; HAProxy's times end at 24."""
MAX_WORDS = 32
"""Ports in a line."""
_RANGE = 2**32
_HORIZON = 2**30
"""Ticks that a bucket may lie ahead."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """The numbers of a limit, in ticks of `tick_us` microseconds."""

    tick_us: int
    interval: int
    """Between two requests at the long-run rate."""
    depth: int
    """How far the bucket may lie ahead when a request comes: all at once are one more than this holds intervals."""

    @property
    def expire_seconds(self) -> int:
        """A bucket that nobody asked for so long is full, unless that takes longer than HAProxy can keep it."""
        return min(ceil((self.depth + self.interval) * self.tick_us / 1e6) + 1, MAX_EXPIRE_SECONDS)


def bucket(limit: RateLimit) -> Bucket:
    """`requests` per `per_seconds` in the long run; after a silence `requests` and `burst` at once."""
    interval_us = limit.per_seconds * 1e6 / limit.requests
    at_once = limit.requests + limit.burst
    tick_us = max(1, ceil(interval_us * (at_once + 1) / _HORIZON))
    interval = max(1, round(interval_us / tick_us))
    return Bucket(tick_us, interval, (at_once - 1) * interval)


def slots(limits: tuple[RateLimit, ...]) -> list[int]:
    """Which of HAProxy's counters each limit uses: limits that no request can both meet may share one."""
    found: list[int] = []
    for i, limit in enumerate(limits):
        taken = {found[j] for j in range(i) if _meet(limits[j], limit)}
        found.append(min(set(range(i + 1)) - taken))
    return found


def _meet(one: RateLimit, other: RateLimit) -> bool:
    return not one.ports or not other.ports or bool(set(one.ports) & set(other.ports))


def tables(limits: tuple[RateLimit, ...]) -> str:
    """The buckets, by a hash of who asks: a key has one length, however long a name or a header is."""
    return "".join(
        f"\nbackend {_table(limit)} from d-base\n"
        f"  stick-table type binary len 32 size {16 if limit.by == 'Workload' else MAX_BUCKETS} "
        f"expire {bucket(limit).expire_seconds}s store gpt(1) {TABLE_HANDOVER}\n"
        for limit in limits
    )


def _table(limit: RateLimit) -> str:
    """Buckets are handed on by this name: to the same limit, with the same numbers."""
    text = "\n".join((limit.name, repr(bucket(limit)), limit.by, limit.header or ""))
    return f"rate_{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def rules(inbound: Inbound) -> str:
    """For the inbound frontends, after authorization. All limits are asked before any of them counts the request.

    Raises:
        InvalidConfig: more limits meet on one port than a request has counters.
    """
    limits = inbound.rate_limits
    if not limits:
        return ""
    used = slots(limits)
    if max(used) >= STICK_COUNTERS:
        raise InvalidConfig((Violation("inbound.rateLimits", f"a port has more than {STICK_COUNTERS} limits"),))
    refusal = (
        "  http-request return status 429 content-type text/plain hdr x-mesh-error rate-limited"
        f" hdr retry-after %[var(txn.rate_wait)] {grpc.text('too many requests')}"
        " if { var(txn.rate_wait) -m found }\n"
    )
    where = "".join(_where(i, limit) for i, limit in enumerate(limits))
    asked = "".join(_ask(i, limit, used[i]) for i, limit in enumerate(limits))
    counted = "".join(_count(i, limit, used[i]) for i, limit in enumerate(limits))
    return where + asked + refusal + counted


def _ask(i: int, limit: RateLimit, slot: int) -> str:
    """`txn.rate_I`: how far the bucket lies ahead. What is further than it can be is a clock that was set back."""
    numbers, on = bucket(limit), _on(i, limit)
    ahead, over = f"txn.rate_{i}", f"{{ var(txn.rate_{i}),sub({numbers.depth}) -m int gt 0 }}"
    fresh = f"{{ sc_get_gpt(0,{slot}) eq 0 }}"
    set_back = f"{{ var({ahead}),sub({numbers.depth + numbers.interval}) -m int gt 0 }}"
    first = f"{on or ' if'} !{{ var(txn.rate_wait) -m found }} {over}"
    lines = [
        *_key(limit),
        f"track-sc{slot} var(txn.rate_key),sha2(256) table {_table(limit)}{on}",
        f"set-var(txn.rate_now_{i}) date(0,us),div({numbers.tick_us}){on}",
        f"set-var({ahead}) sc_get_gpt(0,{slot}),sub(txn.rate_now_{i}),and({_RANGE - 1}){on}",
        f"set-var({ahead}) int(0){on or ' if'} {fresh}",
        f"set-var({ahead}) int(0){on or ' if'} {set_back}",
        f"set-var(txn.reason) str({word(limit.name)}){first}",
        f"set-var(txn.rate_wait) var({ahead}),sub({numbers.depth}),mul({numbers.tick_us}),add(999999),div(1000000)"
        f"{first}",
    ]
    return "".join(f"  http-request {line}\n" for line in lines)


def _count(i: int, limit: RateLimit, slot: int) -> str:
    numbers = bucket(limit)
    moved = f"var(txn.rate_{i}),add({numbers.interval}),add(txn.rate_now_{i}),and({_RANGE - 1})"
    return f"  http-request sc-set-gpt(0,{slot}) {moved}{_on(i, limit)}\n"


def _key(limit: RateLimit) -> list[str]:
    """Who asks. Those without what is asked for share one bucket, which nobody can name."""
    lines = ["set-var(txn.rate_key) str(-)"]
    if limit.by == "Caller":
        lines.append("set-var(txn.rate_key) var(sess.peer) if has_peer")
    elif limit.by == "Header":
        name = header_name(limit.header or "")
        lines.append(f"set-var-fmt(txn.rate_key) =%[req.fhdr({name})] if {{ req.fhdr({name}) -m found }}")
    return lines


def _where(i: int, limit: RateLimit) -> str:
    """The ports, in lines that HAProxy can read: it takes 64 words. Lines of one name are joined by or."""
    return "".join(
        f"  acl rate_port_{i} var(sess.port) -m int {' '.join(map(str, ports))}\n"
        for ports in batched(limit.ports, MAX_WORDS, strict=False)
    )


def _on(i: int, limit: RateLimit) -> str:
    return f" if rate_port_{i}" if limit.ports else ""
