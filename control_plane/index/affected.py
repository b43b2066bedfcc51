"""Whose configuration a change may touch. Too many costs a compilation for nothing; too few would be a bug."""

from __future__ import annotations

from typing import TYPE_CHECKING

from control_plane.kinds.meta import Object
from control_plane.kinds.route import AnyRoute
from control_plane.kinds.x_backend_traffic_policy import BackendTrafficPolicy
from control_plane.kinds.x_mesh import XMesh

if TYPE_CHECKING:
    from control_plane.index.store import Index


def affected(index: Index, kind: str, obj: Object) -> frozenset[tuple[str, str]]:
    """The meshed pods that an object reaches.

    Every sidecar knows every Service, so most kinds reach all. Intentions reach the pods of their namespace, a route
    whose parents are all elsewhere (consumer route) the clients of its own, and what the mesh says about itself nobody.
    """
    namespace = obj.metadata.namespace
    match obj:
        case _ if kind == "ServiceIntentions":
            return index.meshed(namespace)
        case XMesh():
            return frozenset()
        case BackendTrafficPolicy() if not obj.services:
            return frozenset()
        case AnyRoute() if not obj.is_ours:
            return frozenset()
        case AnyRoute() if all(obj.parent_service(p)[0] != namespace for p in obj.service_parents):
            return index.meshed(namespace)
        case _:
            return index.meshed()
