"""`faults` of a TrafficPolicy: what is put in on purpose."""

from __future__ import annotations

from collections.abc import Iterator

from control_plane.kinds import checks
from control_plane.kinds.duration import duration_seconds
from control_plane.kinds.meta import Strict
from mesh_policy.errors import Violation
from mesh_policy.fault import MAX_DELAY_SECONDS

MAX_FAULTS = 16


class DelayFault(Strict, frozen=True, kw_only=True):
    """`delay`."""

    fixed: str
    """A Gateway API duration: `250ms`, `2s`, `1m30s`."""


class AbortFault(Strict, frozen=True, kw_only=True):
    """`abort`."""

    http_status: int


class HeaderEquals(Strict, frozen=True, kw_only=True):
    """A header with exactly this value."""

    name: str
    value: str


class FaultMatch(Strict, frozen=True, kw_only=True):
    """All given headers must be there."""

    headers: tuple[HeaderEquals, ...] = ()


class FaultSpec(Strict, frozen=True, kw_only=True):
    """One fault; exactly one of delay and abort."""

    name: str
    percent: float = 100.0
    delay: DelayFault | None = None
    abort: AbortFault | None = None
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
    if (fault.delay is None) == (fault.abort is None):
        yield Violation(at, "give exactly one of delay and abort")
    if fault.delay is not None:
        yield from _delay(f"{at}.delay.fixed", fault.delay.fixed)
    if fault.abort is not None:
        yield from checks.status_code(f"{at}.abort.httpStatus", fault.abort.http_status)
    for i, header in enumerate(fault.match.headers if fault.match else ()):
        yield from checks.header_name(f"{at}.match.headers[{i}].name", header.name)
        yield from checks.header_value(f"{at}.match.headers[{i}].value", header.value)


def _delay(at: str, text: str) -> Iterator[Violation]:
    try:
        seconds = duration_seconds(text)
    except ValueError as error:
        yield Violation(at, str(error))
        return
    if not 0 < seconds <= MAX_DELAY_SECONDS:
        yield Violation(at, f"{text} is out of range: use 1ms to 1h")
