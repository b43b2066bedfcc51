"""The shop's program: what the proofs rely on must itself be right."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop import control, http_server, probe
from shop.http_client import HttpClient
from shop.http_server import BadRequestError, HttpServer, Request, Response, json_response, take_request
from shop.services import Backend, State, Web

CHUNKED = b"POST /x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;ext\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
PLAIN = b"POST /x?q=1 HTTP/1.1\r\nContent-Length: 3\r\nX-A:  b \r\n\r\nabc"


@given(cut=st.integers(min_value=0, max_value=len(CHUNKED)))
def test_a_request_is_the_same_however_it_arrives(cut: int) -> None:
    data = bytearray(CHUNKED[:cut])
    first = take_request(data)
    data += CHUNKED[cut:]
    request = first or take_request(data)
    assert request is not None
    assert (request.method, request.path, request.body) == ("POST", "/x", b"abcde")
    assert not data


def test_requests_that_arrive_together_are_taken_one_by_one() -> None:
    data = bytearray(PLAIN * 2)
    for _ in range(2):
        request = take_request(data)
        assert request is not None
        assert (request.path, request.headers["x-a"], request.body) == ("/x", "b", b"abc")
    assert take_request(data) is None


@pytest.mark.parametrize(
    "bad",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/2\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nx-a : space before the colon\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
        b"x" * (http_server.MAX_HEAD_BYTES + 1),
    ],
    ids=["no request line", "version", "header", "space", "negative", "huge", "chunk size", "endless head"],
)
def test_what_is_not_http_is_refused(bad: bytes) -> None:
    with pytest.raises(BadRequestError):
        take_request(bytearray(bad))


@given(st.lists(st.floats(min_value=0, max_value=1e4), min_size=1, max_size=300))
def test_percentiles_are_values_that_were_seen(values: list[float]) -> None:
    ordered = sorted(values)
    seen = [probe.percentile(ordered, share) for share in probe.SHARES.values()]
    assert seen == sorted(seen)
    assert seen[-1] == round(ordered[-1], 2)
    assert all(value in {round(one, 2) for one in ordered} for value in seen)


def test_the_percentile_of_nothing_is_zero() -> None:
    assert probe.percentile([], 0.99) == 0.0


@asynccontextmanager
async def serving(handler: Callable[[Request], Awaitable[Response]]) -> AsyncIterator[tuple[str, HttpServer]]:
    """A server on a free port of loopback, without the drain of a whole `run`."""
    server = HttpServer(handler)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: http_server.Connection(server), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", server
    finally:
        listener.close()
        for connection in list(server.connections):
            if connection.transport is not None:
                connection.transport.close()


async def test_a_probe_counts_by_status_service_and_version() -> None:
    numbers = iter(range(100))

    async def handler(request: Request) -> Response:
        number = next(numbers)
        if number % 10 == 9:
            return json_response({"error": "no"}, 503)
        return json_response({"service": "api", "version": "v2" if number % 10 >= 8 else "v1"})

    async with serving(handler) as (url, _):
        result = await probe.run(probe.Plan(url=url, count=100, concurrency=7), asyncio.Event())
    report = result.report()
    assert report["requests"] == 100
    assert report["status"] == {"200": 90, "503": 10}
    assert report["version"] == {"v1": 80, "v2": 10}
    assert report["errors"] == {}


async def test_a_refused_connection_is_an_error_and_no_answer() -> None:
    result = await probe.run(probe.Plan(url="http://127.0.0.1:1/", count=3), asyncio.Event())
    report = result.report()
    assert report["status"] == {}
    assert report["errors"] == {"ConnectionRefusedError": 3}
    assert report["requests"] == 3


async def test_a_kept_connection_that_was_closed_is_replaced_and_said() -> None:
    async def handler(request: Request) -> Response:
        return json_response({})

    async with serving(handler) as (url, server):
        client = HttpClient()
        assert (await client.request("GET", url)).status == 200
        for connection in list(server.connections):
            assert connection.transport is not None
            connection.transport.close()
        assert (await client.request("GET", url)).status == 200
        assert client.retried == 1
        client.close()


async def test_a_draining_server_answers_and_says_goodbye() -> None:
    async def handler(request: Request) -> Response:
        return json_response({})

    async with serving(handler) as (url, server):
        client = HttpClient()
        server.draining = True
        answer = await client.request("GET", url)
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert (await client.request("GET", url)).status == 200
        assert client.retried == 0
        client.close()


async def test_a_backend_tells_who_answered_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_SERVICE", "api")
    monkeypatch.setenv("SHOP_VERSION", "v2")
    state = State()
    headers = {"authorization": "Bearer secret", "x-probe": "me", "host": "api"}
    answer = await Backend(state).handle(Request("GET", "/goods?x=1", headers))
    told = json.loads(answer.body)
    assert (told["service"], told["version"], told["path"]) == ("api", "v2", "/goods")
    assert told["headers"] == {"host": "api", "x-probe": "me"}
    assert b"secret" not in answer.body
    assert (state.requests, state.probes) == (1, {"me": 1})


async def test_health_is_not_counted() -> None:
    state = State()
    assert (await Backend(state).handle(Request("GET", "/healthz", {}))).status == 200
    assert state.requests == 0


async def test_hanging_ends_when_it_is_switched_off() -> None:
    state = State()
    control.apply(state, {"op": "hang", "seconds": 500})
    waiting = asyncio.create_task(Backend(state).handle(Request("GET", "/", {})))
    await asyncio.sleep(0)
    assert not waiting.done()
    control.apply(state, {"op": "hang", "seconds": 0})
    assert (await asyncio.wait_for(waiting, 5)).status == 200


def test_an_unknown_operation_is_refused() -> None:
    assert "not one of" in control.apply(State(), {"op": "explode"})["error"]


async def test_the_control_socket_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_RUN", str(tmp_path))
    state = State(requests=3)
    server = await control.serve(state)
    assert (await control.ask({"op": "stats"}))["requests"] == 3
    server.close()


async def test_web_says_502_when_the_api_does_not_answer_well() -> None:
    async def broken(request: Request) -> Response:
        return json_response({}, 503)

    async with serving(broken) as (url, _):
        answer = await Web(State(), url).handle(Request("GET", "/", {}))
    assert answer.status == 502
    assert b"answered 503" in answer.body
    away = await Web(State(), "http://127.0.0.1:1").handle(Request("GET", "/", {}))
    assert away.status == 502


async def test_web_pays_through_the_apis_address() -> None:
    paths: list[str] = []

    async def api(request: Request) -> Response:
        paths.append(request.path)
        return json_response({"service": "payment"})

    async with serving(api) as (url, _):
        answer = await Web(State(), url).handle(Request("GET", "/checkout", {}))
    assert json.loads(answer.body)["answer"] == {"service": "payment"}
    assert paths == ["/payment/charge"]
