"""The connected sidecars: who gets which snapshot, and what they said about it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable

from control_plane.compile.workload import Compiler
from control_plane.index.store import Index, Key
from control_plane.kinds.pod import Pod
from control_plane.serve.acks import Ack
from control_plane.serve.debounce import Debounce
from control_plane.serve.metrics import Metrics
from mesh_policy.wire import MAX_SNAPSHOT_BYTES, encode

logger = logging.getLogger(__name__)


class Mailbox:
    """What one stream has to send. Only the newest snapshot counts: a slow sidecar never makes a queue grow."""

    def __init__(self, unknown: frozenset[str] = frozenset()) -> None:
        self.unknown = unknown
        """Fields that the sidecar does not know."""
        self.version = ""
        """Of the snapshot that was sent last."""
        self.closed = False
        self._snapshot: bytes | None = None
        self._trust: bytes | None = None
        self._ready = asyncio.Event()

    def put_snapshot(self, version: str, line: bytes) -> None:
        self.version, self._snapshot = version, line
        self._ready.set()

    def put_trust(self, line: bytes) -> None:
        self._trust = line
        self._ready.set()

    def close(self) -> None:
        """The stream ends; its sidecar connects again, here or elsewhere."""
        self.closed = True
        self._ready.set()

    async def take(self, timeout: float) -> list[bytes]:
        """Lines to send; none when nothing came within `timeout`."""
        try:
            async with asyncio.timeout(timeout):
                await self._ready.wait()
        except TimeoutError:
            return []
        self._ready.clear()
        lines = [line for line in (self._trust, self._snapshot) if line is not None]
        self._trust = self._snapshot = None
        return lines


class Hub:
    """Compiles for the connected sidecars whenever the index has changed for them."""

    def __init__(
        self, index: Index, compiler: Compiler, metrics: Metrics, *, most_bytes: int = MAX_SNAPSHOT_BYTES
    ) -> None:
        self.index = index
        self._compiler = compiler
        self._metrics = metrics
        self._most_bytes = most_bytes
        self._streams: dict[Key, Mailbox] = {}
        self._acks: dict[Key, Ack] = {}
        self._affected: set[Key] = set()
        self._debounce = Debounce()
        self._closed = False
        self._seen = asyncio.Event()
        self.news = asyncio.Event()
        """Set on every change and ack: the status may have to be written anew."""

    # --- from the watches --------------------------------------------------------------------------------------------

    def changed(self, pods: Iterable[Key]) -> None:
        """The index has changed for these pods."""
        self._affected.update(pods)
        self._seen.set()
        self.news.set()
        self._debounce.touch()

    async def run(self) -> None:
        """Send what changed, for ever."""
        while True:
            await self._debounce.burst()
            pods, self._affected = self._affected, set()
            for key in [key for key in self._streams if key in pods]:
                self._send(key)
                await asyncio.sleep(0)  # requests of other sidecars go on between two compilations
            self._acks = {key: ack for key, ack in self._acks.items() if self.index.pod(*key) is not None}

    def _send(self, key: Key) -> None:
        mailbox = self._streams.get(key)
        if mailbox is None:
            return
        started = time.perf_counter()
        try:
            compiled = self._compiler.compile_for(key, mailbox.unknown)
        except Exception:  # a fault of ours with one pod's objects: it keeps what it runs, the others go on
            logger.exception("cannot compile", extra={"pod": "/".join(key)})
            self._metrics.failures.inc()
            return
        self._metrics.compile_seconds.observe(time.perf_counter() - started)
        if compiled is None:
            mailbox.close()
        elif (config := compiled.config).version != mailbox.version:
            data = encode(config, mailbox.unknown)
            if len(data) > self._most_bytes:
                # It would cut the stream, connect again and be sent as much again, and so would all others.
                about = {"pod": "/".join(key), "bytes": len(data), "most": self._most_bytes}
                logger.error("snapshot is too large, the sidecar keeps what it runs", extra=about)
                self._metrics.failures.inc()
                return
            mailbox.put_snapshot(config.version, b'{"type":"snapshot","config":' + data + b"}\n")
            self._metrics.snapshots.inc()
            if compiled.left:
                left = ", ".join(sorted({one.field for one in compiled.left}))
                logger.info("older sidecar, sent without", extra={"pod": "/".join(key), "fields": left})

    # --- from the sidecars -------------------------------------------------------------------------------------------

    async def meshed_pod(self, key: Key, uid: str, timeout: float) -> Pod | None:
        """The meshed pod that a token is bound to. A pod may be younger than our watch: waited for."""
        try:
            async with asyncio.timeout(timeout):
                while True:
                    pod = self.index.pod(*key)
                    if pod is not None and pod.metadata.uid == uid:
                        return pod if pod.is_meshed else None
                    self._seen.clear()
                    await self._seen.wait()
        except TimeoutError:
            return None

    def open(self, key: Key, unknown: frozenset[str] = frozenset()) -> Mailbox:
        """A sidecar's stream begins, its snapshot is in the mailbox; `unknown`: fields that it does not know. An older
        stream of the same pod ends."""
        old = self._streams.get(key)
        if old is not None:
            old.close()
        mailbox = Mailbox(unknown)
        if self._closed:
            mailbox.close()
        self._streams[key] = mailbox
        self._metrics.sidecars.set(len(self._streams))
        self._send(key)
        return mailbox

    def leave(self, key: Key, mailbox: Mailbox) -> None:
        """A stream has ended."""
        if self._streams.get(key) is mailbox:
            del self._streams[key]
        self._metrics.sidecars.set(len(self._streams))
        self.news.set()

    def took(self, key: Key, ack: Ack) -> None:
        """A sidecar runs a snapshot, or refuses it."""
        if not ack.accepted:
            first = str(ack.violations[0]) if ack.violations else ""
            logger.warning("snapshot refused", extra={"pod": ack.pod, "version": ack.version, "violation": first})
        self._metrics.acks.labels(accepted=str(ack.accepted).lower()).inc()
        self._acks[key] = ack
        self.news.set()

    def acks(self) -> tuple[Ack, ...]:
        """The last word of every sidecar that spoke to this replica."""
        return tuple(self._acks[key] for key in sorted(self._acks))

    def trust_changed(self, line: bytes) -> None:
        """Tell every sidecar the new roots."""
        for mailbox in self._streams.values():
            mailbox.put_trust(line)

    def close(self) -> None:
        """End every stream, also those that begin from now on: this replica goes away."""
        self._closed = True
        for mailbox in list(self._streams.values()):
            mailbox.close()
