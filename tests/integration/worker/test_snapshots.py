"""Snapshots in a real worker: which one a request is served by."""

from __future__ import annotations

from tests.integration.worker.conftest import OK, Bench, Start, head, snapshot


async def test_a_request_keeps_the_snapshot_it_started_with(start: Start) -> None:
    slow = [{"name": "slow", "delaySeconds": 0.3}]
    bench = await start(config=snapshot(faults=slow))
    caller = await bench.call()
    caller.send(head("GET /before"))
    await bench.counted("requests", 1)
    await bench.configure(snapshot(backends=[{"backend": "shop/v2"}]))
    other = await bench.call()
    other.send(head("GET /after"))
    # On a busy machine the delayed one may be first.
    heads = [await (await bench.upstream()).head() for _ in range(2)]
    found = {one.split()[1]: b"backend: shop/v2\r\n" in one for one in heads}
    assert found == {b"/before": False, b"/after": True}


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
