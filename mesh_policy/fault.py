"""Faults that are put in on purpose: a delay, an abort, or both, for a share of the requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from mesh_policy.errors import Violation
from mesh_policy.match import headers_hold
from mesh_policy.request import Fields
from mesh_policy.snapshot import Fault

MAX_DELAY_SECONDS = 3600.0


class Outcome(NamedTuple):
    """What happens to one request. Neither delay nor abort: nothing."""

    delay_seconds: float = 0.0
    """Waited before the request is sent, or before it is aborted."""
    abort_status: int | None = None
    """Answered in the backend's place."""
    names: tuple[str, ...] = ()
    """The faults that act, for the log."""


NOTHING = Outcome()


def decide(faults: tuple[Fault, ...], fields: Fields, draws: Sequence[float]) -> Outcome:
    """What the faults of a rule do to a request. One draw in [0, 1) per fault: their shares are independent.

    The first delay that acts and the first abort that acts count; the delay comes first.
    """
    delay: Fault | None = None
    abort: Fault | None = None
    for fault, draw in zip(faults, draws, strict=True):
        if draw * 100.0 >= fault.percent or not headers_hold(fault.headers, fields):
            continue
        if fault.abort_status is not None:
            abort = abort or fault
        else:
            delay = delay or fault
    if delay is None and abort is None:
        return NOTHING
    return Outcome(
        delay.delay_seconds or 0.0 if delay else 0.0,
        abort.abort_status if abort else None,
        tuple(fault.name for fault in (delay, abort) if fault),
    )


def check(fault: Fault, path: str) -> list[Violation]:
    """What is wrong with a fault."""
    found: list[Violation] = []
    if (fault.delay_seconds is None) == (fault.abort_status is None):
        found.append(Violation(path, "exactly one of delaySeconds and abortStatus must be given"))
    if fault.delay_seconds is not None and not 0 <= fault.delay_seconds <= MAX_DELAY_SECONDS:
        why = f"{fault.delay_seconds} is not between 0 and {MAX_DELAY_SECONDS:.0f}"
        found.append(Violation(f"{path}.delaySeconds", why))
    if fault.abort_status is not None and not 200 <= fault.abort_status <= 599:
        found.append(Violation(f"{path}.abortStatus", f"{fault.abort_status} is not between 200 and 599"))
    if not 0 <= fault.percent <= 100:
        found.append(Violation(f"{path}.percent", f"{fault.percent} is not between 0 and 100"))
    return found
