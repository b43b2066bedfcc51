"""The retry budget, counted, and faults under retries."""

from __future__ import annotations

import asyncio

from tests.integration.worker.conftest import Start, head
from tests.integration.worker.retrying import RETRY, retrying
from tests.integration.worker.scripted import Server, fails


async def test_a_backend_that_always_fails_gets_a_quarter_more(start: Start) -> None:
    """1,000 requests that want two retries each, a budget of 25 % and 5 a second over 10 seconds."""
    budget = {"percent": 25.0, "minPerSecond": 5.0, "intervalSeconds": 10.0}
    bench = await start(config=retrying(budget=budget))
    with Server(bench, fails(10_000)) as server:
        callers = [await bench.call() for _ in range(10)]
        for _ in range(100):
            answers = await asyncio.gather(*(caller.ask() for caller in callers))
            assert all(answer.endswith(b"bad") for answer in answers), "past the budget the last answer is given"
        attempts = len(server.got)
        status = await bench.status()
    floor = 5 * 10
    assert 1.2 <= (attempts - floor) / 1000 <= 1.25
    assert status["retries"] == attempts - 1000
    assert status["retriesOverBudget"] >= 1000 - status["retries"]


async def test_a_budget_is_shared_by_all_routes_to_a_service(start: Start) -> None:
    made = retrying(budget={"percent": 0.0, "minPerSecond": 0.2, "intervalSeconds": 10.0})
    made["outbound"]["frontends"][0]["routes"]["rules"][0]["retry"] = RETRY
    for backend in made["outbound"]["backends"]:
        backend["service"] = "shop/api"
    bench = await start(config=made)
    with Server(bench, fails(99)) as server:
        caller = await bench.call()
        await caller.ask(head("GET /payment"))
        assert len(server.got) == 1 + 2
        await caller.ask()
        assert len(server.got) == 3 + 1
        await bench.configure(made)
        await caller.ask()
        assert len(server.got) == 4 + 1, "a snapshot does not fill it again"


async def test_past_the_budget_of_the_gateway_api(start: Start) -> None:
    bench = await start(config=retrying(budget={"percent": 0.0, "minPerSecond": 0.0, "overStatus": 503}))
    bad = b"HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n"
    await bench.configure(
        retrying(
            budget={"percent": 0.0, "minPerSecond": 0.0, "overStatus": 503},
            retry=RETRY | {"statuses": [500]},
        )
    )
    with Server(bench, fails(1, bad)):
        answer = await (await bench.call()).ask()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nx-mesh-error: retry-budget-exhausted\r\n" in answer


async def test_a_fault_is_a_failed_attempt(start: Start) -> None:
    """Half of the attempts abort, one retry: a quarter of the requests fails. Chance gives, in turn, requests whose
    two attempts abort, whose first does, and two whose first does not (the draw between is that of the pause)."""
    fault = {"name": "broken", "percent": 50.0, "abortStatus": 503}
    retry = RETRY | {"attempts": 1}
    bench = await start(config=retrying(retry=retry, faults=[fault]), chance=[0.1, 0.0, 0.2, 0.3, 0.0, 0.8, 0.7, 0.9])
    with Server(bench, fails(0)) as server:
        caller = await bench.call()
        answers = [await caller.ask() for _ in range(400)]
    failed = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503 ")]
    assert all(b"\r\nx-mesh-internal-fault: broken\r\n" in answer for answer in failed)
    assert len(failed) == 100
    assert len(server.got) == 300
    assert (await bench.status())["retries"] == 200


async def test_a_fault_over_its_budget(start: Start) -> None:
    """The same with a budget of 25 %: retries stay within it, what is beyond fails."""
    fault = {"name": "broken", "percent": 100.0, "abortStatus": 503}
    budget = {"percent": 25.0, "minPerSecond": 1.0, "intervalSeconds": 10.0}
    bench = await start(config=retrying(budget=budget, faults=[fault]))
    caller = await bench.call()
    for _ in range(200):
        assert (await caller.ask()).startswith(b"HTTP/1.1 503 ")
    assert (await bench.status())["retries"] == 50 + 10
    assert bench.accepted.empty()
