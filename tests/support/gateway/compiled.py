"""The tables' objects as the control plane compiles them."""

from __future__ import annotations

from functools import cache

from control_plane.compile.workload import compile_workload
from mesh_policy.snapshot import Frontend, WorkloadConfig
from tests.support.cluster import Json, an_index
from tests.support.gateway.tables import TABLES
from tests.support.gateway.vocabulary import WORLD, Table, http

CLIENTS = {"shop": ("shop", "web-1"), "client": ("client", "client-1")}


def config(objects: tuple[Json, ...], namespace: str) -> WorkloadConfig:
    """The snapshot of a client in a namespace."""
    found = compile_workload(an_index(*WORLD, *objects), CLIENTS[namespace])
    assert found is not None
    return found


@cache
def configs(name: str) -> dict[str, WorkloadConfig]:
    """Of one of TABLES, by namespace of the client."""
    table: Table = TABLES[name]
    return {namespace: config(table.objects, namespace) for namespace in {ask.namespace for ask, _ in table.rows}}


def shared_out(refs: tuple[Json, ...]) -> WorkloadConfig:
    """A rule with these backends."""
    return config((http({"backendRefs": list(refs)}),), "shop")


def frontend(config: WorkloadConfig, port: int) -> Frontend:
    """The Service `api`."""
    return next(one for one in config.outbound.frontends if one.name == f"shop/api/{port}")
