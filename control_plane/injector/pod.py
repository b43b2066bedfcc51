"""The part of a Pod that the injector reads. Other fields are skipped: no patch touches what was not read."""

from __future__ import annotations

from typing import Any

import msgspec


class Struct(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of the parts."""


class Metadata(Struct, frozen=True, kw_only=True):
    name: str = ""
    generate_name: str = ""
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Capabilities(Struct, frozen=True, kw_only=True):
    add: list[str] | None = None


class SecurityContext(Struct, frozen=True, kw_only=True):
    run_as_user: int | None = None
    privileged: bool | None = None
    capabilities: Capabilities | None = None


class ContainerPort(Struct, frozen=True, kw_only=True):
    container_port: int
    name: str = ""
    protocol: str = "TCP"


class HttpGet(Struct, frozen=True, kw_only=True):
    port: int | str
    path: str = "/"
    host: str = ""
    scheme: str = "HTTP"
    http_headers: list[dict[str, str]] | None = None


class TcpSocket(Struct, frozen=True, kw_only=True):
    port: int | str
    host: str = ""


class Grpc(Struct, frozen=True, kw_only=True):
    port: int
    service: str | None = None


class Probe(Struct, frozen=True, kw_only=True):
    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    grpc: Grpc | None = None
    timeout_seconds: int | None = None
    """None or 0: one second, Kubernetes' default."""


class Hook(Struct, frozen=True, kw_only=True):
    http_get: HttpGet | None = None


class Lifecycle(Struct, frozen=True, kw_only=True):
    post_start: Hook | None = None
    pre_stop: Hook | None = None


class VolumeMount(Struct, frozen=True, kw_only=True):
    name: str


class Container(Struct, frozen=True, kw_only=True):
    name: str
    ports: list[ContainerPort] | None = None
    volume_mounts: list[VolumeMount] | None = None
    security_context: SecurityContext | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    restart_policy: str | None = None
    """`Always` on an init container: a native sidecar."""


class Volume(Struct, frozen=True, kw_only=True):
    name: str


class OperatingSystem(Struct, frozen=True, kw_only=True):
    name: str = "linux"


class Spec(Struct, frozen=True, kw_only=True):
    containers: list[Container] = []
    init_containers: list[Container] | None = None
    volumes: list[Volume] | None = None
    host_network: bool | None = None
    share_process_namespace: bool | None = None
    os: OperatingSystem | None = None
    dns_policy: str | None = None
    security_context: SecurityContext | None = None
    termination_grace_period_seconds: int | None = None
    """None: 30, Kubernetes' default."""


class Pod(Struct, frozen=True, kw_only=True):
    metadata: Metadata = Metadata()
    spec: Spec = Spec()

    @property
    def labels(self) -> dict[str, str]:
        return self.metadata.labels or {}

    @property
    def annotations(self) -> dict[str, str]:
        return self.metadata.annotations or {}

    @property
    def init_containers(self) -> list[Container]:
        return self.spec.init_containers or []

    @property
    def grace_seconds(self) -> int:
        grace = self.spec.termination_grace_period_seconds
        return 30 if grace is None else max(grace, 0)


def parse_pod(raw: Any) -> Pod:
    """Read a Pod out of decoded JSON.

    Raises:
        msgspec.ValidationError: a field that the injector reads has another type than Kubernetes gives it.
    """
    return msgspec.convert(raw, Pod)
