"""The agent's side door: one JSON object a line in, one out, then the connection ends. See docs/contract.md."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from mesh_addons import frontends
from mesh_policy import wire
from mesh_policy.errors import InvalidConfig
from proxy.worker.service import Service

logger = logging.getLogger(__name__)


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    op: str
    config: msgspec.Raw = msgspec.Raw(b"")


_decoder = msgspec.json.Decoder(_Request)


class Control:
    """Answers the agent.

    Args:
        drain: begins the end of the worker.
        configured: called after every snapshot that was accepted.
    """

    def __init__(
        self, service: Service, drain: Callable[[], None], configured: Callable[[], None] = lambda: None
    ) -> None:
        self._service = service
        self._drain = drain
        self._configured = configured

    def answer(self, line: bytes) -> dict[str, Any]:
        """The answer to one request. It never raises for what the line holds."""
        try:
            request = _decoder.decode(line)
        except msgspec.MsgspecError as error:
            return {"ok": False, "violations": [{"path": "", "message": str(error)}]}
        match request.op:
            case "config":
                return self._configure(bytes(request.config))
            case "status":
                return {"version": self._service.version, **self._service.counters.as_dict()}
            case "drain":
                self._drain()
                return {"ok": True}
        message = f"{request.op!r} is not one of config, status, drain"
        return {"ok": False, "violations": [{"path": "op", "message": message}]}

    def _configure(self, data: bytes) -> dict[str, Any]:
        try:
            config = wire.decode(data)
        except InvalidConfig as error:
            logger.warning("snapshot refused: %s", error)
            return {"ok": False, "violations": [{"path": v.path, "message": v.message} for v in error.violations]}
        self._service.configure(frontends.prepare(config), config)
        self._configured()
        return {"ok": True, "version": config.version}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of the agent."""
        try:
            async with asyncio.timeout(self._service.limits.control_seconds):
                line = await reader.readuntil(b"\n")
                writer.write(msgspec.json.encode(self.answer(line)) + b"\n")
                await writer.drain()
        except (OSError, EOFError, asyncio.LimitOverrunError) as error:
            logger.warning("control connection given up: %s", type(error).__name__)
        finally:
            writer.close()
