"""Faults that are put in on purpose: delays, aborts and narrow lines, for a share of the attempts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mesh_policy.authorization import source_holds
from mesh_policy.errors import Violation
from mesh_policy.identity import SpiffeId
from mesh_policy.match import compile_headers
from mesh_policy.request import Fields
from mesh_policy.snapshot import Fault

MAX_DELAY_SECONDS = 3600.0
MAX_BYTES_PER_SECOND = 2**30


class PreparedFault(NamedTuple):
    """A fault that concerns this workload, its expressions made ready."""

    fault: Fault
    headers_hold: Callable[[Fields], bool]


def prepare(faults: tuple[Fault, ...], caller: SpiffeId | None) -> tuple[PreparedFault, ...]:
    """The faults that concern a caller. None: nobody, whom only the faults of every caller concern.

    Raises:
        ValueError: a regular expression cannot be used.
    """
    domain = "" if caller is None else caller.trust_domain
    return tuple(
        PreparedFault(fault, compile_headers(fault.headers))
        for fault in faults
        if not fault.callers or any(source_holds(source, caller, domain) for source in fault.callers)
    )


class Outcome(NamedTuple):
    """What happens to one attempt: at most one fault of each kind."""

    delay: Fault | None = None
    """Waited before the request is sent, or before it is aborted: see `drawn_seconds`."""
    abort: Fault | None = None
    """Answered in the backend's place."""
    bandwidth: Fault | None = None
    """Of the backend's answer."""

    @property
    def names(self) -> tuple[str, ...]:
        """The faults that act, for the log."""
        return tuple(fault.name for fault in self if fault is not None)


NOTHING = Outcome()


def decide(faults: tuple[PreparedFault, ...], fields: Fields, draws: Sequence[float]) -> Outcome:
    """What the faults of a rule do to an attempt. One draw in [0, 1) per fault: their shares are independent.

    Of each kind the first that acts counts; an answer that is aborted has no bandwidth.
    """
    delay = abort = bandwidth = None
    for (fault, headers_hold), draw in zip(faults, draws, strict=True):
        if draw * 100.0 >= fault.percent or not headers_hold(fields):
            continue
        if fault.abort_status is not None or fault.abort_grpc_status is not None:
            abort = abort or fault
        elif fault.bytes_per_second is not None:
            bandwidth = bandwidth or fault
        else:
            delay = delay or fault
    return Outcome(delay, abort, bandwidth if abort is None else None)


def drawn_seconds(fault: Fault, first: float, second: float) -> float:
    """How long a delay that is not fixed is this time, 0 to MAX_DELAY_SECONDS; two draws in [0, 1)."""
    seconds = 0.0
    if (uniform := fault.delay_uniform) is not None:
        seconds = uniform.min_seconds + (uniform.max_seconds - uniform.min_seconds) * first
    elif (normal := fault.delay_normal) is not None:
        # Box and Muller: two even draws make one of the bell curve. 1 - first is never 0, which has no logarithm.
        bell = math.sqrt(-2.0 * math.log(1.0 - first)) * math.cos(2.0 * math.pi * second)
        seconds = normal.mean_seconds + normal.deviation_seconds * bell
    return min(max(seconds, 0.0), MAX_DELAY_SECONDS)


def check(fault: Fault, path: str) -> list[Violation]:
    """What is wrong with a fault."""
    kinds = {
        "delaySeconds": fault.delay_seconds,
        "delayUniform": fault.delay_uniform,
        "delayNormal": fault.delay_normal,
        "abortStatus": fault.abort_status,
        "abortGrpcStatus": fault.abort_grpc_status,
        "bytesPerSecond": fault.bytes_per_second,
    }
    found = _check_ranges(fault, path)
    if sum(value is not None for value in kinds.values()) != 1:
        found.append(Violation(path, f"exactly one of {', '.join(kinds)} must be given"))
    if (uniform := fault.delay_uniform) is not None and not uniform.min_seconds <= uniform.max_seconds:
        found.append(Violation(f"{path}.delayUniform", "maxSeconds is less than minSeconds"))
    return found


def _check_ranges(fault: Fault, path: str) -> list[Violation]:
    given: list[tuple[str, float | None, float, float]] = [
        ("percent", fault.percent, 0, 100),
        ("delaySeconds", fault.delay_seconds, 0, MAX_DELAY_SECONDS),
        ("abortStatus", fault.abort_status, 200, 599),
        ("abortGrpcStatus", fault.abort_grpc_status, 1, 16),
        ("bytesPerSecond", fault.bytes_per_second, 1, MAX_BYTES_PER_SECOND),
    ]
    if (uniform := fault.delay_uniform) is not None:
        given.append(("delayUniform.minSeconds", uniform.min_seconds, 0, MAX_DELAY_SECONDS))
        given.append(("delayUniform.maxSeconds", uniform.max_seconds, 0, MAX_DELAY_SECONDS))
    if (normal := fault.delay_normal) is not None:
        given.append(("delayNormal.meanSeconds", normal.mean_seconds, 0, MAX_DELAY_SECONDS))
        given.append(("delayNormal.deviationSeconds", normal.deviation_seconds, 0, MAX_DELAY_SECONDS))
    return [
        Violation(f"{path}.{field}", f"{value:g} is not between {low:g} and {high:.0f}")
        for field, value, low, high in given
        if value is not None and not low <= value <= high
    ]
