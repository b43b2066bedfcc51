"""Makes the mesh's own XMesh where the cluster knows the kind and has none of ours (GEP-3949). Its spec is never
edited."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from control_plane.index.store import Index
from control_plane.kinds.meta import Ref
from control_plane.kinds.registry import KINDS
from control_plane.kinds.x_mesh import NAME, XMesh, manifest
from control_plane.kube.backoff import Backoff
from control_plane.kube.client import KubeClient
from control_plane.kube.errors import Conflict, KubeError

logger = logging.getLogger(__name__)

POLL_SECONDS = 2.0
"""How soon a kind that was installed later is noticed; nothing is asked of the API server for it."""


class MeshMaker:
    """Looks whether the object is missing, and makes it: the leader alone."""

    def __init__(
        self, client: KubeClient, index: Index, *, installed: Callable[[], bool], leading: Callable[[], bool]
    ) -> None:
        self._client = client
        self._index = index
        self._installed = installed
        self._leading = leading
        self._backoff = Backoff(base=POLL_SECONDS, cap=300.0)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            settled = await self.step()
            await asyncio.sleep(POLL_SECONDS if settled else self._backoff.next())

    async def step(self) -> bool:
        """Make it if it is missing. False: that is to be tried again, later and later."""
        if not (self._leading() and self._installed()) or self._has_ours():
            self._backoff.reset()
            return True
        try:
            await self._client.post(KINDS["XMesh"].path, manifest())
        except Conflict:
            # made a moment ago, or another mesh's of that name: the watch tells which
            other = self._other()
            if other is None:
                logger.info("XMesh is there already", extra={"object": NAME})
            else:
                about = {"object": NAME, "controller": other.spec.controller_name}
                logger.warning("XMesh is another mesh's, this one cannot tell its features there", extra=about)
            return False
        except KubeError as error:
            logger.warning("XMesh not made", extra={"object": NAME, "error": str(error)})
            return False
        logger.info("XMesh made", extra={"object": NAME})
        return False  # until the watch has brought it

    def _other(self) -> XMesh | None:
        """Another mesh's that has the name of ours; it is left as it is (GEP-3949: warn, do not modify)."""
        found = self._index.find(Ref("XMesh", "", NAME))
        return found if isinstance(found, XMesh) and not found.is_ours else None

    def _has_ours(self) -> bool:
        return any(isinstance(obj, XMesh) and obj.is_ours for obj in self._index.every("XMesh"))
