"""The agent's parts, put together: start or take over, run, drain."""

from __future__ import annotations

import asyncio
import logging
import signal

from proxy.agent import state
from proxy.agent.configuration import Configuration
from proxy.agent.control_plane import Certificate, ControlPlane
from proxy.agent.haproxy import Haproxy
from proxy.agent.health import Health
from proxy.agent.http_server import serve
from proxy.agent.identity import Identity
from proxy.agent.metrics import Metrics
from proxy.agent.outlier import Outliers
from proxy.agent.resolv_conf import nameservers
from proxy.agent.settings import Settings
from proxy.agent.worker import Worker
from proxy.engine.haproxy.runtime_api import RuntimeApiError

logger = logging.getLogger(__name__)

HEALTH_PORT = 15020
METRICS_PORT = 15090
ALL_ADDRESSES = "0.0.0.0"  # noqa: S104 - the kubelet and scrapers come from outside; these ports only tell


class Agent:
    """One agent. `run` ends when it was asked to and everything is drained."""

    def __init__(self, settings: Settings, identity_fd: int, state_fd: int, listener_fd: int) -> None:
        self._settings = settings
        self._state_fd = state_fd
        self._remembered = state.recall(state_fd)
        names = nameservers(settings.resolv_conf)
        self._haproxy = Haproxy(settings.haproxy, settings.run_dir, settings.pod_ip, identity_fd, nameservers=names)
        self._worker = Worker(settings.run_dir, listener_fd)
        trust = self._remembered.trust_bundle if self._remembered else settings.trust_bundle
        control_plane = ControlPlane(
            settings.control_plane, settings.token_file, lambda: self._configuration.trust_bundle
        )
        self._outliers = Outliers(self._haproxy)
        self._configuration = Configuration(control_plane, self._haproxy, self._worker, trust, self._changed)
        self._identity = Identity(control_plane, identity_fd, self._renewed)
        self._health = Health(settings, self._identity, self._configuration, self._haproxy)
        self._metrics = Metrics(
            settings.run_dir, self._identity, self._configuration, self._haproxy, self._worker, outliers=self._outliers
        )

    async def run(self) -> None:
        """Until SIGTERM or SIGINT. A part that fails ends the agent; the supervisor starts another."""
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, asked.set)
        servers = [
            await serve(ALL_ADDRESSES, HEALTH_PORT, self._health.answer),
            await serve(ALL_ADDRESSES, METRICS_PORT, self._metrics.answer),
        ]
        await self._take_over()
        parts: list[asyncio.Task[None]] = [
            loop.create_task(self._identity.keep(), name="identity"),
            loop.create_task(self._configure(), name="configuration"),
            loop.create_task(self._outliers.keep(), name="outliers"),
        ]
        stop = loop.create_task(asked.wait(), name="stop")
        await asyncio.wait([*parts, stop], return_when=asyncio.FIRST_COMPLETED)
        ended = [part for part in parts if part.done()]
        for part in parts:
            part.cancel()
        if ended:
            ended[0].result()
            raise RuntimeError(f"the part {ended[0].get_name()} ended by itself")
        await self._drain()
        for server in servers:
            server.close()

    async def _take_over(self) -> None:
        """Goes on where a former agent was cut off: same certificate, same processes, same snapshot."""
        if self._remembered is None:
            return
        self._identity.recall(self._remembered)
        await self._haproxy.adopt()
        await self._worker.adopt()
        if self._remembered.config is not None and self._identity.ready.is_set():
            await self._configuration.resume(self._remembered.config)

    async def _configure(self) -> None:
        """The stream is read at once; installing waits for the certificate, which HAProxy cannot start without."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._configuration.follow())
            await self._identity.ready.wait()
            group.create_task(self._configuration.install())
            group.create_task(self._configuration.acknowledge())
            group.create_task(self._configuration.keep_roots())

    async def _renewed(self, certificate: Certificate, pem: str) -> None:
        try:
            await self._haproxy.set_identity(pem)
        except RuntimeApiError as error:
            logger.error("HAProxy keeps the old certificate until its next start: %s", error)
        await self._configuration.trust(certificate.trust_bundle)
        self._remember()

    def _changed(self) -> None:
        if self._configuration.running is not None:
            self._outliers.follow(self._configuration.running)
        self._remember()

    def _remember(self) -> None:
        remembered = state.Remembered(
            self._configuration.trust_bundle,
            self._identity.obtained,
            self._identity.expires,
            self._configuration.running,
        )
        state.remember(self._state_fd, remembered)

    async def _drain(self) -> None:
        """Kubernetes ends this container last: the application is gone, what is left are answers on their way."""
        logger.info("drains, at most %g s", self._settings.drain_seconds)
        self._health.draining = True
        await self._haproxy.drain(self._settings.drain_seconds)
        await self._worker.drain(2.0)
