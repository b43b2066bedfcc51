"""One kind, followed for ever: list, then watch from there; resume where the watch ended, list again after 410 Gone.

Source: Kubernetes API concepts, "Efficient detection of changes" and "410 Gone responses".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

import msgspec

from control_plane.kinds.meta import Object, Ref
from control_plane.kinds.registry import KINDS, decode
from control_plane.kube.backoff import Backoff
from control_plane.kube.client import KubeClient
from control_plane.kube.errors import Gone, KubeError, NotFound, error_of_event

logger = logging.getLogger(__name__)

PAGE = "500"
"""Objects per page of a list."""
WATCH_SECONDS = "290"
"""The server ends a watch after this; we resume at once."""
IDLE_SECONDS = 100.0
"""Bookmarks come about every minute; silence beyond this means a dead connection."""
MISSING_KIND_SECONDS = 15.0
"""How often a kind that is not installed is looked for at least; at first more often."""
ABSENCES = 3
"""A kind that was there is gone when it is not found so many times in a row: what it says holds until then."""


class Sink(Protocol):
    """Where objects go."""

    def replace(self, kind: str, objects: list[Object]) -> None:
        """These are all objects of the kind."""

    def apply(self, kind: str, obj: Object) -> None:
        """This one is new or changed."""

    def delete(self, ref: Ref) -> None:
        """This one is gone."""


class _ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class _List(msgspec.Struct, frozen=True):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


class _Event(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


class _Versioned(msgspec.Struct, frozen=True):
    metadata: _ListMeta


_list = msgspec.json.Decoder(_List)
_event = msgspec.json.Decoder(_Event)
_versioned = msgspec.json.Decoder(_Versioned)


class Watch:
    """Follows one kind into a sink."""

    def __init__(
        self,
        client: KubeClient,
        kind: str,
        sink: Sink,
        *,
        backoff: Backoff | None = None,
        missing: Backoff | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._kind = kind
        self._path = KINDS[kind].path
        self._sink = sink
        self._backoff = backoff or Backoff()
        self._missing = missing or Backoff(base=1.0, cap=MISSING_KIND_SECONDS)
        self._absences = 0
        self._sleep = sleep
        self.installed = False
        """The cluster has the kind. One that comes or goes later is noticed."""
        self.synced = asyncio.Event()
        """Set once the kind was listed, or is known to be missing from this cluster."""

    async def run(self) -> None:
        """Follow until cancelled."""
        version = ""
        while True:
            try:
                if not version:
                    version = await self._list()
                    self._backoff.reset()
                version = await self._watch(version)
            except Gone:
                logger.info("watch is too old, listing again", extra={"kind": self._kind})
                version = ""
                await self._sleep(self._backoff.next())
            except NotFound:
                version = ""
                await self._absent()
            except (KubeError, msgspec.MsgspecError) as error:
                wait = self._backoff.next()
                logger.warning(
                    "watch failed", extra={"kind": self._kind, "error": str(error), "retry_in": round(wait, 2)}
                )
                await self._sleep(wait)

    async def _absent(self) -> None:
        self._absences += 1
        if self.installed and self._absences < ABSENCES:
            await self._sleep(self._backoff.next())
            return
        if self.installed or not self.synced.is_set():
            logger.info("kind is not installed in this cluster", extra={"kind": self._kind})
            self._sink.replace(self._kind, [])
        self.installed = False
        self.synced.set()
        await self._sleep(self._missing.next())

    async def _list(self) -> str:
        objects: list[Object] = []
        query = {"limit": PAGE}
        while True:
            page = _list.decode(await self._client.get(self._path, query))
            for raw in page.items or ():
                obj = self._decode(raw)
                if obj is not None:
                    objects.append(obj)
            if not page.metadata.continue_:
                break
            query["continue"] = page.metadata.continue_
        self._sink.replace(self._kind, objects)
        if self.synced.is_set() and not self.installed:
            logger.info("kind is installed now", extra={"kind": self._kind, "objects": len(objects)})
        self.installed, self._absences = True, 0
        self._missing.reset()
        self.synced.set()
        return page.metadata.resource_version

    async def _watch(self, version: str) -> str:
        """Follow from `version`; returns where to resume."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": WATCH_SECONDS,
        }
        reached = version
        try:
            async with self._client.lines(self._path, query, IDLE_SECONDS) as lines:
                async for line in lines:
                    reached = self._take(_event.decode(line)) or reached
                    self._backoff.reset()
        except (Gone, NotFound):
            raise
        except KubeError as error:
            wait = self._backoff.next()
            logger.info("watch ended", extra={"kind": self._kind, "error": str(error), "retry_in": round(wait, 2)})
            await self._sleep(wait)
        else:
            if reached == version:  # a server that ends watches at once must not be asked in a tight loop
                await self._sleep(self._backoff.next())
        return reached

    def _take(self, event: _Event) -> str:
        if event.type == "ERROR":
            raise error_of_event(f"WATCH {self._path}", event.object)
        version = _versioned.decode(event.object).metadata.resource_version
        if event.type == "BOOKMARK":
            return version
        obj = self._decode(event.object)
        if obj is None:
            return version
        if event.type == "DELETED":
            self._sink.delete(Ref(self._kind, *obj.key))
        else:
            self._sink.apply(self._kind, obj)
        return version

    def _decode(self, raw: msgspec.Raw) -> Object | None:
        try:
            return decode(self._kind, raw)
        except ValueError as error:
            logger.error("object cannot be read", extra={"kind": self._kind, "error": str(error)})
            return None
