"""The application's own probes, asked of the sidecar: the kubelet holds no certificate, so Strict would refuse it.

Source: HEDDLE_PROBES in docs/contract.md; the shapes are those of Kubernetes' container probes.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

MAX_TIMEOUT_SECONDS = 60.0


class HttpHeader(msgspec.Struct, frozen=True):
    name: str
    value: str


class HttpGet(msgspec.Struct, frozen=True, rename="camel"):
    """Good: a status from 200 to 399. A redirect is good as it is, it is not followed."""

    port: int
    path: str = "/"
    scheme: str = "HTTP"
    """`HTTP`, or `HTTPS` without looking at the certificate, as the kubelet does."""
    http_headers: tuple[HttpHeader, ...] = ()


class TcpSocket(msgspec.Struct, frozen=True):
    """Good: the connection is accepted."""

    port: int


class Grpc(msgspec.Struct, frozen=True):
    """Good: `grpc.health.v1.Health/Check` says SERVING."""

    port: int
    service: str = ""


class Probe(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """Exactly one of the three."""

    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    grpc: Grpc | None = None
    timeout_seconds: float = 1.0

    def __post_init__(self) -> None:
        if sum(kind is not None for kind in (self.http_get, self.tcp_socket, self.grpc)) != 1:
            raise ValueError("exactly one of httpGet, tcpSocket and grpc must be given")
        if not 0 < self.timeout_seconds <= MAX_TIMEOUT_SECONDS:
            raise ValueError(f"timeoutSeconds is {self.timeout_seconds}; it must be above 0 and at most 60")


def parse_probes(text: str) -> Mapping[str, Probe]:
    """Path on the health port to probe.

    Raises:
        msgspec.MsgspecError: it is not the JSON of the contract.
    """
    return msgspec.json.decode(text, type=dict[str, Probe])
