"""What HAProxy counts of its servers, as `show stat` prints it.

Measured on 3.4.7: a connection that fails and goes elsewhere counts in `wredis`, without another server in `wretr`, the
last one in `econ`. An answer that never began counts in `eresp`, once when it is retried (then in `wretr` and `wredis`
too), twice when it is not. So the failures are the greatest of these, and no more than the attempts that there were.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proxy.engine.haproxy.outlier import Seen
from proxy.engine.haproxy.runtime_api import RuntimeApiError

MAX_NAMED = 20
"""Backends that are asked for one by one; every answer has its own line of column names, so that more of them cost more
than all at once (200 backends of 3 servers: 1.5 ms of HAProxy and 0.8 ms here for all of them)."""

_ANSWERS = ("hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx")
_COLUMNS = ("stot", "scur", "bout", "econ", "eresp", "wretr", "wredis", "hrsp_5xx", *_ANSWERS)


@dataclass(frozen=True, slots=True)
class Counters:
    """One server of one section, since HAProxy or the server was started."""

    maintenance: bool
    http: bool
    attempts: int
    current: int
    bytes_out: int
    failed_connections: int
    redispatched: int
    retried: int
    no_answer: int
    errors: int
    """5xx."""
    answers: int
    """All others."""


def command(sections: Iterable[str]) -> str:
    """Asks for the servers of these sections, or of all where that costs less."""
    wanted = sorted(sections)
    return ";".join(f"show stat {name} 4 -1" for name in wanted if len(wanted) <= MAX_NAMED) or "show stat -1 4 -1"


def parse(answer: str) -> dict[tuple[str, str], Counters]:
    """The answer, by section and server.

    Raises:
        RuntimeApiError: a column is missing.
    """
    found: dict[tuple[str, str], Counters] = {}
    at: dict[str, int] = {}
    for line in answer.splitlines():
        if line.startswith("#"):
            names = line[2:].split(",")
            missing = {"pxname", "svname", "status", "mode", *_COLUMNS} - set(names)
            if missing:
                raise RuntimeApiError(f"show stat: no column {', '.join(sorted(missing))}")
            at = {name: names.index(name) for name in ("pxname", "svname", "status", "mode", *_COLUMNS)}
        elif line and at:
            words = line.split(",")
            if len(words) > max(at.values()):
                found[words[at["pxname"]], words[at["svname"]]] = _counters(words, at)
    return found


def _counters(words: list[str], at: dict[str, int]) -> Counters:
    value = {name: int(words[at[name]] or 0) for name in _COLUMNS}
    return Counters(
        maintenance=words[at["status"]].startswith("MAINT"),
        http=words[at["mode"]] == "http",
        attempts=value["stot"],
        current=value["scur"],
        bytes_out=value["bout"],
        failed_connections=value["econ"],
        redispatched=value["wredis"],
        retried=value["wretr"],
        no_answer=value["eresp"],
        errors=value["hrsp_5xx"],
        answers=sum(value[name] for name in _ANSWERS),
    )


def between(before: Counters | None, after: Counters) -> Seen:
    """What came of the requests between two looks at a server. Nothing, when it is new to us.

    Of TCP a connection is good when it did not fail and bytes came from the server.
    """
    if before is None:
        return Seen()
    if after.attempts < before.attempts:  # another process: it counts from 0
        before = Counters(after.maintenance, after.http, *[0] * 9)
    moves = (after.redispatched - before.redispatched, after.retried - before.retried)
    attempts = after.attempts - before.attempts + before.current
    unanswered = max(*moves, after.no_answer - before.no_answer) + after.failed_connections - before.failed_connections
    if not after.http:
        bad = min(max(*moves) + after.failed_connections - before.failed_connections, attempts)
        flows = after.bytes_out > before.bytes_out
        return Seen(good=max(after.attempts - before.attempts - bad, 0) if flows else 0, bad=bad)
    good, errors = after.answers - before.answers, after.errors - before.errors
    return Seen(good=good, bad=errors + max(min(unanswered, attempts - good - errors), 0))
