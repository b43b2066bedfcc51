"""`/livez`, `/readyz` and `/metrics` on the pod's plain port."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from control_plane.serve.metrics import Metrics


def routes(metrics: Metrics, waiting_for: Callable[[], list[str]]) -> list[web.RouteDef]:
    """The routes; `waiting_for` names what is not ready yet (empty: everything is)."""

    async def livez(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def readyz(_: web.Request) -> web.Response:
        missing = waiting_for()
        if missing:
            return web.Response(status=503, text="waiting for " + ", ".join(missing) + "\n")
        return web.Response(text="ok\n")

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"content-type": CONTENT_TYPE_LATEST})

    return [web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", show)]
