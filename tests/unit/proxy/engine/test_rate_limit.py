"""Buckets as numbers, and a HAProxy in a few lines that does with them what the rules say."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mesh_policy.errors import InvalidConfig
from mesh_policy.rate_limit import check
from mesh_policy.snapshot import Inbound, RateLimit
from proxy.engine.haproxy.rate_limit import MAX_EXPIRE_SECONDS, Bucket, bucket, rules, slots, tables
from proxy.engine.haproxy.render import render
from tests.support.sidecar.snapshots import PLACE, STRICT

LIMITS = st.builds(
    RateLimit,
    name=st.just("shop/api"),
    requests=st.integers(1, 1_000_000),
    per_seconds=st.floats(0.001, 86_400),
    burst=st.integers(0, 1_000_000),
).filter(lambda limit: not check(limit, ""))


@given(LIMITS)
def test_the_long_run_rate_is_right_and_the_clock_does_not_run_over(limit: RateLimit) -> None:
    """Up to 50,000 a second, more than a sidecar carries: beyond, the clock is too coarse."""
    assume(limit.requests / limit.per_seconds <= 50_000)
    found = bucket(limit)
    seconds = found.interval * found.tick_us * limit.requests / 1e6
    assert abs(seconds / limit.per_seconds - 1) < 0.03
    assert found.depth + found.interval < 2**31
    # What has expired was full.
    full = (found.depth + found.interval) * found.tick_us / 1e6
    assert full < found.expire_seconds <= MAX_EXPIRE_SECONDS or found.expire_seconds == MAX_EXPIRE_SECONDS


class Table:
    """One bucket as the stick table has it: 32 bits, absent at first."""

    def __init__(self, numbers: Bucket) -> None:
        self.numbers, self.stored = numbers, 0

    def asks(self, now_us: int) -> int:
        """Whole seconds to wait; 0: taken."""
        now = now_us // self.numbers.tick_us
        ahead = (self.stored - now) & 0xFFFFFFFF
        if self.stored == 0 or ahead > self.numbers.depth + self.numbers.interval:
            ahead = 0
        if ahead > self.numbers.depth:
            return ((ahead - self.numbers.depth) * self.numbers.tick_us + 999999) // 1000000
        self.stored = (ahead + self.numbers.interval + now) & 0xFFFFFFFF
        return 0


START = 1_790_000_000_000_000
"""Microseconds since 1970, with a remainder by 2**32 that 71 minutes run over."""


@pytest.mark.parametrize("limit", [RateLimit(name="a/b", requests=5, burst=2), RateLimit(name="a/b", requests=7)])
def test_all_at_once_after_a_silence(limit: RateLimit) -> None:
    table = Table(bucket(limit))
    for silence in (0, 10, 3600, 86400):
        now = START + silence * 1_000_000
        answers = [table.asks(now) for _ in range(limit.requests + limit.burst + 3)]
        assert answers == [0] * (limit.requests + limit.burst) + [1] * 3


def test_the_refused_do_not_count() -> None:
    table = Table(bucket(RateLimit(name="a/b", requests=10)))
    answers = [table.asks(START + 1000 * ms) for ms in range(10_000)]
    assert abs(answers.count(0) - (10 + 10 * 10)) <= 1


@given(st.integers(1, 50), st.integers(0, 20), st.lists(st.integers(0, 2_000_000), max_size=60))
def test_no_window_holds_more_than_the_bucket_and_the_rate(requests: int, burst: int, gaps: list[int]) -> None:
    table = Table(bucket(RateLimit(name="a/b", requests=requests, burst=burst)))
    now, taken = START, []
    for gap in gaps:
        now += gap
        taken += [now] * (table.asks(now) == 0)
    for i, first in enumerate(taken):
        for count, last in enumerate(taken[i:], 1):
            assert count <= requests + burst + requests * (last - first) / 1e6 * 1.001 + 1e-6


def test_how_long_to_wait() -> None:
    table = Table(bucket(RateLimit(name="a/b", requests=1, per_seconds=60)))
    assert [table.asks(START), table.asks(START), table.asks(START + 45_500_000)] == [0, 60, 15]
    assert table.asks(START + 60_000_000) == 0


def test_a_clock_that_was_set_back_does_not_lock_out() -> None:
    table = Table(bucket(RateLimit(name="a/b", requests=10)))
    assert table.asks(START) == 0
    assert table.asks(START - 3_600_000_000) == 0


def limit(*ports: int, **changes: object) -> RateLimit:
    return msgspec.structs.replace(RateLimit(name="shop/api", requests=5, ports=ports), **changes)


def test_limits_of_different_ports_share_a_counter() -> None:
    assert slots((limit(80), limit(81), limit(80, 81), limit(), limit(82))) == [0, 0, 1, 2, 0]


def test_a_port_with_too_many_limits_is_refused() -> None:
    assert rules(Inbound(rate_limits=(limit(80),) * 12))
    with pytest.raises(InvalidConfig, match=r"inbound\.rateLimits: a port has more than 12 limits"):
        rules(Inbound(rate_limits=(limit(80),) * 13))


def test_however_many_ports_no_line_is_longer_than_haproxy_reads() -> None:
    ports = tuple(range(8000, 8100))
    lines = rules(Inbound(rate_limits=(limit(*ports),))).splitlines()
    assert max(len(line.split()) for line in lines) <= 64
    told = [line.split()[5:] for line in lines if line.startswith("  acl rate_port_0 ")]
    assert [int(port) for line in told for port in line] == list(ports)


def test_without_limits_nothing_is_asked() -> None:
    assert rules(Inbound()) == ""
    assert tables(()) == ""


def test_every_limit_is_asked_before_one_counts() -> None:
    text = rules(Inbound(rate_limits=(limit(80), limit(80, by="Caller"))))
    refused = text.index("http-request return status 429")
    assert text.index("sc-set-gpt(0,0)") > refused
    assert text.rindex("track-sc") < refused


def test_buckets_are_handed_on_to_the_same_limit_only() -> None:
    def sections(*limits: RateLimit) -> list[str]:
        return [line.split()[1] for line in tables(limits).splitlines() if line.startswith("backend ")]

    one, other = limit(80), limit(80, name="shop/other")
    assert sections(other, one) == [*sections(other), *sections(one)]
    assert sections(limit(80, 81)) == sections(one)
    assert sections(limit(80, requests=6)) != sections(one)
    assert sections(limit(80, by="Caller")) != sections(one)


@pytest.mark.parametrize("changes", [{"name": "a) b"}, {"by": "Header", "header": "x) y"}])
def test_no_string_breaks_out(changes: dict[str, object]) -> None:
    config = msgspec.structs.replace(STRICT, inbound=Inbound(rate_limits=(limit(80, **changes),)))
    with pytest.raises(InvalidConfig):
        render(config, "ROOTS\n", PLACE)
