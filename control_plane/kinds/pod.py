"""Pod (v1), as far as the mesh reads it."""

from __future__ import annotations

import msgspec

from control_plane.kinds.meta import GROUP, Object, Wire

STATUS_ANNOTATION = f"{GROUP}/status"
ENGINE_ANNOTATION = f"{GROUP}/engine"
MTLS_LABEL = f"{GROUP}/mtls"
EXCLUDE_INBOUND_ANNOTATION = f"{GROUP}/exclude-inbound-ports"
SIDECAR_PORTS = range(15000, 15100)
"""The sidecar's own ports: never captured, so never behind mTLS."""


class ContainerPort(Wire, frozen=True, kw_only=True):
    """One declared port."""

    container_port: int
    name: str = ""
    protocol: str = "TCP"


class Container(Wire, frozen=True, kw_only=True):
    """One container."""

    name: str = ""
    ports: tuple[ContainerPort, ...] | None = None


class PodSpec(Wire, frozen=True, kw_only=True):
    """`spec`."""

    service_account_name: str = "default"
    node_name: str = ""
    host_network: bool = False
    containers: tuple[Container, ...] = ()


class PodStatus(Wire, frozen=True, kw_only=True):
    """`status`; conditions are left out, so that a probe's flapping is no change (EndpointSlices tell who is ready)."""

    phase: str = "Pending"
    pod_ip: str = msgspec.field(default="", name="podIP")


class Pod(Object, frozen=True, kw_only=True):
    """A pod."""

    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def is_meshed(self) -> bool:
        """It carries a sidecar: the injector's mark is there. The network of a node is never captured."""
        return self.metadata.annotations.get(STATUS_ANNOTATION) == "injected" and not self.spec.host_network

    @property
    def has_ended(self) -> bool:
        return self.status.phase in {"Succeeded", "Failed"}

    @property
    def excluded_ports(self) -> tuple[int, ...]:
        """Inbound ports that pass by the sidecar; what is not a port number was refused by the injector."""
        text = self.metadata.annotations.get(EXCLUDE_INBOUND_ANNOTATION, "")
        return tuple(sorted({int(part) for part in text.split(",") if part.strip().isdecimal() and int(part) < 65536}))

    def container_port(self, name: str) -> int | None:
        """The number of a named TCP port."""
        for container in self.spec.containers:
            for port in container.ports or ():
                if port.name == name and port.protocol == "TCP":
                    return port.container_port
        return None
