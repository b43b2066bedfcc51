"""EndpointSlice (discovery.k8s.io/v1)."""

from __future__ import annotations

from control_plane.kinds.meta import Object, Wire

SERVICE_LABEL = "kubernetes.io/service-name"


class EndpointConditions(Wire, frozen=True, kw_only=True):
    """`conditions` of an endpoint. None means unknown, which the API documents as true for ready and serving."""

    ready: bool | None = None
    serving: bool | None = None
    terminating: bool | None = None


class TargetRef(Wire, frozen=True, kw_only=True):
    """What an endpoint stands for, normally a Pod."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


class SliceEndpoint(Wire, frozen=True, kw_only=True):
    """One endpoint."""

    addresses: tuple[str, ...] = ()
    conditions: EndpointConditions = EndpointConditions()
    target_ref: TargetRef | None = None
    node_name: str | None = None
    zone: str | None = None

    @property
    def is_ready(self) -> bool:
        return self.conditions.ready is not False

    @property
    def is_draining(self) -> bool:
        """Serving although it is being terminated: used only when nothing else is ready, as kube-proxy does."""
        return self.conditions.terminating is True and self.conditions.serving is not False


class SlicePort(Wire, frozen=True, kw_only=True):
    """One port; `name` is the Service port's name."""

    name: str | None = None
    port: int | None = None
    protocol: str | None = None


class EndpointSlice(Object, frozen=True, kw_only=True):
    """Some endpoints of one Service. The API server writes null for an empty list."""

    address_type: str = "IPv4"
    endpoints: tuple[SliceEndpoint, ...] | None = None
    ports: tuple[SlicePort, ...] | None = None

    @property
    def service(self) -> tuple[str, str] | None:
        """Namespace and name of its Service; None: it belongs to none."""
        name = self.metadata.labels.get(SERVICE_LABEL)
        return (self.metadata.namespace, name) if name else None
