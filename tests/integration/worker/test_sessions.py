"""Sessions in a real worker: the token goes to the client and comes back, the endpoint goes to HAProxy."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.integration.worker.conftest import Start, Wire, head, snapshot

BACKENDS = [{"backend": "shop/v1", "weight": 1}, {"backend": "shop/v2", "weight": 0}]


def config(session: dict[str, Any], **rule: Any) -> dict[str, Any]:
    """`shop/v1` is 10.1.1.1:80 and 10.1.1.2:80, `shop/v2` is 10.1.2.1:80."""
    made = snapshot(session=session, **({"backends": BACKENDS} | rule))
    endpoints = {"shop/v1": ("10.1.1.1", "10.1.1.2"), "shop/v2": ("10.1.2.1",)}
    for backend in made["outbound"]["backends"]:
        backend["endpoints"] = [{"ip": ip, "port": 80} for ip in endpoints.get(backend["name"], ())]
    return made


def told(request: bytes, name: str) -> str:
    found = re.search(rf"x-mesh-internal-{name}: ([^\r]*)\r\n".encode(), request)
    return found.group(1).decode() if found else ""


def an_answer(endpoint: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: 0\r\nx-mesh-internal-endpoint: {endpoint}\r\n\r\n".encode()


async def ask(caller: Wire, server: Wire, endpoint: str, *fields: str) -> tuple[bytes, bytes]:
    """What the return socket got, and what the client got."""
    caller.send(head("GET /x", *fields))
    request = await server.head()
    server.send(an_answer(endpoint))
    return request, await caller.head()


async def test_a_cookie_leads_back_to_the_endpoint_that_answered(start: Start) -> None:
    bench = await start(config=config({"name": "sid"}))
    caller = await bench.call()
    caller.send(head("GET /x"))
    server = await bench.upstream()
    assert told(await server.head(), "session") == ""
    server.send(an_answer("10.1.1.2:80"))
    cookie = re.search(rb"set-cookie: (sid=[^;]*); Path=/; HttpOnly; SameSite=Lax\r\n", await caller.head())
    assert cookie is not None
    back = f"cookie: a=b; {cookie.group(1).decode()}"
    request, answer = await ask(caller, server, "10.1.1.2:80", back)
    assert (told(request, "backend"), told(request, "session")) == ("shop/v1", "10.1.1.2:80")
    assert b"set-cookie" not in answer
    # It has gone meanwhile: HAProxy took another one, and the client learns of it.
    request, answer = await ask(caller, server, "10.1.1.1:80", back)
    assert told(request, "session") == "10.1.1.2:80"
    assert b"set-cookie: sid=" in answer
    assert cookie.group(1) not in answer


async def test_a_session_outlives_its_backends_weight(start: Start) -> None:
    alone = [{"backend": "shop/v2"}]
    bench = await start(config=config({"name": "x-sid", "type": "Header"}, backends=alone))
    caller, server = await bench.begun(head("GET /x"))
    server.send(an_answer("10.1.2.1:80"))
    token = re.search(rb"x-sid: ([^\r]*)\r\n", await caller.head())
    assert token is not None
    await bench.configure(config({"name": "x-sid", "type": "Header"}) | {"version": "sha256:next"})
    caller.send(head("GET /x", f"X-Sid: {token.group(1).decode()}"))
    server = await bench.upstream()
    request = await server.head()
    assert (told(request, "backend"), told(request, "session")) == ("shop/v2", "10.1.2.1:80")
    server.send(an_answer("10.1.2.1:80"))
    assert b"x-sid: " + token.group(1) + b"\r\n" in await caller.head()
    request, _ = await ask(caller, server, "10.1.1.1:80")
    assert (told(request, "backend"), told(request, "session")) == ("shop/v1", "")


async def test_a_retry_goes_where_it_likes_and_moves_the_session(start: Start) -> None:
    retry = {"attempts": 1, "statuses": [503], "backoffBaseSeconds": 0}
    bench = await start(config=config({"name": "x-sid", "type": "Header"}, retry=retry))
    caller, server = await bench.begun(head("GET /x"))
    server.send(an_answer("10.1.1.1:80"))
    token = re.search(rb"x-sid: ([^\r]*)\r\n", await caller.head())
    assert token is not None
    caller.send(head("GET /x", f"x-sid: {token.group(1).decode()}"))
    assert told(await server.head(), "session") == "10.1.1.1:80"
    server.send(an_answer("10.1.1.1:80", "503 Service Unavailable"))
    assert told(await server.head(), "session") == ""
    server.send(an_answer("10.1.1.2:80"))
    answer = await caller.head()
    assert answer.startswith(b"HTTP/1.1 200 ")
    moved = re.search(rb"x-sid: ([^\r]*)\r\n", answer)
    assert moved is not None
    assert moved.group(1) != token.group(1)


@pytest.mark.parametrize("value", ["", "x", "0" * 24 + ".1.1", "a" * 5000, "ddff7c6a98e31e1cb22e1877.0.0"])
async def test_a_token_of_no_session_is_as_none(start: Start, value: str) -> None:
    bench = await start(config=config({"name": "sid"}))
    caller = await bench.call()
    caller.send(head("GET /x", f"cookie: sid={value}"))
    server = await bench.upstream()
    request = await server.head()
    assert (told(request, "backend"), told(request, "session")) == ("shop/v1", "")
