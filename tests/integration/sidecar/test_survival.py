"""Processes that die, a control plane that is away, peers that vanish, the end of a pod."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable

import pytest

from tests.support.sidecar.applications import get
from tests.support.sidecar.load import load
from tests.support.sidecar.mesh import (
    API_IP,
    ROUTED_VIP,
    TCP,
    VIP,
    WEB,
    Mesh,
    caller_config,
    with_more_backends,
)
from tests.support.sidecar.waiting import BACK_SECONDS, until


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


def test_a_pod_ends_without_losing_an_answer(mesh: Mesh) -> None:
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
