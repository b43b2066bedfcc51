"""The ways that a call can go, and programs that are asked on each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from meshctl.client import Executed, Object
from meshctl.names import GROUP
from tests.e2e.namespace import Sandbox
from tests.e2e.workload import OUTSIDE, Program, Workload, expose, route, start

CASE_SECONDS = 60
WAYS = {
    "unmeshed": ("outside", "unmeshed"),
    "native": ("client", "plain"),
    "route": ("client", "routed"),
    "python": ("python", "plain"),
}
"""Pod that calls, and Service that it calls."""
BY_WORKER = (("native", 0), ("route", 1), ("python", 1))
"""How many requests of one call the caller's worker answers."""

type Call = Callable[[str, str], Executed]
"""Way and case."""


def start_on_all_ways(
    sandbox: Sandbox, image: str, kind: str, port: Object, *, server: Program, client: Program | None = None
) -> None:
    """Pods and Services of WAYS.

    Args:
        kind: of the route between Services `routed` and `plain`.
        port: of each Service, number 80.
        client: None: the server's program.
    """
    expose(sandbox, "plain", "server", port)
    expose(sandbox, "routed", "server", port)
    expose(sandbox, "unmeshed", "lonely", port)
    route(sandbox, kind, "routed", "plain", 80)
    servers, clients = [server], [client or server]
    start(
        sandbox,
        Workload("server", image, servers),
        Workload("client", image, clients),
        Workload("python", image, clients, annotations={f"{GROUP}/engine": "python"}),
        Workload("lonely", image, servers, OUTSIDE),
        Workload("outside", image, clients, OUTSIDE),
    )


def calls(sandbox: Sandbox, ways: Mapping[str, tuple[str, str]], words: Callable[[str, str], list[str]]) -> Call:
    """Runs one case one way; `words` makes the command of a Service and a case."""

    def run(way: str, case: str) -> Executed:
        pod, service = ways[way]
        return sandbox.cluster.execute(sandbox.name, pod, "app", words(service, case), CASE_SECONDS)

    return run
