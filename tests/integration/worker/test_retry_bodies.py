"""Bodies of requests that take more than one attempt: kept up to a limit, and sent again whole."""

from __future__ import annotations

import pytest

from tests.integration.worker.conftest import OK, Start, head
from tests.integration.worker.retrying import retrying
from tests.integration.worker.scripted import BAD, Server, fails


@pytest.mark.parametrize("size", [0, 2, 65536])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_is_sent_again_whole(start: Start, size: int, chunked: bool) -> None:
    bench = await start(config=retrying())
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    data = b"%x\r\n%b\r\n0\r\n\r\n" % (size, body) if size else b"0\r\n\r\n"
    request = head("PUT /", "transfer-encoding: chunked" if chunked else f"content-length: {size}")
    with Server(bench, fails(2)) as server:
        assert (await (await bench.call()).ask(request + (data if chunked else body))).endswith(b"ok")
        assert len(server.got) == 3
        contents = {_content(one) if chunked else one for _, one in server.got}
        assert contents == {body}


def _content(chunks: bytes) -> bytes:
    content = b""
    while True:
        size, _, chunks = chunks.partition(b"\r\n")
        if not int(size, 16):
            assert chunks == b"\r\n"
            return content
        content, chunks = content + chunks[: int(size, 16)], chunks[int(size, 16) + 2 :]


async def test_a_body_that_is_too_long_is_sent_once(start: Start) -> None:
    bench = await start(config=retrying())
    with Server(bench, fails(1)) as server:
        request = head("PUT /", "content-length: 65537") + b"x" * 65537
        assert (await (await bench.call()).ask(request)).endswith(b"bad")
        assert len(server.got) == 1


async def test_all_kept_bodies_together_are_bounded(start: Start) -> None:
    bench = await start(config=retrying(), limits={"replay_total_bytes": 100})
    first, second = await bench.call(), await bench.call()
    first.send(head("PUT /", "content-length: 90") + b"a" * 80)
    held = await bench.upstream()
    await held.head()
    await held.exactly(80)
    with Server(bench, fails(1)) as server:
        assert (await second.ask(head("PUT /", "content-length: 30") + b"b" * 30)).endswith(b"bad")
        first.send(b"a" * 10)
        await held.exactly(10)
        held.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
        await first.head()
        server.got.clear()
        answer = await second.ask(head("PUT /", "content-length: 90") + b"b" * 90)
        assert answer.endswith(b"ok"), "room comes back with the answer"
        assert len(server.got) == 2


async def test_an_answer_before_the_body_is_whole(start: Start) -> None:
    """The second attempt gets what has come already, and then the rest."""
    bench = await start(config=retrying())
    caller = await bench.call()
    caller.send(head("PUT /", "expect: 100-continue", "content-length: 10") + b"12345")
    first = await bench.upstream()
    assert b"expect: 100-continue" in (await first.head()).lower()
    await first.exactly(5)
    first.send(BAD)
    second = await bench.upstream()
    assert b"expect" not in (await second.head()).lower()
    assert await second.exactly(5) == b"12345"
    caller.send(b"67890")
    assert await second.exactly(5) == b"67890"
    second.send(OK)
    assert (await caller.head()).startswith(b"HTTP/1.1 200 ")
    assert await first.ended()


async def test_trailers_are_sent_again(start: Start) -> None:
    bench = await start(config=retrying())
    caller = await bench.call()
    caller.send(head("PUT /", "transfer-encoding: chunked") + b"2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n")
    for answer in (BAD, OK):
        server = await bench.upstream() if answer is BAD else server  # noqa: F821 - of the round before
        await server.head()
        assert await server.until(b"x-sum: 7\r\n\r\n") == b"2\r\nhi\r\n0\r\nx-sum: 7\r\n\r\n"
        server.send(answer)
    assert (await caller.head()).startswith(b"HTTP/1.1 200 ")
