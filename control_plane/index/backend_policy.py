"""Which XBackendTrafficPolicy holds for a Service: the oldest of those that claim it, whole."""

from __future__ import annotations

from control_plane.index.store import Index, Key
from control_plane.kinds.meta import age_order
from control_plane.kinds.service import Service
from control_plane.kinds.session import SessionPersistence
from control_plane.kinds.x_backend_traffic_policy import BackendTrafficPolicy


class BackendPolicyTable:
    """All attachments of one revision of the index."""

    def __init__(self, index: Index) -> None:
        self._holders: dict[Key, BackendTrafficPolicy] = {}
        for policy in sorted(index.backend_policies(), key=age_order):
            for name in policy.services:
                self._holders.setdefault((policy.metadata.namespace, name), policy)

    def of(self, service: Service) -> BackendTrafficPolicy | None:
        """The policy of a Service."""
        return self._holders.get(service.key)

    def session_of(self, service: Service) -> SessionPersistence | None:
        """Its sessions; none where the Service has an affinity of its own, which they would contradict (GEP-1619)."""
        policy = self.of(service)
        return None if policy is None or has_affinity(service) else policy.spec.session_persistence


def has_affinity(service: Service) -> bool:
    """kube-proxy's own: by the client's address."""
    return service.spec.session_affinity == "ClientIP"
