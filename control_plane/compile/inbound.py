"""What a workload accepts: mTLS mode, what its ports speak, who may call."""

from __future__ import annotations

from control_plane.compile.authorization import authorization
from control_plane.index.membership import mtls_mode
from control_plane.index.protocol import protocol_of
from control_plane.index.store import Index
from control_plane.kinds.pod import Pod
from control_plane.kinds.service import ServicePort
from mesh_policy.snapshot import Inbound, InboundPort, Protocol


def inbound(index: Index, pod: Pod) -> Inbound:
    """The receiving side of a pod."""
    return Inbound(mtls=mtls_mode(index, pod), ports=_ports(index, pod), authorization=authorization(index, pod))


def _ports(index: Index, pod: Pod) -> tuple[InboundPort, ...]:
    """Container ports by what the Services in front of them say; two that disagree leave it to detection."""
    found: dict[int, set[Protocol]] = {}
    for service in index.services_of(pod):
        for port in service.tcp_ports:
            number = _container_port(pod, port)
            if number is not None:
                found.setdefault(number, set()).add(protocol_of(port))
    return tuple(
        InboundPort(port=number, protocol=next(iter(spoken)) if len(spoken) == 1 else "detect")
        for number, spoken in sorted(found.items())
    )


def _container_port(pod: Pod, port: ServicePort) -> int | None:
    match port.target_port:
        case str() as name:
            return pod.container_port(name)
        case int() as number if number:
            return number
        case _:
            return port.port
