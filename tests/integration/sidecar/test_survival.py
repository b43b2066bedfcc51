"""Processes that die, wrong configurations, a control plane that is away, changes under load, the end of a pod."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import msgspec
import pytest
from msgspec import structs

from mesh_policy import wire
from mesh_policy.snapshot import (
    AccessLog,
    Backend,
    Endpoint,
    Frontend,
    HttpPermissionMatch,
    HttpRoutes,
    Intention,
    Match,
    Permission,
    Redirect,
    RouteEntry,
    Rule,
    SourceMatch,
    WorkloadConfig,
)
from proxy.agent.retired import MAX_RETIRED
from tests.support.sidecar.applications import exchange, get
from tests.support.sidecar.mesh import (
    API,
    API_IP,
    DETECT,
    HTTP,
    ROUTED_VIP,
    TCP,
    VIP,
    WEB,
    Mesh,
    api_config,
    caller_config,
)

BACK_SECONDS = 10.0
"""A limit against hanging on a busy machine. How long it really takes, `make bench` measures: below two seconds."""


@dataclass
class Load:
    """What a steady caller saw: a new connection every few requests, each request answered or not."""

    statuses: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def load(mesh: Mesh, vip: str) -> Iterator[Load]:
    seen, stop = Load(), threading.Event()

    def one() -> None:
        while not stop.is_set():
            try:
                with mesh.web.connect((vip, HTTP)) as connection:
                    for _ in range(7):
                        answer = exchange(connection, get("/load"))
                        seen.statuses.append(answer.status)
                        if answer.headers.get("connection") == "close":
                            break  # said in time: that is how a process that goes lets its callers go
            except OSError as error:
                seen.errors.append(repr(error))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)


def until(what: Callable[[], bool], limit_seconds: float, message: str) -> float:
    """Asks again and again; returns the seconds it took."""
    began = time.monotonic()
    while time.monotonic() - began < limit_seconds:
        try:
            if what():
                return time.monotonic() - began
        except (OSError, AssertionError):
            pass
        time.sleep(0.01)  # the process is another one: there is nothing to wait on but its answer
    raise AssertionError(f"{message}: not within {limit_seconds} s")


def answered(mesh: Mesh, vip: str) -> Callable[[], bool]:
    return lambda: mesh.ask(get("/again"), vip=vip).status == 200


@pytest.mark.parametrize("vip", [VIP, ROUTED_VIP], ids=["native", "python"])
def test_haproxy_dies_and_is_back(mesh: Mesh, vip: str) -> None:
    os.kill(mesh.web.process("haproxy"), signal.SIGKILL)
    until(answered(mesh, vip), BACK_SECONDS, "traffic after HAProxy was killed")
    assert mesh.ask(get("/"), pod=mesh.thief).status == 403


def test_haproxy_of_the_server_dies_and_refuses_as_before(mesh: Mesh) -> None:
    os.kill(mesh.api.process("haproxy"), signal.SIGKILL)
    until(answered(mesh, VIP), BACK_SECONDS, "traffic after HAProxy was killed")
    assert mesh.ask(get("/killed-server"), pod=mesh.thief).status == 403


def test_the_agent_dies_and_nobody_notices(mesh: Mesh) -> None:
    before = mesh.web.process("haproxy"), mesh.web.process("worker")
    dead = mesh.web.process("agent")
    with load(mesh, ROUTED_VIP) as seen:
        os.kill(dead, signal.SIGKILL)
        until(lambda: b" 200 " in mesh.web.health("/readyz")[:20], BACK_SECONDS, "the new agent")
    assert not seen.errors
    assert set(seen.statuses) == {200}
    assert (mesh.web.process("haproxy"), mesh.web.process("worker")) == before, "they were taken over, not restarted"
    assert mesh.web.process("agent") != dead
    assert mesh.control_plane.apply(WEB, caller_config("web"))["accepted"]


def test_processes_that_die_after_the_agent_are_watched_by_the_next(mesh: Mesh) -> None:
    os.kill(mesh.web.process("agent"), signal.SIGKILL)
    until(lambda: b" 200 " in mesh.web.health("/readyz")[:20], BACK_SECONDS, "the new agent")
    os.kill(mesh.web.process("haproxy"), signal.SIGKILL)
    os.kill(mesh.web.process("worker"), signal.SIGKILL)
    until(answered(mesh, ROUTED_VIP), BACK_SECONDS, "traffic after both were killed")


def test_the_worker_dies_and_no_request_is_lost_or_let_past_it(mesh: Mesh) -> None:
    """A request that meets no worker waits for the next one; the route is never left out."""
    mesh.works(ROUTED_VIP)
    os.kill(mesh.web.process("worker"), signal.SIGKILL)
    answer = mesh.ask(get("/worker-died"), vip=ROUTED_VIP)
    assert answer.status == 200
    routed = '"route": "HTTPRoute/shop/routed"'

    def logged() -> bool:
        return any('"/worker-died"' in line and routed in line for line in mesh.web.logs().splitlines())

    until(logged, BACK_SECONDS, "a line that says that it went through the worker")


def test_a_snapshot_that_does_not_decode_is_refused_and_the_last_good_one_stays(mesh: Mesh) -> None:
    good = wire.encode(wire.stamp(caller_config("web")))
    exponential = Permission(action="allow", http=HttpPermissionMatch(path_regex="(a*)*b"))
    some = Intention(name="shop/web", source=SourceMatch(identities=(API,)), permissions=(exponential,))
    inbound = api_config(intentions=(some,)).inbound
    for bad in (
        wire.encode(wire.stamp(msgspec.structs.replace(caller_config("web"), inbound=inbound))),
        b"{}",
        b'{"wireVersion":99}',
        good[:-1] + b',"unknown":1}',
        good.replace(b'"port":8080', b'"port":"x"'),
    ):
        count = len(mesh.control_plane.acks)
        mesh.control_plane.push_raw(WEB, bad)
        until(lambda n=count: len(mesh.control_plane.acks) > n, 5, "an answer")  # type: ignore[misc]
        who, ack = mesh.control_plane.acks[-1]
        assert (who, ack["accepted"], ack["version"]) == (WEB, False, wire.version_of(bad))
        assert ack["violations"]
        mesh.works()


def test_a_configuration_that_cannot_be_written_is_refused(changing_mesh: Mesh) -> None:
    mesh = changing_mesh
    intention = Permission(action="allow", http=HttpPermissionMatch(path_exact="/a\nbackend evil"))
    some = Intention(name="shop/api", source=SourceMatch(identities=(WEB,)), permissions=(intention,))
    ack = mesh.control_plane.apply(API, api_config(intentions=(some,)))
    assert (ack["accepted"], len(ack["violations"])) == (False, 1)
    mesh.works()


def test_a_configuration_that_haproxy_refuses_is_refused(changing_mesh: Mesh) -> None:
    """More words in one rule than HAProxy takes: nothing but HAProxy itself knows that limit."""
    mesh = changing_mesh
    methods = tuple(f"M{i}" for i in range(200))
    long = Permission(action="allow", http=HttpPermissionMatch(methods=methods))
    some = Intention(name="shop/api", source=SourceMatch(identities=(WEB,)), permissions=(long,))
    ack = mesh.control_plane.apply(API, api_config(intentions=(some,)))
    assert not ack["accepted"]
    assert ack["violations"][0]["path"] == "haproxy"
    mesh.works()
    assert mesh.control_plane.apply(API, api_config())["accepted"]


def with_more_backends(count: int) -> WorkloadConfig:
    """`web`'s configuration with as many more backends: nothing that the load uses changes."""
    config = caller_config("web")
    more = tuple(
        Backend(name=f"shop/more{i}/80", protocol="http", endpoints=(Endpoint(ip=API_IP, port=HTTP, identity=API),))
        for i in range(count)
    )
    import msgspec

    outbound = msgspec.structs.replace(config.outbound, backends=(*config.outbound.backends, *more))
    return msgspec.structs.replace(config, outbound=outbound)


@pytest.mark.parametrize("vip", [VIP, ROUTED_VIP], ids=["native", "python"])
def test_changes_by_the_runtime_api_under_load_drop_nothing(changing_mesh: Mesh, vip: str) -> None:
    mesh = changing_mesh
    before = mesh.web.process("haproxy")
    with load(mesh, vip) as seen:
        for round_ in range(10):
            assert mesh.control_plane.apply(WEB, with_more_backends(round_ % 3))["accepted"]
    assert not seen.errors
    assert set(seen.statuses) == {200}
    assert len(seen.statuses) > 50
    assert mesh.web.process("haproxy") == before, "no reload was needed"


@pytest.mark.parametrize("vip", [VIP, ROUTED_VIP], ids=["native", "python"])
def test_reloads_on_both_sides_under_load_drop_nothing(changing_mesh: Mesh, vip: str) -> None:
    mesh = changing_mesh
    before = mesh.web.process("haproxy"), mesh.api.process("haproxy")
    with load(mesh, vip) as seen:
        for round_ in range(5):
            log = AccessLog(sample_percent=50 + round_)
            web, api = (msgspec.structs.replace(one, access_log=log) for one in (caller_config("web"), api_config()))
            assert mesh.control_plane.apply(WEB, web)["accepted"]
            assert mesh.control_plane.apply(API, api)["accepted"]
    assert not seen.errors
    assert set(seen.statuses) == {200}
    assert len(seen.statuses) > 50
    after = mesh.web.process("haproxy"), mesh.api.process("haproxy")
    assert after[0] != before[0]
    assert after[1] != before[1]


def test_processes_that_were_replaced_are_few_whatever_connections_they_keep(changing_mesh: Mesh) -> None:
    """Each reload leaves a process with one connection; a new agent counts those of the former one too."""
    mesh = changing_mesh

    def reload(sample_percent: int) -> None:
        config = msgspec.structs.replace(caller_config("web"), access_log=AccessLog(sample_percent=sample_percent))
        assert mesh.control_plane.apply(WEB, config)["accepted"]

    def echoes(connection: socket.socket) -> bool:
        try:
            connection.sendall(b"x")
            return connection.recv(1) == b"x"
        except OSError:
            return False

    def haproxies() -> int:
        return sum("haproxy" in arguments[0] for _, arguments in mesh.web.processes())

    with ExitStack() as kept:
        connections = []
        for percent in range(1, MAX_RETIRED + 1):
            connections.append(kept.enter_context(mesh.web.connect((VIP, DETECT))))
            assert echoes(connections[-1])
            reload(percent)
        assert all(echoes(one) for one in connections)
        os.kill(mesh.web.process("agent"), signal.SIGKILL)
        until(lambda: b" 200 " in mesh.web.health("/readyz")[:20], BACK_SECONDS, "the new agent")
        connections.append(kept.enter_context(mesh.web.connect((VIP, DETECT))))
        assert echoes(connections[-1])
        reload(MAX_RETIRED + 1)
        until(lambda: haproxies() == MAX_RETIRED + 1, BACK_SECONDS, "the end of the oldest")
        assert [echoes(one) for one in connections] == [False] + [True] * MAX_RETIRED


def test_a_route_that_comes_and_goes_counts_on_a_connection_that_was_there_before(changing_mesh: Mesh) -> None:
    plain = caller_config("web")
    first, *others = plain.outbound.frontends
    answers = Rule(route="HTTPRoute/shop/new", redirect=Redirect(status=307))
    routes = HttpRoutes(entries=(RouteEntry(match=Match(), rule=0),), rules=(answers,))
    routed = structs.replace(first, routes=routes, engine="python")
    with_route = structs.replace(plain, outbound=structs.replace(plain.outbound, frontends=(routed, *others)))
    with changing_mesh.web.connect((VIP, HTTP)) as connection:
        for config, status in ((plain, 200), (with_route, 307), (plain, 200)):
            assert changing_mesh.control_plane.apply(WEB, config)["accepted"]
            assert exchange(connection, get("/kept")).status == status


def test_a_new_address_is_served_within_a_second(changing_mesh: Mesh) -> None:
    mesh = changing_mesh
    new = Frontend(name="shop/new/80", addresses=("10.96.0.99",), port=80, protocol="http", backend=f"shop/api/{HTTP}")
    began = time.monotonic()
    assert mesh.control_plane.apply(WEB, caller_config("web", extra=(new,)))["accepted"]
    assert mesh.ask(get("/new"), vip="10.96.0.99", port=80).status == 200
    assert time.monotonic() - began < 1.0


def test_the_control_plane_goes_away_and_comes_back(changing_mesh: Mesh) -> None:
    mesh = changing_mesh
    mesh.control_plane.stop()
    try:
        mesh.works()
        mesh.works(ROUTED_VIP)
        os.kill(mesh.web.process("agent"), signal.SIGKILL)
        os.kill(mesh.web.process("haproxy"), signal.SIGKILL)
        until(answered(mesh, ROUTED_VIP), BACK_SECONDS, "traffic without control plane")
        until(lambda: b" 200 " in mesh.web.health("/readyz")[:20], BACK_SECONDS, "ready without control plane")
    finally:
        mesh.control_plane.start()
    assert mesh.control_plane.apply(WEB, with_more_backends(1))["accepted"]


@pytest.mark.parametrize("side", ["web", "api"])
def test_a_peer_that_vanishes_without_a_word_is_noticed(side: str, mesh: Mesh) -> None:
    """Both ends of the connection between the sidecars ask the other whether it lives, from a minute of silence on."""
    pod, end = (mesh.web, f"{API_IP}:{TCP}") if side == "web" else (mesh.api, ":15006")
    command = ["ip", "netns", "exec", pod.namespace, "ss", "--tcp", "--numeric", "--options", "--no-header"]
    with mesh.web.connect((VIP, TCP)) as connection:
        assert connection.recv(1)
        sockets = subprocess.run(command, check=True, capture_output=True, text=True, timeout=10).stdout.splitlines()
    between = [line for line in sockets if line.startswith("ESTAB") and end in line]
    assert between
    left = [re.search(r"timer:\(keepalive,(\d+)(?:\.\d+)?(?:sec|ms)", line) for line in between]
    assert all(left), between
    assert all(int(one[1]) <= 60 for one in left if one and "ms" not in one[0])


def test_metrics_and_health_are_told(mesh: Mesh) -> None:
    assert b" 200 " in mesh.web.health("/livez").split(b"\r\n")[0]
    assert b" 404 " in mesh.web.health("/app-health/none/livez").split(b"\r\n")[0]
    text = mesh.web.health("/metrics", 15090).decode()
    for name in (
        "heddle_agent_haproxy_up 1",
        "heddle_worker_requests",
        'heddle_requests_total{direction="outbound",backend="h1:shop:api:8080",code="2xx"}',
    ):
        assert name in text


def test_the_last_test_a_pod_ends_without_losing_an_answer(mesh: Mesh) -> None:
    """SIGTERM while an answer is on its way: it is finished, then everything ends with 0."""
    mesh.gate.clear()
    answers: list[int] = []
    caller = threading.Thread(target=lambda: answers.append(mesh.ask(get("/slow")).status))
    caller.start()
    until(lambda: any(" /slow " in start for start, _, _ in mesh.seen.requests), 5, "the request in flight")
    ending: list[int] = []
    stopper = threading.Thread(target=lambda: ending.append(mesh.api.stop()))
    stopper.start()
    until(lambda: b" 503 " in mesh.api.health("/readyz")[:20], 5, "the drain")
    mesh.gate.set()
    caller.join(10)
    stopper.join(10)
    assert (answers, ending) == ([200], [0])
    assert not mesh.api.processes()
    (mesh.api.run_dir / "worker.sock.new").touch()
    mesh.api.start()
    mesh.works()


def test_a_change_brings_listeners_back_that_were_given_up(changing_mesh: Mesh) -> None:
    """As a new process leaves it that told the old one to stop and then did not get ready."""
    mesh = changing_mesh
    before = mesh.web.process("haproxy")
    with mesh.web.connect((VIP, DETECT)) as kept:
        kept.sendall(b"x")
        assert kept.recv(1) == b"x"
        os.kill(before, signal.SIGUSR1)
        until(lambda: not listens(mesh), BACK_SECONDS, "it listens no more")
        config = msgspec.structs.replace(caller_config("web"), access_log=AccessLog(sample_percent=50))
        assert mesh.control_plane.apply(WEB, config)["accepted"]
        assert mesh.ask(get("/")).status == 200
        kept.sendall(b"y")
        assert kept.recv(1) == b"y"
    assert mesh.web.process("haproxy") != before


def listens(mesh: Mesh) -> bool:
    try:
        with mesh.web.connect((VIP, HTTP)):
            return True
    except OSError:
        return False
