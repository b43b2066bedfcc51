"""The whole."""

from __future__ import annotations

from typing import Annotated

import msgspec

from mesh_policy.snapshot.base import REFINES, WIRE_VERSION, Struct
from mesh_policy.snapshot.inbound import Inbound
from mesh_policy.snapshot.outbound import Outbound


class Workload(Struct, frozen=True, kw_only=True):
    namespace: str
    pod: str
    service_account: str
    labels: dict[str, str] = msgspec.field(default_factory=dict)
    zone: Annotated[str, REFINES] = ""
    """`topology.kubernetes.io/zone` of its node; empty: not known."""


class AccessLog(Struct, frozen=True, kw_only=True):
    sample_percent: float = 100.0
    """0: only refused and failed requests are logged."""


class WorkloadConfig(Struct, frozen=True, kw_only=True, omit_defaults=False):
    """What the control plane sends to one sidecar, whole."""

    wire_version: int = WIRE_VERSION
    """Always sent, so that an older reader sees a version that it does not know."""
    version: str = ""
    """`sha256:` + first 16 hex digits of the hash of everything else (mesh_policy.wire.encode sets it)."""
    workload: Workload
    trust_domain: str
    outbound: Outbound = Outbound()
    inbound: Inbound = Inbound()
    access_log: AccessLog = AccessLog()
