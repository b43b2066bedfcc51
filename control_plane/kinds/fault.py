"""`faults` of a TrafficPolicy: what is put in on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from control_plane.kinds import caller, checks
from control_plane.kinds.caller import Caller
from control_plane.kinds.duration import duration_seconds
from control_plane.kinds.meta import Strict
from mesh_policy.errors import Violation
from mesh_policy.fault import MAX_BYTES_PER_SECOND, MAX_DELAY_SECONDS
from mesh_policy.grpc import StatusName

MAX_FAULTS = 16
MAX_HEADERS = 16
MAX_CALLERS = 16


class UniformDelay(Strict, frozen=True, kw_only=True):
    """`uniform`: every value between the two is as likely. Gateway API durations."""

    min: str
    max: str


class NormalDelay(Strict, frozen=True, kw_only=True):
    """`normal`: the bell curve, cut at nothing and at an hour."""

    mean: str
    deviation: str


class DelayFault(Strict, frozen=True, kw_only=True):
    """`delay`; exactly one of them."""

    fixed: str | None = None
    """A Gateway API duration: `250ms`, `2s`, `1m30s`."""
    uniform: UniformDelay | None = None
    normal: NormalDelay | None = None


class AbortFault(Strict, frozen=True, kw_only=True):
    """`abort`; exactly one of them."""

    http_status: int | None = None
    grpc_status: StatusName | None = None


class BandwidthFault(Strict, frozen=True, kw_only=True):
    """`bandwidth`: of the answer's body."""

    bytes_per_second: int


class HeaderMatch(Strict, frozen=True, kw_only=True):
    """A header with this value, or with one that the expression matches whole."""

    name: str
    value: str
    type: Literal["Exact", "RegularExpression"] = "Exact"


class FaultMatch(Strict, frozen=True, kw_only=True):
    """All given headers must be there, and one of the callers must have sent it."""

    headers: tuple[HeaderMatch, ...] = ()
    callers: tuple[Caller, ...] = ()


class FaultSpec(Strict, frozen=True, kw_only=True):
    """One fault; exactly one of delay, abort and bandwidth."""

    name: str
    percent: float = 100.0
    delay: DelayFault | None = None
    abort: AbortFault | None = None
    bandwidth: BandwidthFault | None = None
    match: FaultMatch | None = None


def violations(at: str, faults: tuple[FaultSpec, ...]) -> Iterator[Violation]:
    """What is malformed."""
    yield from checks.at_most(at, faults, MAX_FAULTS)
    names = [fault.name for fault in faults]
    if len(set(names)) != len(names):
        yield Violation(at, "two faults have the same name")
    for i, fault in enumerate(faults):
        yield from _fault(f"{at}[{i}]", fault)


def _fault(at: str, fault: FaultSpec) -> Iterator[Violation]:
    yield from checks.dns_label(f"{at}.name", fault.name)
    yield from checks.percentage(f"{at}.percent", fault.percent)
    if sum(kind is not None for kind in (fault.delay, fault.abort, fault.bandwidth)) != 1:
        yield Violation(at, "give exactly one of delay, abort and bandwidth")
    if fault.delay is not None:
        yield from _delay(f"{at}.delay", fault.delay)
    if fault.abort is not None:
        yield from _abort(f"{at}.abort", fault.abort)
    if fault.bandwidth is not None and not 1 <= fault.bandwidth.bytes_per_second <= MAX_BYTES_PER_SECOND:
        value = fault.bandwidth.bytes_per_second
        yield Violation(
            f"{at}.bandwidth.bytesPerSecond", f"{value} is out of range: use 1 to {MAX_BYTES_PER_SECOND} (1 GiB)"
        )
    if fault.match is not None:
        yield from _match(f"{at}.match", fault.match)


def _delay(at: str, delay: DelayFault) -> Iterator[Violation]:
    if sum(kind is not None for kind in (delay.fixed, delay.uniform, delay.normal)) != 1:
        yield Violation(at, "give exactly one of fixed, uniform and normal")
    if delay.fixed is not None:
        yield from _duration(f"{at}.fixed", delay.fixed)
    if delay.uniform is not None:
        wrong = [
            *_duration(f"{at}.uniform.min", delay.uniform.min, zero=True),
            *_duration(f"{at}.uniform.max", delay.uniform.max),
        ]
        yield from wrong
        if not wrong and duration_seconds(delay.uniform.min) > duration_seconds(delay.uniform.max):
            yield Violation(f"{at}.uniform.max", f"{delay.uniform.max} is shorter than min, {delay.uniform.min}")
    if delay.normal is not None:
        yield from _duration(f"{at}.normal.mean", delay.normal.mean, zero=True)
        yield from _duration(f"{at}.normal.deviation", delay.normal.deviation)


def _duration(at: str, text: str, *, zero: bool = False) -> Iterator[Violation]:
    try:
        seconds = duration_seconds(text)
    except ValueError as error:
        yield Violation(at, str(error))
        return
    if not 0 <= seconds <= MAX_DELAY_SECONDS or (seconds == 0 and not zero):
        yield Violation(at, f"{text} is out of range: use {'0s' if zero else '1ms'} to 1h")


def _abort(at: str, abort: AbortFault) -> Iterator[Violation]:
    if (abort.http_status is None) == (abort.grpc_status is None):
        yield Violation(at, "give exactly one of httpStatus and grpcStatus")
    if abort.http_status is not None:
        yield from checks.status_code(f"{at}.httpStatus", abort.http_status)


def _match(at: str, match: FaultMatch) -> Iterator[Violation]:
    yield from checks.at_most(f"{at}.headers", match.headers, MAX_HEADERS)
    for i, header in enumerate(match.headers):
        yield from checks.header_name(f"{at}.headers[{i}].name", header.name)
        if header.type == "RegularExpression":
            yield from checks.regex(f"{at}.headers[{i}].value", header.value)
        else:
            yield from checks.header_value(f"{at}.headers[{i}].value", header.value)
    names = [header.name.lower() for header in match.headers]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Violation(f"{at}.headers", f"{name!r} is there twice: one value per header can hold")
    yield from checks.at_most(f"{at}.callers", match.callers, MAX_CALLERS)
    for i, one in enumerate(match.callers):
        yield from caller.violations(f"{at}.callers[{i}]", one)
