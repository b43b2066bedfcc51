"""Faults: TrafficPolicy into what a rule carries. The nearest policy that has any counts, with all of its faults."""

from __future__ import annotations

from control_plane.compile.authorization import source_match
from control_plane.index.policy import PolicyTable, Scope
from control_plane.index.store import Index
from control_plane.kinds.duration import duration_seconds
from control_plane.kinds.fault import DelayFault, FaultMatch, FaultSpec
from mesh_policy import grpc
from mesh_policy.snapshot import Fault, Normal, Uniform, ValueMatch


def faults(policies: PolicyTable, scopes: tuple[Scope, ...]) -> tuple[Fault, ...]:
    """Those of the first scope that has any."""
    policy = policies.holder("faults", scopes)
    if policy is None:
        return ()
    return tuple(fault(policies.index, policy.metadata.namespace, spec) for spec in policy.spec.faults)


def fault(index: Index, home: str, spec: FaultSpec) -> Fault:
    """As the sidecar reads it. `home`: the policy's namespace, which callers are of that name none."""
    match = spec.match or FaultMatch()
    delay = spec.delay or DelayFault()
    abort = spec.abort
    return Fault(
        name=spec.name,
        percent=spec.percent,
        delay_seconds=None if delay.fixed is None else duration_seconds(delay.fixed),
        delay_uniform=_uniform(delay),
        delay_normal=_normal(delay),
        abort_status=abort.http_status if abort else None,
        abort_grpc_status=grpc.STATUS[abort.grpc_status] if abort and abort.grpc_status else None,
        bytes_per_second=spec.bandwidth.bytes_per_second if spec.bandwidth else None,
        headers=tuple(ValueMatch(name=one.name.lower(), value=one.value, type=one.type) for one in match.headers),
        callers=tuple(source_match(index, home, caller) for caller in match.callers),
    )


def _uniform(delay: DelayFault) -> Uniform | None:
    if delay.uniform is None:
        return None
    least, most = delay.uniform.min, delay.uniform.max
    return Uniform(min_seconds=duration_seconds(least), max_seconds=duration_seconds(most))


def _normal(delay: DelayFault) -> Normal | None:
    if delay.normal is None:
        return None
    mean, deviation = delay.normal.mean, delay.normal.deviation
    return Normal(mean_seconds=duration_seconds(mean), deviation_seconds=duration_seconds(deviation))
