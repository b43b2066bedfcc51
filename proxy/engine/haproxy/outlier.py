"""Outlier ejection: which endpoints of a backend are left out for a while. Pure: what was seen and the time go in.

As other meshes do it: errors in a row, or a bad share of an interval; each ejection that follows soon is longer by the
base; a share of the endpoints may be out at most, and never the last one; in panic everything is used. An endpoint
that was back for a whole interval without being bad is forgiven one ejection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf

from mesh_policy.snapshot import Outlier

_GOOD_ENOUGH_PERCENT = 50.0
"""To be forgiven, where the policy names no success rate."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of an endpoint's requests (of connections, where the port is TCP) since the last look."""

    good: int = 0
    bad: int = 0
    """Connections that failed, requests without an answer, 5xx."""


@dataclass(frozen=True, slots=True)
class Record:
    """One endpoint."""

    in_a_row: int = 0
    good: int = 0
    bad: int = 0
    """Of this interval."""
    ejections: int = 0
    """That are not forgiven yet."""
    until: float | None = None
    """When its ejection ends; None: it is in."""
    back_since: float = -inf


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered of a backend."""

    records: Mapping[str, Record] = field(default_factory=dict)
    began: float = -inf
    """Of this interval."""

    @property
    def ejected(self) -> frozenset[str]:
        return frozenset(name for name, record in self.records.items() if record.until is not None)


@dataclass(frozen=True, slots=True)
class Event:
    """An endpoint went out, or came back (`seconds` is 0)."""

    endpoint: str
    seconds: float
    reason: str


def look(policy: Outlier, watch: Watch, seen: Mapping[str, Seen], now: float) -> tuple[Watch, tuple[Event, ...]]:
    """One look at a backend.

    Args:
        seen: every endpoint that it has now, by name; others are forgotten.
        now: seconds of a clock that never goes back.
    """
    records = {name: watch.records.get(name, Record()) for name in seen}
    events: list[Event] = []
    for name, record in records.items():
        if record.until is not None and record.until <= now:
            records[name] = Record(ejections=record.ejections, back_since=now)
            events.append(Event(name, 0.0, "its time is over"))
        elif record.until is None:
            records[name] = _counted(record, seen[name])
    over = now - watch.began >= policy.interval_seconds
    reasons = {name: reason for name, record in records.items() if (reason := _reason(policy, record, over))}
    if over:
        records = {
            name: _next_interval(policy, record, watch.began, name in reasons) for name, record in records.items()
        }
    events += _eject(policy, records, reasons, now)
    events += _bring_back(policy, records)
    return Watch(records, now if over else watch.began), tuple(events)


def out(policy: Outlier, watch: Watch) -> frozenset[str]:
    """The endpoints that get no request now. In panic none, though their ejections go on."""
    ejected = watch.ejected
    left = len(watch.records) - len(ejected)
    return ejected if 100 * left >= policy.panic_percent * len(watch.records) else frozenset()


def allowed(policy: Outlier, endpoints: int) -> int:
    """How many of so many endpoints may be out: a share, at least one of two, never all."""
    return min(endpoints - 1, max(1, int(endpoints * policy.max_ejected_percent / 100))) if endpoints > 1 else 0


def _counted(record: Record, seen: Seen) -> Record:
    # The order within a look is not known: only errors without anything good between them are errors in a row.
    in_a_row = 0 if seen.good else record.in_a_row + seen.bad
    return replace(record, in_a_row=in_a_row, good=record.good + seen.good, bad=record.bad + seen.bad)


def _reason(policy: Outlier, record: Record, interval_is_over: bool) -> str:
    """Why an endpoint should go out; empty: it should not."""
    if record.until is not None:
        return ""
    if 0 < policy.consecutive_errors <= record.in_a_row:
        return f"{record.in_a_row} errors in a row"
    requests = record.good + record.bad
    if interval_is_over and policy.success_rate_below is not None and requests >= policy.min_requests:
        percent = 100 * record.good / requests
        if percent < policy.success_rate_below:
            return f"{percent:.1f} % of {requests} requests went well"
    return ""


def _next_interval(policy: Outlier, record: Record, began: float, bad: bool) -> Record:
    """Counts begin again; who was in for the whole interval and good enough is forgiven one ejection."""
    if record.until is not None or record.back_since > began:
        return replace(record, good=0, bad=0)
    enough = _GOOD_ENOUGH_PERCENT if policy.success_rate_below is None else policy.success_rate_below
    forgiven = not bad and 100 * record.good >= enough * (record.good + record.bad)
    return replace(record, good=0, bad=0, ejections=max(record.ejections - forgiven, 0))


def _eject(policy: Outlier, records: dict[str, Record], reasons: Mapping[str, str], now: float) -> list[Event]:
    """The worst first, as long as there is room. Who finds none is looked at again."""
    events: list[Event] = []
    room = allowed(policy, len(records)) - sum(record.until is not None for record in records.values())
    for name in sorted(reasons, key=lambda name: (-records[name].in_a_row, name))[: max(room, 0)]:
        ejections = records[name].ejections + 1
        seconds = min(policy.base_ejection_seconds * ejections, policy.max_ejection_seconds)
        records[name] = Record(ejections=ejections, until=now + seconds)
        events.append(Event(name, seconds, reasons[name]))
    return events


def _bring_back(policy: Outlier, records: dict[str, Record]) -> list[Event]:
    """Others have left the backend: who would be back first comes back now."""
    ejected = sorted((record.until, name) for name, record in records.items() if record.until is not None)
    early = ejected[: max(len(ejected) - allowed(policy, len(records)), 0)]
    for _, name in early:
        records[name] = Record(ejections=records[name].ejections)
    return [Event(name, 0.0, "too few others are left") for _, name in early]
