"""The service's own switch: a unix socket, reached through `kubectl exec … python -m shop control …`.

One JSON object a line each way: `{"op": "stats"}`, `{"op": "hang", "seconds": 30}`, `{"op": "reset"}`.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

from shop.services import State


def socket_path() -> Path:
    return Path(os.environ.get("SHOP_RUN", "/run/shop")) / "control.sock"


def apply(state: State, command: dict[str, Any]) -> dict[str, Any]:
    match command.get("op"):
        case "stats":
            pass
        case "hang":
            state.hang_seconds = min(max(float(command.get("seconds", 0)), 0.0), 600.0)
            wake(state)
        case "reset":
            state.hang_seconds, state.requests = 0.0, 0
            state.probes.clear()
            wake(state)
        case other:
            return {"error": f"op {other!r} is not one of stats, hang, reset"}
    return {
        "requests": state.requests,
        "probes": dict(state.probes),
        "hangSeconds": state.hang_seconds,
        "time": time.time(),
    }


def wake(state: State) -> None:
    waiting, state.changed = state.changed, asyncio.Event()
    waiting.set()


async def serve(state: State) -> asyncio.Server:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await asyncio.wait_for(reader.readline(), 5)
            writer.write(json.dumps(apply(state, json.loads(line))).encode() + b"\n")
            await writer.drain()
        except (ValueError, OSError) as error:
            writer.write(json.dumps({"error": str(error)}).encode() + b"\n")
        finally:
            writer.close()

    path = socket_path()
    path.unlink(missing_ok=True)
    return await asyncio.start_unix_server(answer, path)


async def ask(command: dict[str, Any]) -> dict[str, Any]:
    reader, writer = await asyncio.wait_for(asyncio.open_unix_connection(socket_path()), 5)
    writer.write(json.dumps(command).encode() + b"\n")
    reply: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readline(), 10))
    writer.close()
    return reply
