"""What happens in a real worker when an addon breaks: the request is refused, or cut."""

from __future__ import annotations

import pytest

from tests.integration.worker.conftest import OK, Start, head


@pytest.mark.parametrize("event", ["requestheaders", "delayed", "request", "attempt", "responseheaders"])
async def test_an_addon_that_raises_refuses_the_request(start: Start, event: str) -> None:
    bench = await start(raises=event)
    caller = await bench.call()
    caller.send(head("GET /"))
    if event == "responseheaders":
        server = await bench.upstream()
        await server.head()
        server.send(OK)
    answer = await caller.head()
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"\r\nx-mesh-error: policy-failure\r\n" in answer
    assert event == "responseheaders" or bench.accepted.empty()
    assert (await bench.status())["policyFailures"] == 1
    log = bench.log.read_text()
    assert "test_raising" in log
    assert "top-secret-value" not in log


async def test_an_addon_that_raises_when_the_answer_is_on_its_way_cuts_it(start: Start) -> None:
    bench = await start(raises="response")
    caller, server = await bench.begun()
    server.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    assert not (await caller.rest()).endswith(b"0\r\n\r\n")


async def test_an_addon_that_raises_before_the_end_of_a_body_stops_the_request(start: Start) -> None:
    bench = await start(raises="request")
    caller = await bench.call()
    caller.send(head("POST /", "transfer-encoding: chunked") + b"2\r\nhi\r\n0\r\n\r\n")
    server = await bench.upstream()
    assert not (await server.rest()).endswith(b"0\r\n\r\n")
    assert (await caller.head()).startswith(b"HTTP/1.1 500 ")


@pytest.mark.parametrize("where", ["requestheaders", "responseheaders"])
async def test_a_header_that_would_split_a_message_refuses_it(start: Start, where: str) -> None:
    bench = await start(header=where)
    caller = await bench.call()
    caller.send(head("GET /"))
    server = await bench.upstream()
    if where == "requestheaders":
        assert await server.ended()
    else:
        await server.head()
        server.send(OK)
    answer = await caller.head()
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"x-bad" not in answer
