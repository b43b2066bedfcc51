"""What each service of the shop answers. Every answer says who gave it: one sees where a request went."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from shop.http_client import HttpClient
from shop.http_server import Request, Response, json_response

SHOWN_HEADERS = ("host", "x-request-id", "x-forwarded-client-cert", "x-probe", "x-shop-user")
"""Request headers that an answer repeats. Not all: a header may carry a secret."""
GOODS = [
    {"id": 1, "name": "shuttle", "price": 12},
    {"id": 2, "name": "reed", "price": 30},
    {"id": 3, "name": "heddle", "price": 7},
]
MAX_PROBES = 1000


@dataclass(slots=True)
class State:
    """What the control socket reads and sets (see control.py)."""

    hang_seconds: float = 0.0
    """Each request waits this long before it is answered; 0: no wait."""
    requests: int = 0
    probes: Counter[str] = field(default_factory=Counter)
    """Requests by the value of their `x-probe` header: how many copies of whose requests arrived."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def count(self, request: Request) -> None:
        self.requests += 1
        probe = request.headers.get("x-probe")
        if probe and (probe in self.probes or len(self.probes) < MAX_PROBES):
            self.probes[probe] += 1

    async def hang(self) -> None:
        """Waits out `hang_seconds`; ends at once when they are set to something else."""
        if self.hang_seconds <= 0:
            return
        try:
            await asyncio.wait_for(self.changed.wait(), self.hang_seconds)
        except TimeoutError:
            return


def identity() -> dict[str, str]:
    env = os.environ
    return {
        "service": env.get("SHOP_SERVICE", "shop"),
        "version": env.get("SHOP_VERSION", ""),
        "pod": env.get("SHOP_POD", ""),
        "namespace": env.get("SHOP_NAMESPACE", ""),
    }


class Backend:
    """`api` and `payment`: they know the goods and take the money, and call nobody."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.me = identity()

    async def handle(self, request: Request) -> Response:
        if request.path == "/healthz":
            return json_response({"ok": True})
        self.state.count(request)
        await self.state.hang()
        seen = {name: request.headers[name] for name in SHOWN_HEADERS if name in request.headers}
        answer: dict[str, Any] = {**self.me, "method": request.method, "path": request.path, "headers": seen}
        if self.me["service"] == "api":
            answer["goods"] = GOODS
        return json_response(answer, headers={"x-shop-version": self.me["version"], "x-shop-pod": self.me["pod"]})


class Web:
    """`web`: `/` asks the api for goods, `/checkout` pays through the api's address; 502 if it got no good answer."""

    def __init__(self, state: State, api_url: str) -> None:
        self.state = state
        self.api_url = api_url.rstrip("/")
        self.client = HttpClient()
        self.me = identity()

    async def handle(self, request: Request) -> Response:
        if request.path == "/healthz":
            return json_response({"ok": True})
        self.state.count(request)
        target = "/payment/charge" if request.path == "/checkout" else "/goods"
        passed = {
            name: value for name, value in request.headers.items() if name in ("x-chaos", "x-probe", "x-shop-user")
        }
        try:
            answer = await self.client.request("GET", self.api_url + target, passed)
        except (OSError, ValueError, EOFError) as error:
            return json_response({**self.me, "error": f"{target}: {type(error).__name__}: {error}"}, 502)
        if answer.status != 200:
            return json_response({**self.me, "error": f"{target}: answered {answer.status}"}, 502)
        return json_response({**self.me, "path": request.path, "answer": json.loads(answer.body)})
