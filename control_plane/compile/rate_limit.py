"""How many requests a pod takes, by the policies on the Services that select it."""

from __future__ import annotations

from control_plane.index.membership import target_port
from control_plane.index.policy import PolicyTable, service_scopes
from control_plane.index.protocol import protocol_of
from control_plane.index.store import Index
from control_plane.kinds.duration import duration_seconds
from control_plane.kinds.pod import Pod
from control_plane.kinds.rate_limit import RateLimitSpec
from mesh_policy.snapshot import RateLimit


def rate_limits(index: Index, policies: PolicyTable, pod: Pod) -> tuple[RateLimit, ...]:
    """One for each policy, with the pod's ports that it acts on; a port of several Services has those of each."""
    ports: dict[tuple[str, str], set[int]] = {}
    found: dict[tuple[str, str], RateLimitSpec] = {}
    for service in index.services_of(pod):
        for port in service.tcp_ports:
            policy = policies.holder("rateLimit", service_scopes(service, port.name))
            number = target_port(pod, port)
            spec = policy.spec.rate_limit if policy else None
            if policy is not None and spec is not None and number is not None and protocol_of(port) != "tcp":
                found[policy.key] = spec
                ports.setdefault(policy.key, set()).add(number)
    return tuple(_limit("/".join(key), found[key], ports[key]) for key in sorted(found))


def _limit(name: str, spec: RateLimitSpec, ports: set[int]) -> RateLimit:
    return RateLimit(
        name=name,
        ports=tuple(sorted(ports)),
        requests=spec.requests,
        per_seconds=duration_seconds(spec.per),
        burst=spec.burst,
        by=spec.by,
        header=spec.header.lower() if spec.header is not None else None,
    )
