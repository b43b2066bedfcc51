"""A snapshot made ready for the addons: what is looked up or compiled per snapshot, never per request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mesh_policy import route
from mesh_policy.identity import SpiffeId
from mesh_policy.route import Here, PreparedRule, RouteTable
from mesh_policy.snapshot import Frontend, WorkloadConfig


class PreparedFrontend(NamedTuple):
    """One frontend that the worker may be asked to serve."""

    frontend: Frontend
    table: RouteTable | None
    """None: no route is attached."""
    rule: PreparedRule | None
    """What decides where no route is attached. None: requests go to the frontend's own backend as they are."""


Frontends = Mapping[str, PreparedFrontend]
"""By name. The whole is swapped by reference when the snapshot changes; a flow keeps the one it started with."""


def prepare(config: WorkloadConfig) -> Frontends:
    """All frontends of a snapshot, also native ones: HAProxy may still hand over a request of the generation before.

    Raises:
        ValueError: a regular expression cannot be used (a decoded snapshot has none: the wire checks them).
    """
    workload = config.workload
    here = Here(
        SpiffeId(config.trust_domain, workload.namespace, workload.service_account),
        {one.name: tuple(f"{e.ip}:{e.port}" for e in one.endpoints) for one in config.outbound.backends},
    )
    return {
        frontend.name: PreparedFrontend(
            frontend,
            None if frontend.routes is None else route.prepare(frontend.routes, here),
            None if frontend.rule is None else route.prepare_rule(frontend.rule, here=here),
        )
        for frontend in config.outbound.frontends
    }
