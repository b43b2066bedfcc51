"""Errors of the mesh to callers of gRPC, as the worker hands them to HAProxy: which tells the client 200 (the sidecar's
tests show that)."""

from __future__ import annotations

import pytest

from tests.integration.worker.conftest import Bench, Start, Wire, head, snapshot

CALL = "content-type: application/grpc+proto"
MARK = b"\r\nx-mesh-internal-grpc: 1\r\n"
PAGE = b"content-type: text/plain\r\ncontent-length: 5\r\n\r\npage\n"


async def refused(caller: Wire, status: int, grpc_status: int, reason: str) -> bytes:
    """The head of such an answer, which is all there is."""
    answer = await caller.head()
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    fields = answer.lower().split(b"\r\n")
    assert b"content-type: application/grpc" in fields
    assert b"content-length: 0" in fields
    assert b"grpc-status: %d" % grpc_status in fields
    assert b"grpc-message: mesh: " + reason.encode() in fields
    assert b"x-mesh-error: " + reason.encode() in fields
    assert answer.count(MARK) == 1
    return answer


def call(kind: str = CALL, path: str = "/a.B/C") -> bytes:
    return head(f"POST {path}", kind, "content-length: 5") + b"\0\0\0\0\0"


@pytest.mark.parametrize("kind", ["application/grpc", "application/grpc+proto", "Application/GRPC;x=y"])
async def test_a_refusal_is_a_head_alone(start: Start, kind: str) -> None:
    bench = await start(config=snapshot(backends=[]))
    caller = await bench.call()
    for _ in range(2):  # and the connection can be used again
        caller.send(call(f"content-type: {kind}"))
        await refused(caller, 500, 2, "no-backend")
    for other in ("application/grpc-web", "application/grpcx", "text/plain"):
        caller.send(call(f"content-type: {other}"))
        assert b"grpc-status" not in (answer := await caller.head())
        assert MARK not in answer
        assert await caller.exactly(17) == b"mesh: no-backend\n"


async def test_what_the_rules_change_of_the_request_does_not_matter(start: Start) -> None:
    change = {"set": [["content-type", "text/plain"]]}
    bench = await start(config=snapshot(requestHeaders=change, backends=[]))
    caller = await bench.call()
    caller.send(call())
    await refused(caller, 500, 2, "no-backend")


async def test_a_limit_of_time(start: Start) -> None:
    bench = await start(config=snapshot(timeouts={"requestSeconds": 0.05}))
    caller = await bench.call()
    caller.send(call())
    await refused(caller, 504, 4, "request-timeout")


@pytest.mark.parametrize(
    ("abort", "status", "grpc_status"), [({"abortStatus": 429}, 429, 8), ({"abortGrpcStatus": 5}, 404, 5)]
)
async def test_a_fault(start: Start, abort: dict[str, int], status: int, grpc_status: int) -> None:
    bench = await start(config=snapshot(faults=[{"name": "broken", **abort}]))
    caller = await bench.call()
    caller.send(call())
    assert b"x-mesh-internal-fault: broken\r\n" in await refused(caller, status, grpc_status, "fault")


async def test_a_fault_that_is_no_error_stays(start: Start) -> None:
    bench = await start(config=snapshot(faults=[{"name": "odd", "abortStatus": 299}]))
    caller = await bench.call()
    caller.send(call())
    assert b"grpc-status" not in await caller.head()


@pytest.mark.parametrize(("status", "grpc_status"), [(502, 14), (503, 14), (504, 4)])
async def test_what_the_return_leg_says(bench: Bench, status: int, grpc_status: int) -> None:
    """HAProxy's page is for nobody, and the connection that brought it is used again."""
    caller = await bench.call()
    caller.send(call())
    server = await bench.upstream()
    failure = b"HTTP/1.1 %d X\r\nx-mesh-internal-failure: connect\r\nx-mesh-error: why\r\n" % status + PAGE
    for _ in range(2):
        await server.head()
        await server.exactly(5)
        server.send(failure)
        await refused(caller, status, grpc_status, "why")
        caller.send(call())
    assert bench.accepted.empty()


async def test_what_the_called_sidecar_says_is_passed_on(bench: Bench) -> None:
    caller = await bench.call()
    caller.send(call())
    server = await bench.upstream()
    await server.head()
    said = b"x-mesh-error: denied\r\ngrpc-status: 7\r\ngrpc-message: mesh: denied\r\ncontent-type: application/grpc\r\n"
    server.send(b"HTTP/1.1 403 X\r\nx-mesh-internal-grpc: 1\r\n" + said + b"content-length: 0\r\n\r\n")
    await refused(caller, 403, 7, "denied")


async def test_the_answers_of_applications_stay(bench: Bench) -> None:
    caller = await bench.call()
    caller.send(call())
    server = await bench.upstream()
    for answer in (b"HTTP/1.1 503 X\r\nx-mesh-error: why\r\n" + PAGE, b"HTTP/1.1 200 OK\r\n" + PAGE):
        await server.head()
        await server.exactly(5)
        server.send(answer)
        got = await caller.head() + await caller.exactly(5)
        assert got.endswith(b"page\n")
        assert MARK not in got
        assert b"grpc-status" not in got
        caller.send(call())


@pytest.mark.parametrize(("status", "tried"), [(503, 2), (429, 1)])
async def test_a_rule_that_names_a_status_of_grpc_means_what_the_client_would_read(
    start: Start, status: int, tried: int
) -> None:
    retry = {"attempts": 1, "backoffBaseSeconds": 0.0, "grpcStatuses": [14], "methods": None}
    bench = await start(config=snapshot(retry=retry))
    caller = await bench.call()
    caller.send(call())
    server = await bench.upstream()
    for _ in range(tried):
        await server.head()
        await server.exactly(5)
        server.send(b"HTTP/1.1 %d X\r\n" % status + PAGE)
    assert (await caller.head()).startswith(b"HTTP/1.1 %d " % status)
    assert (await bench.status())["retries"] == tried - 1
