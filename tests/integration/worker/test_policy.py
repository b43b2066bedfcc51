"""The chain of addons in a real worker: shares, faults, mirrors, snapshots; and what happens when an addon breaks."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter

import pytest

from tests.integration.worker.conftest import Bench, Start, Wire, head, snapshot

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def answer_all(bench: Bench, seen: Counter[str]) -> None:
    """Serve every connection to the return socket, and count the backends that were named."""

    async def serve(wire: Wire) -> None:
        while True:
            request = await wire.reader.readuntil(b"\r\n\r\n")
            backend = request.partition(b"x-mesh-internal-backend: ")[2].partition(b"\r\n")[0].decode()
            seen[backend + (" copy" if b"x-mesh-internal-mirror: 1" in request else "")] += 1
            wire.send(OK)

    async with asyncio.TaskGroup() as group:
        while True:
            group.create_task(_until_closed(serve(await bench.accepted.get())))


async def _until_closed(serving: object) -> None:
    try:
        await serving  # type: ignore[misc]
    except (asyncio.IncompleteReadError, ConnectionError):
        return


async def ask(caller: Wire, *fields: str, path: str = "/") -> bytes:
    caller.send(head(f"GET {path}", *fields))
    answer = await caller.head()
    length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    await caller.exactly(length)
    return answer


async def test_the_split_is_exact(start: Start) -> None:
    backends = [{"backend": "shop/v1", "weight": 80}, {"backend": "shop/v2", "weight": 20}]
    bench = await start(config=snapshot(backends=backends))
    seen: Counter[str] = Counter()
    serving = asyncio.create_task(answer_all(bench, seen))
    callers = [await bench.call() for _ in range(4)]
    for _ in range(25):
        await asyncio.gather(*(ask(caller) for caller in callers))
    assert seen == {"shop/v1": 80, "shop/v2": 20}
    serving.cancel()


async def test_an_invalid_backend_costs_exactly_its_share(start: Start) -> None:
    backends = [{"backend": "shop/v1", "weight": 3}, {"backend": None, "weight": 1}]
    bench = await start(config=snapshot(backends=backends))
    serving = asyncio.create_task(answer_all(bench, Counter()))
    caller = await bench.call()
    answers = [(await ask(caller))[9:12] for _ in range(40)]
    assert Counter(answers) == {b"200": 30, b"500": 10}
    serving.cancel()


async def test_filters_of_a_backend_act_on_its_share_only(start: Start) -> None:
    copied = {"backend": "shop/v1", "weight": 1, "mirrors": [{"backend": "staging/api"}]}
    moved = {"backend": "shop/v2", "weight": 1, "redirect": {"status": 308, "hostname": "other.example"}}
    bench = await start(config=snapshot(backends=[copied, moved]))
    seen: Counter[str] = Counter()
    serving = asyncio.create_task(answer_all(bench, seen))
    caller = await bench.call()
    answers = [await ask(caller, path="/x") for _ in range(10)]
    assert Counter(answer[9:12] for answer in answers) == {b"200": 5, b"308": 5}
    assert sum(b"location: http://other.example/x\r\n" in answer for answer in answers) == 5
    await bench.counted("mirrorSent", 5)
    assert seen == {"shop/v1": 5, "staging/api copy": 5}
    serving.cancel()


async def test_no_rule_is_404(start: Start) -> None:
    config = snapshot()
    config["outbound"]["frontends"][0]["routes"]["entries"].pop()
    bench = await start(config=config)
    answer = await ask(await bench.call())
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"x-mesh-error: route-not-found" in answer


async def test_without_routes_requests_go_to_the_frontends_own_backend(start: Start) -> None:
    config = snapshot()
    del config["outbound"]["frontends"][0]["routes"]
    bench = await start(config=config)
    seen: Counter[str] = Counter()
    serving = asyncio.create_task(answer_all(bench, seen))
    await ask(await bench.call())
    assert seen == {"shop/api": 1}
    serving.cancel()


async def test_an_abort_answers_in_the_backends_place(start: Start) -> None:
    fault = {"name": "broken", "abortStatus": 503, "headers": [{"name": "x-chaos", "value": "on"}]}
    bench = await start(config=snapshot(faults=[fault]))
    serving = asyncio.create_task(answer_all(bench, Counter()))
    caller = await bench.call()
    aborted = await ask(caller, "x-chaos: on")
    assert aborted.startswith(b"HTTP/1.1 503 ")
    assert b"x-mesh-internal-fault: broken" in aborted
    assert (await ask(caller)).startswith(b"HTTP/1.1 200 ")
    serving.cancel()


async def test_a_delay_holds_its_request_only(start: Start) -> None:
    fault = {"name": "slow", "delaySeconds": 0.5, "headers": [{"name": "x-chaos", "value": "on"}]}
    bench = await start(config=snapshot(faults=[fault]))
    serving = asyncio.create_task(answer_all(bench, Counter()))
    slow, quick = await bench.call(), await bench.call()
    delayed = asyncio.create_task(ask(slow, "x-chaos: on"))
    for _ in range(20):
        await ask(quick)
    assert not delayed.done()
    assert b"x-mesh-internal-fault: slow" in await delayed
    serving.cancel()


async def test_a_caller_that_goes_during_a_delay_is_forgotten(start: Start) -> None:
    bench = await start(config=snapshot(faults=[{"name": "slow", "delaySeconds": 30.0}]))
    caller = await bench.call()
    caller.send(head("GET /"))
    await bench.counted("requests", 1)
    caller.close()
    bench.process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(bench.process.wait, 4) == 0


async def test_a_copy_carries_the_body_and_its_own_backend(start: Start) -> None:
    bench = await start(config=snapshot(mirrors=[{"backend": "staging/api"}]))
    caller = await bench.call()
    caller.send(head("POST /x", "transfer-encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n")
    found: dict[bool, bytes] = {}
    for _ in range(2):
        server = await bench.upstream()
        request = await server.head()
        copy = b"x-mesh-internal-mirror: 1\r\n" in request
        body = await (server.exactly(5) if copy else server.until(b"0\r\n\r\n"))
        found[copy] = request + body
        server.send(OK)
    assert b"x-mesh-internal-backend: staging/api\r\n" in found[True]
    assert found[True].endswith(b"\r\ncontent-length: 5\r\n\r\nhello")
    assert b"x-mesh-internal-backend: shop/v1\r\n" in found[False]
    assert b" 200 " in await caller.head()
    await bench.counted("mirrorSent", 1)


async def test_a_mirror_that_hangs_is_not_noticed(start: Start) -> None:
    limits = {"copies_at_once": 2, "copies_queued": 3, "copy_seconds": 30.0}
    bench = await start(config=snapshot(mirrors=[{"backend": "staging/api"}]), limits=limits)
    seen: Counter[str] = Counter()

    async def serve(wire: Wire) -> None:
        while True:
            request = await wire.reader.readuntil(b"\r\n\r\n")
            if b"x-mesh-internal-mirror" in request:
                seen["copy"] += 1
                await asyncio.Event().wait()
            wire.send(OK)

    async def accept() -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                group.create_task(_until_closed(serve(await bench.accepted.get())))

    serving = asyncio.create_task(accept())
    caller = await bench.call()
    for _ in range(50):
        assert (await ask(caller)).startswith(b"HTTP/1.1 200 ")
    status = await bench.status()
    assert seen["copy"] <= 2
    assert status["mirrorDropped"] == 50 - 2 - 3
    serving.cancel()


async def test_a_copy_that_takes_too_long_is_given_up(start: Start) -> None:
    bench = await start(config=snapshot(mirrors=[{"backend": "staging/api"}]), limits={"copy_seconds": 0.1})
    caller = await bench.call()
    caller.send(head("GET /"))
    await bench.counted("mirrorFailed", 1)


async def test_a_copy_that_reaches_nobody_has_failed(start: Start) -> None:
    bench = await start(config=snapshot(mirrors=[{"backend": "staging/api"}]))
    caller = await bench.call()
    caller.send(head("GET /"))
    for _ in range(2):
        server = await bench.upstream()
        copy = b"x-mesh-internal-mirror: 1\r\n" in await server.head()
        nobody = b"HTTP/1.1 503 no\r\nx-mesh-internal-failure: no-endpoint\r\ncontent-length: 0\r\n\r\n"
        server.send(nobody if copy else OK)
    assert b" 200 " in await caller.head()
    await bench.counted("mirrorFailed", 1)
    assert (await bench.status())["mirrorSent"] == 0


async def test_a_body_that_is_too_long_is_not_copied(start: Start) -> None:
    bench = await start(config=snapshot(mirrors=[{"backend": "staging/api"}]))
    caller = await bench.call()
    caller.send(head("POST /", "content-length: 70000") + b"x" * 70_000)
    server = await bench.upstream()
    await server.head()
    await server.exactly(70_000)
    server.send(OK)
    assert b" 200 " in await caller.head()
    assert (await bench.status())["mirrorDropped"] == 1
    assert bench.accepted.empty()


async def test_header_changes_of_rule_and_backend(start: Start) -> None:
    backend = {
        "backend": "shop/v1",
        "requestHeaders": {"add": [["x-tag", "backend"]]},
        "responseHeaders": {"set": [["x-from", "backend"]]},
    }
    changes = {"set": [["x-tag", "rule"]], "remove": ["x-gone"]}
    bench = await start(
        config=snapshot(backends=[backend], requestHeaders=changes, responseHeaders={"add": [["x-from", "rule"]]})
    )
    caller = await bench.call()
    caller.send(head("GET /", "X-Tag: caller", "X-Gone: 1"))
    server = await bench.upstream()
    seen = (await server.head()).lower()
    assert b"x-gone" not in seen
    assert b"\r\nx-tag: rule\r\nx-tag: backend\r\n" in seen
    server.send(b"HTTP/1.1 200 OK\r\nX-From: server\r\ncontent-length: 0\r\n\r\n")
    assert b"\r\nx-from: backend\r\nx-from: rule\r\n" in await caller.head()


async def test_a_request_keeps_the_snapshot_it_started_with(start: Start) -> None:
    slow = [{"name": "slow", "delaySeconds": 0.3}]
    bench = await start(config=snapshot(faults=slow))
    caller = await bench.call()
    caller.send(head("GET /"))
    await bench.counted("requests", 1)
    await bench.configure(snapshot(backends=[{"backend": "shop/v2"}]))
    other = await bench.call()
    other.send(head("GET /"))
    first = await bench.upstream()
    assert b"backend: shop/v2\r\n" in await first.head()
    second = await bench.upstream()
    assert b"backend: shop/v1\r\n" in await second.head()


async def test_a_request_waits_for_the_snapshot_that_has_its_frontend(start: Start) -> None:
    bench = await start(config=None, limits={"frontend_seconds": 10})
    caller = await bench.call()
    caller.send(head("GET /"))
    await bench.counted("requests", 1)
    await bench.configure(snapshot() | {"outbound": {}})
    await bench.configure(snapshot())
    server = await bench.upstream()
    assert b"backend: shop/v1\r\n" in await server.head()


async def test_connections_of_before_a_snapshot_are_not_used_after_it(bench: Bench) -> None:
    idle, busy = await bench.call(), await bench.call()
    for caller in (idle, busy):
        caller.send(head("GET /"))
    servers = [await bench.upstream(), await bench.upstream()]
    for server in servers:
        await server.head()
    servers[0].send(OK)
    await idle.head()
    await bench.configure(snapshot())
    assert await servers[0].ended()
    servers[1].send(OK)
    await busy.head()
    assert await servers[1].ended()


async def test_a_bad_snapshot_is_refused_and_the_last_one_stays(bench: Bench) -> None:
    bad = snapshot(requestHeaders={"set": [["x-mesh-internal-backend", "shop/v2"]]})
    answer = await bench.control({"op": "config", "config": bad})
    assert not answer["ok"]
    assert answer["violations"][0]["path"] == "outbound.frontends[0].routes.rules[1].requestHeaders.set"
    assert not (await bench.control({"op": "config", "config": {"wireVersion": 99}}))["ok"]
    assert not (await bench.control({"op": "explode"}))["ok"]
    caller = await bench.call()
    caller.send(head("GET /"))
    server = await bench.upstream()
    assert b"backend: shop/v1\r\n" in await server.head()


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
    caller = await bench.call()
    caller.send(head("GET /"))
    server = await bench.upstream()
    await server.head()
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


async def test_a_drain_finishes_what_is_in_flight(bench: Bench) -> None:
    idle, busy = await bench.call(), await bench.call()
    busy.send(head("GET /"))
    server = await bench.upstream()
    await server.head()
    bench.process.send_signal(signal.SIGTERM)
    assert await idle.ended()
    server.send(OK)
    answer = await busy.rest()
    assert b"\r\nconnection: close\r\n" in answer
    assert answer.endswith(b"ok")
    assert await asyncio.to_thread(bench.process.wait, 5) == 0


async def test_a_redirect_and_a_browsers_question_are_answered_without_a_backend(start: Start) -> None:
    bench = await start(config=snapshot(redirect={"status": 308, "scheme": "https", "path": {"prefix": "/new"}}))
    caller = await bench.call()
    for _ in range(2):  # the connection serves further requests
        moved = await ask(caller, path="/old?q=1")
        assert moved.startswith(b"HTTP/1.1 308 ")
        assert b"location: https://api/new/old?q=1\r\n" in moved
    await bench.configure(snapshot(cors={"allowOrigins": ["https://page.example"]}))
    for _ in range(2):
        caller.send(head("OPTIONS /", "Origin: https://page.example", "Access-Control-Request-Method: PUT"))
        permission = await caller.head()
        assert permission.startswith(b"HTTP/1.1 204 ")
        assert b"access-control-allow-origin: https://page.example\r\n" in permission
        assert b"content-length" not in permission.lower()


async def test_a_backend_sees_the_rewritten_request(start: Start) -> None:
    bench = await start(config=snapshot(rewrite={"hostname": "other", "path": {"prefix": "/v1"}}))
    caller = await bench.call()
    caller.send(head("GET /a?q=1"))
    server = await bench.upstream()
    assert (await server.head()).startswith(b"GET /v1/a?q=1 HTTP/1.1\r\nHost: other\r\n")
