"""PostgreSQL, Redis and MySQL (MariaDB, as Debian has it) through the mesh, with Services as people write them.

Their ports have a number, and for one of them a name; no appProtocol, no annotation. MySQL's server speaks first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from meshctl import pods
from meshctl.client import ApiError, Cluster
from meshctl.names import GROUP, HEALTH_PORT, PROXY
from tests.e2e.conftest import STATE_DIR
from tests.e2e.images import build, nodes
from tests.e2e.namespace import Sandbox, eventually
from tests.e2e.test_processes import kill
from tests.e2e.ways import CASE_SECONDS, Call, calls
from tests.e2e.workload import FILES, IDLE, OUTSIDE, Program, Workload, access_log, bring_programs, expose, start

LABELS = {f"{GROUP}/authorization": "Allow"}
BACK_SECONDS = 30
PORTS = {"postgres": 5432, "redis": 6379, "mysql": 3306}
CASES = (
    "postgres_statements",
    "postgres_plain",
    "postgres_direct",
    "postgres_large",
    "postgres_notices",
    "postgres_cancel",
    "postgres_reuse",
    "redis_statements",
    "redis_large",
    "redis_notices",
    "redis_waiting",
    "redis_reuse",
    "mysql_statements",
    "mysql_tls",
    "mysql_large",
    "mysql_reuse",
)
WAYS = {
    "meshed": ("client", "strict"),
    "to_unmeshed": ("client", "outside"),
    "from_unmeshed": ("stranger", "open"),
    "open": ("client", "open"),
    "unmeshed": ("stranger", "outside"),
}
"""Which pod calls which servers. The ones of `open` take plaintext too (Permissive)."""


@pytest.fixture(scope="module")
def call(cluster: Cluster, sandbox: Sandbox) -> Call:
    image = build.databases()
    nodes.bring(cluster, image, STATE_DIR)
    scripts = {name: f"serve_{name}.sh" for name in PORTS}
    bring_programs(sandbox, "database_calls.py", "database_sessions.py", *scripts.values())
    servers = [Program(["sh", f"{FILES}/{scripts[name]}"], port, name) for name, port in PORTS.items()]
    for servers_of in ("strict", "outside", "open"):
        for name, port in PORTS.items():
            expose(sandbox, f"{name}-{servers_of}", servers_of, {"port": port})
    start(
        sandbox,
        Workload("strict", image.name, servers),
        Workload("open", image.name, servers, {f"{GROUP}/mtls": "Permissive"}),
        Workload("outside", image.name, servers, OUTSIDE),
        Workload("client", image.name, [IDLE]),
        Workload("stranger", image.name, [IDLE], OUTSIDE),
    )

    def words(servers_of: str, case: str) -> list[str]:
        return ["python3", f"{FILES}/database_calls.py", f"{case.partition('_')[0]}-{servers_of}", case]

    return calls(sandbox, WAYS, words)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("way", WAYS)
def test_case(way: str, case: str, call: Call) -> None:
    done = call(way, case)
    assert done.code == 0, done.stderr or done.stdout


@pytest.mark.parametrize("name", PORTS)
def test_connections_are_the_meshs(name: str, sandbox: Sandbox, call: Call) -> None:
    """The servers' sidecar knows who called: what went through was encrypted between the pods."""
    assert call("meshed", f"{name}_statements").code == 0
    entries = [json.loads(line) for line in access_log(sandbox, "strict") if line.startswith("{")]
    seen = {one.get("peer") for one in entries if str(one.get("frontend", "")).endswith(f":{PORTS[name]}")}
    assert seen == {f"spiffe://cluster.local/ns/{sandbox.name}/sa/default"}


@pytest.mark.parametrize("name", PORTS)
def test_strangers_are_refused(name: str, cluster: Cluster, sandbox: Sandbox, call: Call) -> None:
    """Without a sidecar nobody reaches a Strict port."""
    words = ["python3", f"{FILES}/database_calls.py", f"{name}-strict", f"{name}_statements"]
    done = cluster.execute(sandbox.name, "stranger", "app", words, CASE_SECONDS)
    assert done.code != 0
    assert "Traceback" in done.stderr, "the client sees an error of the connection"


@pytest.fixture
def session(cluster: Cluster, sandbox: Sandbox, call: Call) -> Iterator[Callable[[], object]]:
    """Ask one session of each database, opened before, for its number."""
    words = ["python3", f"{FILES}/database_sessions.py", "strict"]
    running = cluster.start(sandbox.name, "client", "app", words, stdin=True)

    def ask() -> object:
        running.send("\n")
        answer = next(running.lines(CASE_SECONDS), None)
        assert answer, "a session ended"
        return json.loads(answer)

    yield ask
    running.close()


@pytest.mark.parametrize("pod", ["client", "strict"])
def test_sessions_do_not_notice_that_an_agent_dies(
    pod: str, cluster: Cluster, sandbox: Sandbox, session: Callable[[], object]
) -> None:
    before = session()
    kill(cluster, next(one for one in pods.listed(cluster, sandbox.name) if one.name == pod), "proxy.agent")
    assert session() == before
    ready = eventually(BACK_SECONDS, lambda: is_ready(cluster, sandbox, pod), bool)
    assert ready, "a new agent is there"
    assert session() == before


def test_sessions_do_not_notice_that_haproxy_is_replaced(
    cluster: Cluster, sandbox: Sandbox, session: Callable[[], object]
) -> None:
    """Another mTLS mode is one of the changes that need a new process: the old one finishes what it has."""
    before, replaced = session(), generation(cluster, sandbox)
    path = f"/api/v1/namespaces/{sandbox.name}/pods/strict"
    for mode in ("Permissive", None):
        cluster.patch(path, {"metadata": {"labels": {f"{GROUP}/mtls": mode}}})
        number = eventually(BACK_SECONDS, lambda: generation(cluster, sandbox), lambda now, last=replaced: now > last)
        assert number > replaced
        replaced = number
        assert session() == before


def is_ready(cluster: Cluster, sandbox: Sandbox, pod: str) -> bool:
    try:
        cluster.pod_get(sandbox.name, pod, HEALTH_PORT, "/readyz")
    except ApiError:
        return False
    return True


def generation(cluster: Cluster, sandbox: Sandbox) -> int:
    """Which HAProxy it is that runs in the sidecar of the databases."""
    done = cluster.execute(sandbox.name, "strict", PROXY, ["ls", "/run/heddle/gen"])
    return max(map(int, done.stdout.split()))
