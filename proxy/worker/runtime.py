"""The running worker: its sockets, its timers, its end."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mesh_addons import chain
from proxy.worker.control import Control
from proxy.worker.copies import Copies
from proxy.worker.downstream import Downstream
from proxy.worker.service import Service
from proxy.worker.settings import Settings
from proxy.worker.upstream import Pool, place

logger = logging.getLogger(__name__)


class Worker:
    """One worker process. `run` ends when it has been drained.

    Args:
        more_addons: called after the mesh's own.
        chance: a random number in [0, 1).
    """

    def __init__(
        self, settings: Settings, more_addons: Sequence[object] = (), *, chance: Callable[[], float] = random.random
    ) -> None:
        self._settings = settings
        self._more_addons = more_addons
        limits = settings.limits
        self._pools = [_pool(settings, limits.idle_upstreams), _pool(settings, limits.copies_at_once)]
        self._service = Service(limits, chain.Hooks(), self._pools[0], chance)
        self._copies = Copies(self._pools[1], limits, self._service.counters)
        self._open: set[Downstream] = set()
        self._ending = asyncio.Event()
        self._configured = asyncio.Event()

    async def run(self) -> None:
        """Serve until SIGTERM, SIGINT or `drain`, then finish what is in flight within the limit."""
        addons = chain.outbound_addons(
            chance=self._service.chance, sleep=asyncio.sleep, now=time.time, copies=self._copies
        )
        self._service.hooks = chain.hooks((*addons, *self._more_addons))
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.drain)
        control = Control(self._service, self.drain, self._take_configuration)
        servers: list[asyncio.Server] = [
            await loop.create_unix_server(
                lambda: Downstream(self._service, self._open),
                sock=_listener(self._settings),
                backlog=4096,
                start_serving=self._settings.listener_fd is None,
            ),
            await asyncio.start_unix_server(
                control.serve, sock=_listen(self._settings.control_socket), limit=self._settings.limits.control_bytes
            ),
        ]
        logger.info("worker serves on %s", self._settings.worker_socket)
        sweeper = loop.create_task(self._sweep())
        first = loop.create_task(self._serve_when_configured(servers[0]))
        await self._ending.wait()
        first.cancel()
        await self._finish(servers[0])
        sweeper.cancel()
        servers[1].close()
        self._copies.close()
        self._pools[0].close()

    def _take_configuration(self) -> None:
        """HAProxy may be another process now: kept connections lead to the old one, with its old backends."""
        for pool in self._pools:
            pool.close()
        self._configured.set()

    async def _serve_when_configured(self, server: asyncio.Server) -> None:
        await self._configured.wait()
        await server.start_serving()

    def drain(self) -> None:
        """Take no more connections, and end when the requests in flight are done."""
        self._service.draining = True
        self._ending.set()

    async def _finish(self, server: asyncio.Server) -> None:
        server.close()
        for downstream in tuple(self._open):
            downstream.drain()
        try:
            async with asyncio.timeout(self._settings.drain_seconds):
                while self._open:
                    self._service.closed_one.clear()
                    await self._service.closed_one.wait()
        except TimeoutError:
            logger.warning("%d requests were cut at the end of the drain", len(self._open))
        for downstream in tuple(self._open):
            downstream.abort()

    async def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._settings.limits.sweep_seconds)
            try:
                self._end_what_is_late(loop.time())
            except Exception as error:
                logger.error("sweep failed: %s at %s", type(error).__name__, place(error))

    def _end_what_is_late(self, now: float) -> None:
        for downstream in [one for one in self._open if one.deadline < now]:
            downstream.expire()
        for pool in self._pools:
            pool.sweep(now)


def _pool(settings: Settings, most_idle: int) -> Pool:
    limits = settings.limits
    return Pool(
        settings.return_socket,
        most_idle=most_idle,
        idle_seconds=limits.upstream_idle_seconds,
        connect_seconds=limits.connect_seconds,
    )


def _listener(settings: Settings) -> socket.socket:
    """Where HAProxy connects to: inherited from the supervisor, or made here."""
    if settings.listener_fd is None:
        return _listen(settings.worker_socket)
    inherited = socket.socket(fileno=settings.listener_fd)
    inherited.setblocking(False)
    return inherited


def _listen(path: Path) -> socket.socket:
    """A listening place that appears in one step, for its owner only; the one of a worker before is replaced."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    listener.bind(str(temporary))
    temporary.chmod(0o600)
    listener.listen(4096)
    temporary.replace(path)
    return listener
