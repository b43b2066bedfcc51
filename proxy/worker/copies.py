"""Sends mirror copies: a queue with limits in number, bytes and time. It never makes a caller wait."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from mitmproxy.http import Response

from mesh_addons.mirror import RequestCopy
from mesh_addons.room import Room
from mesh_policy.request import Fields
from proxy.worker.head import ResponseHead, assemble_request, internal_fields
from proxy.worker.service import Counters
from proxy.worker.settings import Limits
from proxy.worker.upstream import Pool, Upstream

logger = logging.getLogger(__name__)


class _Answer:
    """Takes an answer and throws it away (a Borrower)."""

    def __init__(self, upstream: Upstream, done: asyncio.Future[bool]) -> None:
        self._upstream = upstream
        self._done = done
        self._failed = False
        """HAProxy answered itself: there is no such host, or none that could be reached."""

    def on_informational(self, response: Response) -> None:
        pass

    def on_head(self, head: ResponseHead) -> None:
        self._failed = head.failure is not None

    def on_upgrade(self, head: ResponseHead) -> None:
        self._upstream.abandon()  # nobody asked for one
        self._settle(False)

    def on_content(self, content: bytes, end: bool, trailers: Fields) -> None:
        if end:
            self._settle(not self._failed)

    def on_pause(self) -> None:
        pass

    def on_tunnel(self, data: bytes) -> None:
        self._settle(False)

    def on_lost(self, reason: str, *, untouched: bool) -> None:
        self._settle(False)

    def on_writable(self, writable: bool) -> None:
        pass  # the whole copy has been written already, its size is bounded

    def _settle(self, answered: bool) -> None:
        if not self._done.done():
            self._done.set_result(answered)


class Copies:
    """The CopySink of the worker. Copies have connections of their own: what hangs there takes none from requests."""

    def __init__(self, pool: Pool, limits: Limits, counters: Counters) -> None:
        self._pool = pool
        self._limits = limits
        self._counters = counters
        self.room = Room(limits.copies_recorded_bytes)
        self._waiting: deque[RequestCopy] = deque()
        self._waiting_bytes = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def send(self, copy: RequestCopy) -> None:
        limits = self._limits
        size = _size(copy)
        if len(self._waiting) >= limits.copies_queued or self._waiting_bytes + size > limits.copies_queued_bytes:
            self._counters.mirror_dropped += 1
            return
        self._waiting.append(copy)
        self._waiting_bytes += size
        if len(self._tasks) < limits.copies_at_once:
            task = asyncio.get_running_loop().create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def dropped(self, copies: int) -> None:
        self._counters.mirror_dropped += copies

    def close(self) -> None:
        """Give up everything that waits or is under way."""
        self._counters.mirror_dropped += len(self._waiting)
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()
        self._pool.close()

    async def _work(self) -> None:
        while self._waiting:
            copy = self._waiting.popleft()
            self._waiting_bytes -= _size(copy)
            try:
                async with asyncio.timeout(self._limits.copy_seconds):
                    answered = await self._send_one(copy)
            except (OSError, ValueError) as error:
                logger.debug("copy for %s failed: %s", copy.backend, type(error).__name__)
                answered = False
            if answered:
                self._counters.mirror_sent += 1
            else:
                self._counters.mirror_failed += 1

    async def _send_one(self, copy: RequestCopy) -> bool:
        data = _assemble(copy)
        upstream = self._pool.take() or await self._pool.connect()
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        release: Callable[[], None] = upstream.abandon
        upstream.begin(_Answer(upstream, done), copy.method)
        upstream.sent_all = True
        upstream.write(data)
        try:
            answered = await done
            release = _nothing
            return answered
        finally:
            release()


def _nothing() -> None:
    """The upstream has gone back to its pool, or is closed."""


def _size(copy: RequestCopy) -> int:
    return len(copy.body) + len(copy.path) + sum(len(name) + len(value) for name, value in copy.fields)


def _assemble(copy: RequestCopy) -> bytes:
    extra = [
        *internal_fields(copy.backend, copy.http_version, copy.request_id),
        (b"x-mesh-internal-mirror", b"1"),
    ]
    if copy.accepts_trailers:
        extra.append((b"te", b"trailers"))
    # The body is sent at once: nobody waits for 100.
    fields = tuple(field for field in copy.fields if field[0].lower() != b"expect")
    return assemble_request(copy.method, copy.path, fields, len(copy.body), extra) + copy.body
