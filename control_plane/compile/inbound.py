"""What a workload accepts: mTLS mode, what its ports speak, who may call, and how much."""

from __future__ import annotations

from control_plane.compile.authorization import authorization
from control_plane.compile.rate_limit import rate_limits
from control_plane.index.membership import mtls_mode, target_port
from control_plane.index.policy import PolicyTable
from control_plane.index.protocol import protocol_of
from control_plane.index.store import Index
from control_plane.kinds.pod import Pod
from mesh_policy.snapshot import Inbound, InboundPort, Protocol


def inbound(index: Index, policies: PolicyTable, pod: Pod) -> Inbound:
    """The receiving side of a pod."""
    return Inbound(
        mtls=mtls_mode(index, pod),
        ports=_ports(index, pod),
        authorization=authorization(index, pod),
        rate_limits=rate_limits(index, policies, pod),
    )


def _ports(index: Index, pod: Pod) -> tuple[InboundPort, ...]:
    """Container ports by what the Services in front of them say; two that disagree leave it to detection."""
    found: dict[int, set[Protocol]] = {}
    for service in index.services_of(pod):
        for port in service.tcp_ports:
            number = target_port(pod, port)
            if number is not None:
                found.setdefault(number, set()).add(protocol_of(port))
    return tuple(
        InboundPort(port=number, protocol=next(iter(spoken)) if len(spoken) == 1 else "detect")
        for number, spoken in sorted(found.items())
    )
