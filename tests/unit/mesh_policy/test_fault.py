from __future__ import annotations

import math
from statistics import NormalDist, fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh_policy import fault
from mesh_policy.fault import MAX_DELAY_SECONDS, NOTHING, Outcome, decide, drawn_seconds, prepare
from mesh_policy.identity import SpiffeId
from mesh_policy.snapshot import Fault, Normal, SourceMatch, Uniform, ValueMatch

WEB = SpiffeId("cluster.local", "shop", "web")
SLOW = Fault(name="slow", percent=10, delay_seconds=2.0)
BROKEN = Fault(name="broken", percent=5, abort_status=503)
CALL = Fault(name="call", abort_grpc_status=14)
NARROW = Fault(name="narrow", bytes_per_second=1024)
CHAOS = Fault(name="chaos", abort_status=500, headers=(ValueMatch(name="x-chaos", value="on"),))


@pytest.mark.parametrize(
    ("faults", "draws", "expected"),
    [
        ((), [], NOTHING),
        ((SLOW, BROKEN), [0.5, 0.5], NOTHING),
        ((SLOW, BROKEN), [0.05, 0.5], Outcome(delay=SLOW)),
        ((SLOW, BROKEN), [0.5, 0.01], Outcome(abort=BROKEN)),
        ((SLOW, BROKEN), [0.05, 0.01], Outcome(SLOW, BROKEN)),
        ((BROKEN, SLOW), [0.01, 0.05], Outcome(SLOW, BROKEN)),
        ((BROKEN, CHAOS), [0.01, 0.0], Outcome(abort=BROKEN)),
        ((CALL, BROKEN), [0.0, 0.0], Outcome(abort=CALL)),
        ((CHAOS,), [0.999], Outcome(abort=CHAOS)),
        ((NARROW, SLOW), [0.0, 0.0], Outcome(delay=SLOW, bandwidth=NARROW)),
        ((NARROW, BROKEN), [0.0, 0.0], Outcome(abort=BROKEN)),
        ((Fault(name="never", percent=0, abort_status=500),), [0.0], NOTHING),
    ],
)
def test_of_each_kind_the_first_that_acts(faults: tuple[Fault, ...], draws: list[float], expected: Outcome) -> None:
    assert decide(prepare(faults, WEB), ((b"X-Chaos", b"on"),), draws) == expected


def test_the_names_are_in_the_order_of_events() -> None:
    assert Outcome(SLOW, BROKEN).names == ("slow", "broken")
    assert Outcome(SLOW, None, NARROW).names == ("slow", "narrow")


@pytest.mark.parametrize(
    ("fields", "acts"), [(((b"x-chaos", b"on"),), True), (((b"x-chaos", b"off"),), False), ((), False)]
)
def test_a_fault_meets_only_requests_with_its_headers(fields: tuple[tuple[bytes, bytes], ...], acts: bool) -> None:
    assert (decide(prepare((CHAOS,), WEB), fields, [0.0]) != NOTHING) is acts


def test_headers_may_be_expressions_for_the_whole_value() -> None:
    user = ValueMatch(name="x-user", value="test-.*", type="RegularExpression")
    one = Fault(name="f", abort_status=500, headers=(user,))
    prepared = prepare((one,), WEB)
    assert decide(prepared, ((b"x-user", b"test-7"),), [0.0]) == Outcome(abort=one)
    assert decide(prepared, ((b"x-user", b"a test-7"),), [0.0]) == NOTHING


@pytest.mark.parametrize(
    ("callers", "concerned"),
    [
        ((), True),
        ((SourceMatch(identities=(WEB.uri,)),), True),
        ((SourceMatch(identities=("spiffe://cluster.local/ns/shop/sa/web2",)),), False),
        ((SourceMatch(identities=()),), False),
        ((SourceMatch(identities=()), SourceMatch(namespace="shop")), True),
        ((SourceMatch(namespace="staging"),), False),
        ((SourceMatch(),), True),
    ],
)
def test_a_fault_concerns_its_callers(callers: tuple[SourceMatch, ...], concerned: bool) -> None:
    one = Fault(name="f", abort_status=500, callers=callers)
    assert len(prepare((one,), WEB)) == concerned
    assert len(prepare((one,), None)) == (not callers)


@given(st.floats(0, 100), st.integers(1, 400))
def test_evenly_spread_draws_give_the_share(percent: float, count: int) -> None:
    prepared = prepare((Fault(name="f", percent=percent, abort_status=503),), None)
    acted = sum(decide(prepared, (), [i / count]) != NOTHING for i in range(count))
    assert abs(acted - count * percent / 100) <= 1


# --- how long

GRID = [((i + 0.5) / 100, (j + 0.5) / 100) for i in range(100) for j in range(100)]
"""Evenly spread pairs of draws."""


def delays(one: Fault) -> list[float]:
    return sorted(drawn_seconds(one, first, second) for first, second in GRID)


def test_a_uniform_delay_is_even_between_its_ends() -> None:
    found = delays(Fault(name="f", delay_uniform=Uniform(min_seconds=1.0, max_seconds=3.0)))
    assert found[0] >= 1.0
    assert found[-1] <= 3.0
    for share in (0.1, 0.25, 0.5, 0.9):
        assert found[int(len(found) * share)] == pytest.approx(1.0 + 2.0 * share, abs=0.03)


def test_a_normal_delay_follows_the_bell_curve() -> None:
    found = delays(Fault(name="f", delay_normal=Normal(mean_seconds=10.0, deviation_seconds=2.0)))
    assert fmean(found) == pytest.approx(10.0, abs=0.01)
    assert pstdev(found) == pytest.approx(2.0, abs=0.02)
    for share in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert found[int(len(found) * share)] == pytest.approx(NormalDist(10, 2).inv_cdf(share), abs=0.05)


def test_a_normal_delay_is_cut_at_nothing_and_at_an_hour() -> None:
    wide = delays(Fault(name="f", delay_normal=Normal(mean_seconds=1.0, deviation_seconds=3600.0)))
    assert (wide[0], wide[-1]) == (0.0, MAX_DELAY_SECONDS)


_draw = st.floats(0, 1, exclude_max=True)


@given(st.floats(0, 3600), st.floats(0, 3600), _draw, _draw)
def test_no_draw_makes_a_delay_that_is_out_of_range(mean: float, deviation: float, one: float, two: float) -> None:
    normal = Fault(name="f", delay_normal=Normal(mean_seconds=mean, deviation_seconds=deviation))
    least, most = sorted((mean, deviation))
    uniform = Fault(name="f", delay_uniform=Uniform(min_seconds=least, max_seconds=most))
    assert 0.0 <= drawn_seconds(normal, one, two) <= MAX_DELAY_SECONDS
    assert least - 1e-9 <= drawn_seconds(uniform, one, two) <= most + 1e-9


# --- what is refused


@pytest.mark.parametrize(
    ("bad", "path"),
    [
        ({}, "f"),
        ({"delay_seconds": 1, "abort_status": 500}, "f"),
        ({"abort_status": 500, "abort_grpc_status": 14}, "f"),
        ({"delay_seconds": -1}, "f.delaySeconds"),
        ({"delay_seconds": math.nan}, "f.delaySeconds"),
        ({"delay_uniform": Uniform(min_seconds=2, max_seconds=1)}, "f.delayUniform"),
        ({"delay_uniform": Uniform(min_seconds=0, max_seconds=3601)}, "f.delayUniform.maxSeconds"),
        ({"delay_normal": Normal(mean_seconds=-1, deviation_seconds=1)}, "f.delayNormal.meanSeconds"),
        ({"delay_normal": Normal(mean_seconds=1, deviation_seconds=math.inf)}, "f.delayNormal.deviationSeconds"),
        ({"abort_status": 99}, "f.abortStatus"),
        ({"abort_grpc_status": 0}, "f.abortGrpcStatus"),
        ({"abort_grpc_status": 17}, "f.abortGrpcStatus"),
        ({"bytes_per_second": 0}, "f.bytesPerSecond"),
        ({"bytes_per_second": 2**30 + 1}, "f.bytesPerSecond"),
        ({"abort_status": 503, "percent": 100.1}, "f.percent"),
        ({"abort_status": 503, "percent": math.nan}, "f.percent"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(bad: dict[str, object], path: str) -> None:
    assert [violation.path for violation in fault.check(Fault(name="f", **bad), "f")] == [path]  # type: ignore[arg-type]
