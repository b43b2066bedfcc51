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
MAX_EXCLUDED_PORTS = 64
"""As many as the injector lets a pod exclude. Annotations can be changed later, when the injector is not asked."""


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
        """Inbound ports that pass by the sidecar: of the first `MAX_EXCLUDED_PORTS` entries those that are ports.

        One pod's annotation is read for everybody's snapshot: whatever it holds, this neither raises nor grows.
        """
        parts = self.metadata.annotations.get(EXCLUDE_INBOUND_ANNOTATION, "").split(",", MAX_EXCLUDED_PORTS)
        ports = (_port(part.strip()) for part in parts[:MAX_EXCLUDED_PORTS])
        return tuple(sorted({port for port in ports if port is not None}))

    def container_port(self, name: str) -> int | None:
        """The number of a named TCP port."""
        for container in self.spec.containers:
            for port in container.ports or ():
                if port.name == name and port.protocol == "TCP":
                    return port.container_port
        return None


def _port(text: str) -> int | None:
    """A port's number, of at most five digits: Python refuses to read thousands of them."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):
        return None
    return int(text) if 1 <= int(text) <= 65535 else None
