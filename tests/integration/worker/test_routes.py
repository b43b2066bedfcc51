"""Rules in a real worker: shares, filters, answers without a backend."""

from __future__ import annotations

import asyncio
from collections import Counter

from tests.integration.worker.conftest import Start, head, snapshot
from tests.integration.worker.scripted import Server, fails


async def test_the_split_is_exact(start: Start) -> None:
    backends = [{"backend": "shop/v1", "weight": 80}, {"backend": "shop/v2", "weight": 20}]
    bench = await start(config=snapshot(backends=backends))
    with Server(bench, fails(0)) as server:
        callers = [await bench.call() for _ in range(4)]
        for _ in range(25):
            await asyncio.gather(*(caller.ask() for caller in callers))
        assert server.backends == {"shop/v1": 80, "shop/v2": 20}


async def test_an_invalid_backend_costs_exactly_its_share(start: Start) -> None:
    backends = [{"backend": "shop/v1", "weight": 3}, {"backend": None, "weight": 1}]
    bench = await start(config=snapshot(backends=backends))
    with Server(bench, fails(0)):
        caller = await bench.call()
        answers = [(await caller.ask())[9:12] for _ in range(40)]
        assert Counter(answers) == {b"200": 30, b"500": 10}


async def test_filters_of_a_backend_act_on_its_share_only(start: Start) -> None:
    copied = {"backend": "shop/v1", "weight": 1, "mirrors": [{"backend": "staging/api"}]}
    moved = {"backend": "shop/v2", "weight": 1, "redirect": {"status": 308, "hostname": "other.example"}}
    bench = await start(config=snapshot(backends=[copied, moved]))
    with Server(bench, fails(0)) as server:
        caller = await bench.call()
        answers = [await caller.ask(head("GET /x")) for _ in range(10)]
        assert Counter(answer[9:12] for answer in answers) == {b"200": 5, b"308": 5}
        assert sum(b"location: http://other.example/x\r\n" in answer for answer in answers) == 5
        await bench.counted("mirrorSent", 5)
        assert server.backends == {"shop/v1": 5, "staging/api copy": 5}


async def test_no_rule_is_404(start: Start) -> None:
    config = snapshot()
    config["outbound"]["frontends"][0]["routes"]["entries"].pop()
    bench = await start(config=config)
    answer = await (await bench.call()).ask()
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"x-mesh-error: route-not-found" in answer


async def test_without_routes_requests_go_to_the_frontends_own_backend(start: Start) -> None:
    config = snapshot()
    del config["outbound"]["frontends"][0]["routes"]
    bench = await start(config=config)
    with Server(bench, fails(0)) as server:
        await (await bench.call()).ask()
        assert server.backends == {"shop/api": 1}


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


async def test_a_redirect_and_a_browsers_question_are_answered_without_a_backend(start: Start) -> None:
    bench = await start(config=snapshot(redirect={"status": 308, "scheme": "https", "path": {"prefix": "/new"}}))
    caller = await bench.call()
    for _ in range(2):  # the connection serves further requests
        moved = await caller.ask(head("GET /old?q=1"))
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
