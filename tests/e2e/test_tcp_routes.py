"""TCPRoute and TLSRoute on the cluster: from the API to the connections of a pod."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from meshctl.client import Cluster, Object
from meshctl.names import GROUP
from tests.e2e.conftest import STATE_DIR
from tests.e2e.images import build, nodes
from tests.e2e.namespace import Sandbox, eventually
from tests.e2e.workload import FILES, IDLE, Program, Workload, bring_programs, expose, run, start

LABELS = {f"{GROUP}/authorization": "Allow"}
PORT = 7000
LIVE_SECONDS = 15

type Call = Callable[..., list[str]]


@pytest.fixture(scope="module")
def call(cluster: Cluster, sandbox: Sandbox) -> Call:
    """So many connections of the client to a Service, with a server name or none: what it was told."""
    image = build.databases()
    nodes.bring(cluster, image, STATE_DIR)
    bring_programs(sandbox, "tcp_names.py")
    script = ["python3", f"{FILES}/tcp_names.py"]
    servers = {name: [Program([*script, "serve", str(PORT), name], PORT)] for name in ("first", "second")}
    for service, app in (("first", "first"), ("second", "second"), ("shared", "first"), ("named", "first")):
        expose(sandbox, service, app, {"name": "tcp-names", "port": PORT})
    start(
        sandbox,
        *(Workload(name, image.name, programs) for name, programs in servers.items()),
        Workload("client", image.name, [IDLE]),
    )

    def told(service: str, times: int, *server_name: str) -> list[str]:
        words = [*script, "call", service, str(PORT), str(times), *server_name]
        found: list[str] = json.loads(run(sandbox, "client", *words))
        return found

    return told


def apply(sandbox: Sandbox, kind: str, service: str, *refs: Object, **spec: Any) -> None:
    parent = {"group": "", "kind": "Service", "name": service, "port": PORT}
    manifest = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": service, "namespace": sandbox.name},
        "spec": {"parentRefs": [parent], "rules": [{"backendRefs": list(refs)}], **spec},
    }
    sandbox.cluster.apply(sandbox.path(manifest), manifest)


def to(name: str, weight: int = 1) -> Object:
    return {"name": name, "port": PORT, "weight": weight}


def test_shares_of_connections_and_their_change(call: Call, sandbox: Sandbox) -> None:
    assert set(call("shared", 4)) == {"first"}, "without a route it is the Service's own pod"
    apply(sandbox, "TCPRoute", "shared", to("first", 3), to("second", 1))
    told = eventually(LIVE_SECONDS, lambda: call("shared", 8), lambda told: told.count("second") == 2)
    assert sorted(told) == ["first"] * 6 + ["second"] * 2
    apply(sandbox, "TCPRoute", "shared", to("first", 0), to("second", 1))
    assert eventually(LIVE_SECONDS, lambda: set(call("shared", 4)), lambda told: told == {"second"}) == {"second"}
    apply(sandbox, "TCPRoute", "shared", to("nobody", 1), to("second", 1))
    told = eventually(LIVE_SECONDS, lambda: call("shared", 6), lambda told: "" in told)
    assert sorted(told) == [""] * 3 + ["second"] * 3


def test_the_name_that_a_tls_client_asks_for_decides(call: Call, sandbox: Sandbox) -> None:
    apply(sandbox, "TLSRoute", "named", to("second"), hostnames=["exact.example", "*.wild.example"])
    names = {"exact.example": "second", "a.b.wild.example": "second", "wild.example": "", "other.example": ""}
    found = eventually(
        LIVE_SECONDS, lambda: {name: call("named", 1, name)[0] for name in names}, lambda found: found == names
    )
    assert found == names
