"""One replica: watches, servers and loops, from start to SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
from collections.abc import Coroutine, Mapping
from typing import Any

import msgspec
from aiohttp import web

from control_plane.admission import webhook as admission
from control_plane.ca.authority import Authority
from control_plane.compile.workload import Compiler
from control_plane.index.store import Index
from control_plane.injector import settings as injection
from control_plane.injector import webhook as injector
from control_plane.kinds.registry import KINDS
from control_plane.kube.client import KubeClient
from control_plane.kube.errors import KubeError
from control_plane.kube.lease import Election
from control_plane.kube.token_review import Caller, review
from control_plane.kube.watch import Watch
from control_plane.runtime.feed import Feed
from control_plane.runtime.peers import Peers
from control_plane.runtime.status_writer import StatusWriter
from control_plane.runtime.trust import Trust
from control_plane.runtime.x_mesh import MeshMaker
from control_plane.serve import health
from control_plane.serve.access import Access
from control_plane.serve.hub import Hub
from control_plane.serve.metrics import Metrics
from control_plane.serve.sidecars import MAX_BODY, Peer, SidecarApi, trust_line
from control_plane.settings import Settings

logger = logging.getLogger(__name__)

IDLE_SECONDS = 20.0
"""A connection without a (whole) request for so long is closed."""
SHUTDOWN_SECONDS = 5.0
"""For requests that are under way when the process ends; streams are closed at once."""


class Process:
    """All parts of one replica."""

    def __init__(self, settings: Settings, injector_settings: injection.InjectorSettings, client: KubeClient) -> None:
        self.settings = settings
        self._injector_settings = injector_settings
        self._client = client
        self.index = Index()
        self.metrics = Metrics()
        compiler = Compiler(self.index)
        self.hub = Hub(self.index, compiler, self.metrics)
        feed = Feed(self.index, self.hub)
        self.watches = [Watch(client, kind, feed) for kind in KINDS]
        self.election = Election(client, settings.namespace, settings.pod)
        host = settings.host
        self.trust = Trust(
            client,
            settings.namespace,
            (host, f"{host}.cluster.local", f"{settings.service}.{settings.namespace}", settings.service),
            leading=self._leads_and_knows,
            trust_domain=lambda: self.index.mesh.spec.trust_domain,
            changed=self._trust_changed,
        )
        peers = Peers(
            self.index,
            settings.namespace,
            settings.service,
            (settings.pod_ip, settings.sidecar_port),
            settings.token,
            trust=lambda: self.trust.authority.trust_bundle if self.trust.authority else "",
        )
        self.status = StatusWriter(
            client, self.index, compiler, self.hub, peers, leading=self._leads_and_knows, metrics=self.metrics
        )
        self.mesh_maker = MeshMaker(
            client, self.index, installed=lambda: self._watch_of("XMesh").installed, leading=self._leads_and_knows
        )
        self._self: Peer | None = None
        self.api = SidecarApi(
            self.hub, Access(self._review), lambda: self.trust.authority, self.metrics, peer=lambda: self._self
        )
        self._runners: list[web.AppRunner] = []
        self.ports: dict[str, int] = {}
        """Where the servers really listen, by name."""

    def _watch_of(self, kind: str) -> Watch:
        return self.watches[list(KINDS).index(kind)]

    # --- small answers ----------------------------------------------------------------------------------------------

    def waiting_for(self) -> list[str]:
        """What readiness waits for."""
        missing = [kind for kind, watch in zip(KINDS, self.watches, strict=True) if not watch.synced.is_set()]
        if not self.trust.ready.is_set():
            missing.append("CA")
        if not self.trust.webhooks_ready.is_set():
            missing.append("caBundle of the webhooks")
        return missing

    def _leads_and_knows(self) -> bool:
        """Leading, with the whole cluster in view: a half-filled index would say wrong things about objects."""
        self.metrics.leading.set(self.election.leading)
        return self.election.leading and all(watch.synced.is_set() for watch in self.watches)

    def _injector(self) -> injection.InjectorSettings:
        authority = self.trust.authority
        return self._injector_settings.with_trust(
            trust_bundle=authority.trust_bundle if authority else "",
            trust_domain=self.index.mesh.spec.trust_domain,
        )

    def _trust_changed(self, authority: Authority) -> None:
        self.metrics.ca_expires.set(authority.expires_at.timestamp())
        self.hub.trust_changed(trust_line(authority.trust_bundle))

    async def _review(self, token: str) -> Caller | None:
        return await review(self._client, token)

    async def _learn_self(self) -> None:
        """Which ServiceAccount the replicas run as: our own token tells."""
        while self._self is None:
            try:
                caller = await review(self._client, self.settings.token.read_text().strip())
                if caller is not None:
                    self._self = Peer(caller.namespace, caller.service_account)
                    return
                logger.warning("own token is not good", extra={"file": str(self.settings.token)})
            except FileNotFoundError:
                logger.warning(
                    "no own token: other replicas are not answered", extra={"file": str(self.settings.token)}
                )
                return
            except (KubeError, OSError, msgspec.MsgspecError) as error:
                logger.warning("own token not reviewed", extra={"error": str(error)})
            await asyncio.sleep(2)

    # --- life -------------------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then end in order."""
        loops: list[Coroutine[Any, Any, None]] = [watch.run() for watch in self.watches]
        loops += [self.election.run(), self.trust.run(), self.hub.run(), self.status.run(), self._learn_self()]
        loops.append(self.mesh_maker.run())
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(loop) for loop in loops]
            try:
                await self._serve("health", self.settings.health_port, health.routes(self.metrics, self.waiting_for))
                await self._when_ready(stop)
                await stop.wait()
            finally:
                await self._end()
                for task in tasks:
                    task.cancel()

    async def _when_ready(self, stop: asyncio.Event) -> None:
        """Serve sidecars and webhooks once the cluster is known and the CA is there; not before: a snapshot of half a
        cluster would take traffic down."""
        ready = asyncio.ensure_future(self._ready())
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({ready, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for task in (ready, stopping):
            task.cancel()
        if stop.is_set():
            return
        context = self.trust.context
        webhooks = [*injector.routes(self._injector), *admission.routes(self.index)]
        await self._serve("webhooks", self.settings.webhook_port, webhooks, context, 8 * 1024 * 1024)
        await self._serve("sidecars", self.settings.sidecar_port, self.api.routes(), context, MAX_BODY)
        logger.info("serving", extra={"ports": self.ports, "revision": self.index.revision})

    async def _ready(self) -> bool:
        for event in (*(watch.synced for watch in self.watches), self.trust.ready):
            await event.wait()
        return True

    async def _serve(
        self,
        name: str,
        port: int,
        routes: list[web.RouteDef],
        context: ssl.SSLContext | None = None,
        limit: int = MAX_BODY,
    ) -> None:
        app = web.Application(client_max_size=limit)
        app.add_routes(routes)
        runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=SHUTDOWN_SECONDS,
            keepalive_timeout=IDLE_SECONDS,
        )
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, self.settings.address, port, ssl_context=context, backlog=1024).start()
        self.ports[name] = runner.addresses[0][1]

    async def _end(self) -> None:
        self.hub.close()
        await self.election.release()
        for runner in reversed(self._runners):
            await runner.cleanup()


async def main(settings: Settings, environment: Mapping[str, str]) -> None:
    """The process from start to SIGTERM.

    Raises:
        ValueError: settings or credentials are not usable.
    """
    client = await KubeClient.connect(settings.kubeconfig)
    try:
        process = Process(settings, injection.from_environment(environment), client)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        logger.info("starting", extra={"pod": settings.pod, "namespace": settings.namespace, "pid": os.getpid()})
        await process.run(stop)
        logger.info("ended as asked")
    finally:
        await client.close()
