"""Follows the control plane's stream and brings each snapshot to HAProxy, then to the worker, then back as ack or nack.
A control plane that is slow to hear an ack delays no change.

What runs is never lost: a snapshot that is refused changes nothing; without a control plane the last good one stays.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable

from mesh_policy import wire
from mesh_policy.errors import InvalidConfig, Violation
from mesh_policy.snapshot import WorkloadConfig
from proxy.agent import backoff
from proxy.agent.backoff import Backoff
from proxy.agent.control_plane import ControlPlane, ControlPlaneError, SnapshotMessage, TrustMessage
from proxy.agent.haproxy import Haproxy
from proxy.agent.worker import Worker

logger = logging.getLogger(__name__)


class Configuration:
    """The snapshot that runs, and the next one."""

    def __init__(
        self,
        control_plane: ControlPlane,
        haproxy: Haproxy,
        worker: Worker,
        trust_bundle: str,
        changed: Callable[[], None],
        *,
        again: Backoff = backoff.REFUSED,
    ) -> None:
        """`changed` is called when another snapshot runs; `again`: waits before one that failed is tried again."""
        self._control_plane = control_plane
        self._haproxy = haproxy
        self._worker = worker
        self._changed = changed
        self._again = again
        self._lock = asyncio.Lock()
        self._wanted: bytes | None = None
        self._wake = asyncio.Event()
        self._said: tuple[str, tuple[Violation, ...]] = ("", ())
        self._speak = asyncio.Event()
        self.trust_bundle = self._roots = _normal(trust_bundle)
        """Of these two the first is in use, and the second is wanted."""
        self._roots_refused = asyncio.Event()
        self.running: WorkloadConfig | None = None
        self.connected = False
        self.refused = 0

    async def follow(self) -> None:
        """Runs for ever: reads the stream, comes back after a wait when it breaks."""
        failures = 0
        while True:
            try:
                async for message in self._control_plane.messages():
                    failures, self.connected = 0, True
                    if isinstance(message, SnapshotMessage):
                        self._wanted = bytes(message.config)
                        self._wake.set()
                    elif isinstance(message, TrustMessage):
                        await self.trust(message.trust_bundle)
                error: Exception = ControlPlaneError("the stream ended")
            except ControlPlaneError as broken:
                error = broken
            self.connected = False
            failures += 1
            wait = backoff.CONTROL_PLANE.wait_seconds(failures, random.random())  # noqa: S311 - spreads load only
            logger.warning("configuration stream (again in %.1f s): %s", wait, error)
            await asyncio.sleep(wait)

    async def install(self) -> None:
        """Runs for ever: installs the newest snapshot; ones that came meanwhile are skipped.

        One that could not be brought to run is tried again, later and later, until a newer one comes: a node that was
        too busy or a folder that was full must not leave a sidecar with old addresses for longer than that lasts.
        """
        data: bytes | None = None
        failures = 0
        while True:
            if await self._news(failures):
                data, self._wanted, failures = self._wanted, None, 0
            if data is None or await self._install(data):
                data, failures = None, 0
            else:
                failures += 1

    async def _news(self, failures: int) -> bool:
        """Until there is another snapshot; False: it is time to try the one again that failed so often."""
        wait = self._again.wait_seconds(failures, random.random()) if failures else None  # noqa: S311 - as above
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True

    async def acknowledge(self) -> None:
        """Runs for ever: tells what has become of the newest snapshot, while the next one may be installed already."""
        while True:
            await self._speak.wait()
            self._speak.clear()
            version, violations = self._said
            try:
                await self._control_plane.ack(version, violations)
            except ControlPlaneError as error:
                # The stream breaks with it as a rule; the next connection brings the snapshot again, and its ack.
                logger.warning("could not acknowledge %s: %s", version, error)

    async def resume(self, config: WorkloadConfig) -> None:
        """Goes on with the last good snapshot of a former agent."""
        try:
            await self._apply(config)
        except InvalidConfig as error:
            logger.error("the last good snapshot does not run any more: %s", error)

    async def trust(self, bundle: str) -> None:
        """Other roots: they are used from now on, in HAProxy and toward the control plane; later, where HAProxy cannot
        take them now."""
        self._roots = _normal(bundle)
        if not await self._take_roots():
            self._roots_refused.set()

    async def keep_roots(self) -> None:
        """Runs for ever: tries roots again that could not be brought to run. Callers and endpoints that have a
        certificate of the new ones already are strangers until then."""
        failures = 0
        while True:
            if not failures:
                await self._roots_refused.wait()
                self._roots_refused.clear()
                failures = 1
            await asyncio.sleep(self._again.wait_seconds(failures, random.random()))  # noqa: S311 - as above
            failures = 0 if await self._take_roots() else failures + 1

    async def _take_roots(self) -> bool:
        """False: what was used before still is."""
        if self._roots == self.trust_bundle:
            return True
        before, self.trust_bundle = self.trust_bundle, self._roots
        if self.running is None:
            return True
        try:
            await self._apply(self.running)
        except InvalidConfig as error:
            logger.error("the new trust bundle is refused: %s", error)
            self.trust_bundle = before
            return False
        return True

    async def _install(self, data: bytes) -> bool:
        """False: it may run another time. What cannot be read never will."""
        version = wire.version_of(data)
        try:
            config = wire.decode(data)
        except InvalidConfig as error:
            self._refuse(version, error)
            return True
        try:
            await self._apply(config)
        except InvalidConfig as error:
            self._refuse(version, error)
            return False
        logger.info("runs %s", version)
        self._say(version, ())
        return True

    def _refuse(self, version: str, error: InvalidConfig) -> None:
        self.refused += 1
        logger.error("refused %s, %s stays: %s", version, self.running.version if self.running else "nothing", error)
        self._say(version, error.violations or (Violation("", "refused"),))

    def _say(self, version: str, violations: tuple[Violation, ...]) -> None:
        self._said = version, violations
        self._speak.set()

    async def _apply(self, config: WorkloadConfig) -> None:
        """HAProxy first (new backends appear), then the worker; when that refuses, HAProxy goes back."""
        async with self._lock:
            await self._haproxy.apply(config, self.trust_bundle)
            try:
                await self._worker.apply(config)
            except InvalidConfig:
                if self.running is not None:
                    await self._haproxy.apply(self.running, self.trust_bundle)
                raise
            self.running = config
            self._changed()


def _normal(bundle: str) -> str:
    """Blank lines and blanks around lines say nothing: the same roots are the same text, and no reason to reload."""
    return "".join(f"{line.strip()}\n" for line in bundle.splitlines() if line.strip())
