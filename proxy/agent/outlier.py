"""Watches how endpoints do, and leaves out for a while those that fail (proxy.engine.haproxy.outlier decides).

HAProxy is asked for its counters twice a second, and only when a backend has such a policy. What should be out is
compared with what is out: after a reload, a restart, or the death of an agent the next look puts it right, so nobody
stays out for ever.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping

from mesh_policy.snapshot import Outlier, WorkloadConfig
from proxy.agent.haproxy import Haproxy
from proxy.engine.haproxy import outlier, runtime_api, server_counters
from proxy.engine.haproxy.backends import section_name
from proxy.engine.haproxy.outlier import Event, Seen, Watch
from proxy.engine.haproxy.rendering import Section
from proxy.engine.haproxy.runtime_api import RuntimeApiError
from proxy.engine.haproxy.server_counters import Counters

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
Servers = Mapping[str, tuple[tuple[str, str], ...]]
"""Address of an endpoint to its servers: section and name, one for each thing that the connection may carry."""


class Outliers:
    """The ejections of one sidecar."""

    def __init__(self, haproxy: Haproxy) -> None:
        self._haproxy = haproxy
        self._backends: dict[str, Outlier] = {}
        self._watches: dict[str, Watch] = {}
        self._counters: dict[tuple[str, str], Counters] = {}
        self._wake = asyncio.Event()
        self._tidy = True
        """Somebody may be out of whom we know nothing."""
        self.ejections: dict[str, int] = {}
        """By backend, since the agent was started."""

    @property
    def ejected(self) -> dict[str, int]:
        """How many endpoints are out now, by backend."""
        return {name: len(watch.ejected) for name, watch in self._watches.items()}

    def follow(self, config: WorkloadConfig) -> None:
        """Another snapshot runs, in the same HAProxy or another one."""
        self._backends = {one.name: one.outlier for one in config.outbound.backends if one.outlier is not None}
        # Who was out when a policy went comes back.
        self._tidy |= any(watch.ejected and name not in self._backends for name, watch in self._watches.items())
        self._watches = {name: watch for name, watch in self._watches.items() if name in self._backends}
        self._wake.set()

    async def keep(self) -> None:
        """Runs for ever."""
        while True:
            if self._backends or self._tidy:
                try:
                    await self._look()
                except RuntimeApiError as error:
                    logger.debug("cannot see how endpoints do: %s", error)
            await self._rest()

    async def _rest(self) -> None:
        """Until the next look; without a policy until there is one."""
        watching = bool(self._backends) or self._tidy
        try:
            async with asyncio.timeout(LOOK_SECONDS if watching else None):
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()

    async def _look(self) -> None:
        sections = self._haproxy.sections
        if not sections:
            return
        servers = {name: _servers(name, sections) for name in self._backends}
        asked = {section for found in servers.values() for pairs in found.values() for section, _ in pairs}
        command = server_counters.command(() if self._tidy else asked)
        found = server_counters.parse(await runtime_api.ask(self._haproxy.socket, command))
        now = time.monotonic()
        out: set[tuple[str, str]] = set()
        for name, policy in self._backends.items():
            out |= self._judge(name, policy, servers[name], found, now)
        self._counters = found
        wrong = {key: key in out for key, one in found.items() if one.maintenance != (key in out)}
        await self._haproxy.set_maintenance(wrong)
        self._tidy = False

    def _judge(
        self, name: str, policy: Outlier, servers: Servers, found: Mapping[tuple[str, str], Counters], now: float
    ) -> set[tuple[str, str]]:
        """Which servers of a backend should be out."""
        watch = self._watches.get(name)
        # What was before the policy is not held against anybody.
        seen = {address: self._seen(pairs, found) if watch else Seen() for address, pairs in servers.items()}
        self._watches[name], events = outlier.look(policy, watch or Watch(), seen, now)
        for event in events:
            self._tell(name, event)
        return {pair for address in outlier.out(policy, self._watches[name]) for pair in servers[address]}

    def _seen(self, pairs: tuple[tuple[str, str], ...], found: Mapping[tuple[str, str], Counters]) -> Seen:
        every = [server_counters.between(self._counters.get(pair), found[pair]) for pair in pairs if pair in found]
        return Seen(sum(one.good for one in every), sum(one.bad for one in every))

    def _tell(self, backend: str, event: Event) -> None:
        watch = self._watches[backend]
        left = f"{len(watch.ejected)} of {len(watch.records)} out"
        if event.seconds:
            self.ejections[backend] = self.ejections.get(backend, 0) + 1
            logger.warning(
                "ejected %s of %s for %g s: %s (%s)", event.endpoint, backend, event.seconds, event.reason, left
            )
        else:
            logger.info("%s of %s is back: %s (%s)", event.endpoint, backend, event.reason, left)


def _servers(backend: str, sections: Mapping[str, Section]) -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for carrier in ("h1", "h2", "tcp"):
        name = section_name(carrier, backend)
        for server, arguments in sections[name].servers.items() if name in sections else ():
            address = arguments.partition(" ")[0]
            found[address] = (*found.get(address, ()), (name, server))
    return found
