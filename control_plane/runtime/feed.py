"""From the watches into the index, and from there to the sidecars."""

from __future__ import annotations

import logging

from control_plane.index.store import Index, Key
from control_plane.kinds.meta import Object, Ref
from control_plane.serve.hub import Hub

logger = logging.getLogger(__name__)


class Feed:
    """The sink of all watches."""

    def __init__(self, index: Index, hub: Hub) -> None:
        self._index = index
        self._hub = hub

    def replace(self, kind: str, objects: list[Object]) -> None:
        """A list: what is not in it is gone."""
        there = {obj.key for obj in objects}
        pods: set[Key] = set()
        for known in self._index.every(kind):
            if known.key not in there:
                pods |= self._index.delete(Ref(kind, *known.key))
        for obj in objects:
            pods |= self._take(kind, obj)
        logger.debug("listed", extra={"kind": kind, "objects": len(objects)})
        self._hub.changed(pods)

    def apply(self, kind: str, obj: Object) -> None:
        """New or changed."""
        self._hub.changed(self._take(kind, obj))

    def _take(self, kind: str, obj: Object) -> frozenset[Key]:
        try:
            return self._index.apply(kind, obj)
        except Exception:  # a fault of ours with one object must not stop the watch of all others
            logger.exception("cannot index", extra={"kind": kind, "object": "/".join(obj.key)})
            return frozenset()

    def delete(self, ref: Ref) -> None:
        """Gone."""
        self._hub.changed(self._index.delete(ref))
