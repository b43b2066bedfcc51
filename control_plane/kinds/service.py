"""Service (v1)."""

from __future__ import annotations

import msgspec

from control_plane.kinds.ipv4 import ipv4
from control_plane.kinds.meta import Object, Wire


class ServicePort(Wire, frozen=True, kw_only=True):
    """One port of `spec.ports`."""

    port: int
    name: str = ""
    protocol: str = "TCP"
    app_protocol: str | None = None
    target_port: int | str | None = None
    """Number or name of the container's port; None: as `port`."""


class ServiceSpec(Wire, frozen=True, kw_only=True):
    """`spec`."""

    type: str = "ClusterIP"
    cluster_ip: str = msgspec.field(default="", name="clusterIP")
    cluster_ips: tuple[str, ...] | None = msgspec.field(default=None, name="clusterIPs")
    selector: dict[str, str] | None = None
    """None or empty: the endpoints are somebody else's work."""
    external_name: str = ""
    """With type ExternalName: the host that it stands for."""
    ports: tuple[ServicePort, ...] | None = None
    session_affinity: str = "None"


class Service(Object, frozen=True, kw_only=True):
    """A Service; ExternalName ones have no place in the mesh, but copies of requests may go there."""

    spec: ServiceSpec = ServiceSpec()

    @property
    def is_external_name(self) -> bool:
        return self.spec.type == "ExternalName"

    @property
    def addresses(self) -> tuple[str, ...]:
        """IPv4 ClusterIPs. Empty: headless, or IPv6 only."""
        given = self.spec.cluster_ips or (self.spec.cluster_ip,)
        return tuple(address for one in given if (address := ipv4(one)))

    @property
    def tcp_ports(self) -> tuple[ServicePort, ...]:
        return tuple(port for port in self.spec.ports or () if port.protocol == "TCP")

    def port(self, number: int) -> ServicePort | None:
        """The TCP port of that number."""
        return next((port for port in self.tcp_ports if port.port == number), None)
