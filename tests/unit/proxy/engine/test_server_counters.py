"""Reading HAProxy's counters: shapes as 3.4.7 printed them (columns in another order, and fewer)."""

from __future__ import annotations

import pytest

from proxy.engine.haproxy.outlier import Seen
from proxy.engine.haproxy.runtime_api import RuntimeApiError
from proxy.engine.haproxy.server_counters import Counters, between, command, parse

HEAD = (
    "# svname,pxname,stot,scur,bout,econ,eresp,wretr,wredis,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,mode,status,x"
)


def line(section: str, server: str, *numbers: int, mode: str = "http", status: str = "no check") -> str:
    return ",".join([server, section, *map(str, numbers), mode, status, "rest"])


HTTP = line("h1:a", "s1", 9, 2, 100, 0, 3, 1, 2, 1, 2, 1, 1, 5)
TCP = "s1,tcp:a,4,0,5,1,0,0,2,,,,,,tcp,MAINT,rest"


def test_an_answer_of_two_sections_is_read() -> None:
    found = parse(f"{HEAD}\n{HTTP}\n\n{HEAD}\n{TCP}\n\n")
    assert found["h1:a", "s1"] == Counters(False, True, 9, 2, 100, 0, 2, 1, 3, 5, 5)
    assert found["tcp:a", "s1"] == Counters(True, False, 4, 0, 5, 1, 2, 0, 0, 0, 0)


def test_an_unknown_section_gives_nothing_and_a_missing_column_is_an_error() -> None:
    assert parse("No such proxy.\n") == {}
    with pytest.raises(RuntimeApiError, match="no column hrsp_5xx"):
        parse(HEAD.replace("hrsp_5xx", "other"))


def counters(http: bool = True, **values: int) -> Counters:
    names = ("attempts", "current", "bytes_out", "failed_connections", "redispatched", "retried", "no_answer")
    return Counters(False, http, *(values.get(name, 0) for name in (*names, "errors", "answers")))


START = counters(attempts=10, answers=8, errors=2, no_answer=4)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (counters(attempts=10, answers=8, errors=2, no_answer=4), Seen()),
        (counters(attempts=13, answers=10, errors=3, no_answer=4), Seen(2, 1)),
        (counters(attempts=15, answers=8, errors=2, no_answer=14), Seen(0, 5)),
        (counters(attempts=15, answers=8, errors=2, no_answer=9, retried=5, redispatched=5), Seen(0, 5)),
        (counters(attempts=15, answers=8, errors=2, no_answer=4, redispatched=4, failed_connections=1), Seen(0, 5)),
        (counters(attempts=15, answers=10, errors=3, no_answer=6, redispatched=1), Seen(2, 3)),
        (counters(attempts=12, current=2, answers=8, errors=2, no_answer=4), Seen()),
        (counters(attempts=3, answers=1, errors=1, no_answer=2), Seen(1, 2)),
    ],
    ids=["nothing", "answers", "cut off", "retried", "refused", "all kinds", "under way", "after a reload"],
)
def test_what_came_of_requests(after: Counters, expected: Seen) -> None:
    assert between(START, after) == expected


def test_a_long_answer_that_ends_later_is_no_error() -> None:
    under_way = counters(attempts=1, current=1, answers=1)
    assert between(counters(), under_way) == Seen(1, 0)
    assert between(under_way, counters(attempts=1, answers=1)) == Seen()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"attempts": 3, "bytes_out": 9}, Seen(3, 0)),
        ({"attempts": 3, "redispatched": 3}, Seen(0, 3)),
        ({"attempts": 3, "redispatched": 1, "failed_connections": 1, "bytes_out": 4}, Seen(1, 2)),
        ({"attempts": 3, "redispatched": 2}, Seen(0, 2)),
        ({"attempts": 1, "current": 1}, Seen()),
    ],
    ids=["good", "refused", "some", "one is still trying", "trying"],
)
def test_what_came_of_connections(values: dict[str, int], expected: Seen) -> None:
    assert between(counters(http=False), counters(http=False, **values)) == expected


def test_a_server_that_is_new_to_us_begins_now() -> None:
    assert between(None, counters(attempts=9, errors=9)) == Seen()


def test_few_sections_are_asked_by_name_and_many_at_once() -> None:
    assert command({"b", "a"}) == "show stat a 4 -1;show stat b 4 -1"
    assert command({f"s{i}" for i in range(21)}) == "show stat -1 4 -1"
    assert command(()) == "show stat -1 4 -1"
