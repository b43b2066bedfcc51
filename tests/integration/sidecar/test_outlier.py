"""Ejection in a running sidecar: three endpoints of which some fail, under load, by both engines."""

from __future__ import annotations

import os
import re
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from mesh_policy.snapshot import (
    AccessLog,
    Backend,
    Endpoint,
    Frontend,
    HttpRoutes,
    Match,
    Outlier,
    Retry,
    RouteEntry,
    Rule,
    Timeouts,
    WeightedBackend,
    WorkloadConfig,
)
from tests.support.sidecar.applications import Application, exchange, get, read_head
from tests.support.sidecar.mesh import API, API_IP, THIEF, WEB, Mesh, caller_config
from tests.support.sidecar.pod import Pod

PORTS = (9201, 9202, 9203)
NATIVE, PYTHON, BYTES = "10.96.0.50", "10.96.0.51", "10.96.0.52"
BACKEND, BYTES_BACKEND = "shop/flaky/80", "shop/bytes/80"
LONG = Outlier(consecutive_errors=3, base_ejection_seconds=60)
WAIT_SECONDS = 20.0
TRY, WHOLE = Timeouts(backend_seconds=0.3), Timeouts(request_seconds=0.3)
PART = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart"
UPGRADE = (
    "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n"
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    b"sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
"""The pair of RFC 6455 section 1.3."""


class Flaky:
    """Endpoints that answer with their port, 500 while they are told to fail, and nothing while they hang.

    `/stream` begins an answer that does not end, `/ws` becomes an echo.
    """

    def __init__(self, pod: Pod) -> None:
        self.failing: set[int] = set()
        self.hanging: set[int] = set()
        self._applications = [Application(pod.listener(port), self._serve(port)) for port in PORTS]

    def _serve(self, port: int) -> Callable[[socket.socket], None]:
        def serve(client: socket.socket) -> None:
            stream = client.makefile("rb")
            while line := read_head(stream)[0]:
                if port in self.hanging or "/stream" in line:
                    client.sendall(b"" if port in self.hanging else PART)
                    client.recv(1)  # until the sidecar gives it up
                    return
                if "/ws" in line:
                    client.sendall(SWITCH)
                    while data := client.recv(100):
                        client.sendall(data)
                    return
                status = 500 if port in self.failing else 200
                client.sendall(f"HTTP/1.1 {status} X\r\ncontent-length: 4\r\n\r\n{port}".encode())

        return serve

    def close(self) -> None:
        for application in self._applications:
            application.close()


@pytest.fixture(scope="module")
def endpoints(mesh: Mesh) -> Iterator[Flaky]:
    made = Flaky(mesh.api)
    yield made
    made.close()


@pytest.fixture
def flaky(endpoints: Flaky, changing_mesh: Mesh) -> Iterator[Flaky]:
    endpoints.failing, endpoints.hanging = set(), set()
    yield endpoints
    endpoints.failing, endpoints.hanging = set(), set()


def config(
    outlier: Outlier | None,
    *,
    sample: float = 100,
    wrong: int | None = None,
    timeouts: Timeouts | None = None,
    retry: Retry | None = None,
) -> WorkloadConfig:
    """`wrong`: an endpoint that cannot prove who it is."""
    before = caller_config("web")
    found = tuple(Endpoint(ip=API_IP, port=port, identity=THIEF if port == wrong else API) for port in PORTS)
    backend = Backend(name=BACKEND, protocol="http", endpoints=found, outlier=outlier)
    tcp = Backend(name=BYTES_BACKEND, protocol="tcp", endpoints=found, outlier=outlier)
    backends = (WeightedBackend(backend=BACKEND),)
    rule = Rule(route="HTTPRoute/shop/flaky", backends=backends, timeouts=timeouts, retry=retry)
    native = Frontend(name=BACKEND, addresses=(NATIVE,), port=80, protocol="http", backend=BACKEND)
    python = msgspec.structs.replace(
        native,
        name="shop/python/80",
        addresses=(PYTHON,),
        engine="python",
        routes=HttpRoutes(entries=(RouteEntry(match=Match(), rule=0),), rules=(rule,)),
    )
    plain = Frontend(name=BYTES_BACKEND, addresses=(BYTES,), port=80, protocol="tcp", backend=BYTES_BACKEND)
    outbound = msgspec.structs.replace(
        before.outbound,
        frontends=(*before.outbound.frontends, native, python, plain),
        backends=(*before.outbound.backends, backend, tcp),
    )
    return msgspec.structs.replace(before, outbound=outbound, access_log=AccessLog(sample_percent=sample))


def apply(mesh: Mesh, outlier: Outlier | None, **other: Any) -> None:
    answer = mesh.control_plane.apply(WEB, config(outlier, **other))
    assert answer["accepted"], answer


def calls(mesh: Mesh, number: int, vip: str = NATIVE) -> Counter[tuple[int, str]]:
    """So many requests from four callers side by side: how many of which status from which endpoint."""
    found: Counter[tuple[int, str]] = Counter()
    guard = threading.Lock()

    def work() -> None:
        with mesh.web.connect((vip, 80)) as connection:
            for _ in range(number // 4):
                answer = exchange(connection, get("/"))
                with guard:
                    found[answer.status, answer.text] += 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def errors(found: Counter[tuple[int, str]]) -> float:
    """Share of the answers that are errors."""
    return sum(count for (status, _), count in found.items() if status >= 500) / found.total()


def until(what: Callable[[], object], message: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not what():
        assert time.monotonic() < deadline, message
        time.sleep(0.02)


def figure(mesh: Mesh, name: str, backend: str = BACKEND) -> int:
    text = mesh.web.health("/metrics", 15090).decode()
    found = re.search(rf'^{name}{{backend="{backend}"}} (\d+)$', text, re.MULTILINE)
    return int(found[1]) if found else 0


def ejected(mesh: Mesh, number: int, vip: str = NATIVE, backend: str = BACKEND) -> None:
    """Calls until so many are out."""

    def out() -> bool:
        calls(mesh, 24, vip)
        return figure(mesh, "heddle_agent_ejected", backend) == number

    until(out, f"{number} ejected: {mesh.web.logs()[-3000:]}")


def names(mesh: Mesh, requests: int = 60, vip: str = NATIVE) -> set[str]:
    return {text for _, text in calls(mesh, requests, vip)}


def told(mesh: Mesh) -> list[str]:
    """Ejections in the sidecar's log, oldest first: the endpoint and for how long."""
    return re.findall(rf"ejected {API_IP}:(\d+ of \S+ for \S+ s)", mesh.web.logs())


@pytest.mark.parametrize("vip", [NATIVE, PYTHON], ids=["native", "python"])
def test_an_endpoint_that_fails_is_left_out_under_load(mesh: Mesh, flaky: Flaky, vip: str) -> None:
    apply(mesh, None)
    flaky.failing = {PORTS[0]}
    before = calls(mesh, 240, vip)
    assert 0.15 < errors(before) < 0.55, "a third of the requests meets it"
    apply(mesh, LONG)
    ejections = figure(mesh, "heddle_agent_ejections_total")
    ejected(mesh, 1, vip)
    after = calls(mesh, 240, vip)
    assert errors(after) == 0, after
    assert {text for _, text in after} == {str(port) for port in PORTS[1:]}
    assert figure(mesh, "heddle_agent_ejections_total") == ejections + 1
    assert told(mesh)[-1] == f"{PORTS[0]} of {BACKEND} for 60 s"


def test_it_comes_back_and_is_out_longer_when_it_fails_again(mesh: Mesh, flaky: Flaky) -> None:
    apply(mesh, Outlier(consecutive_errors=3, base_ejection_seconds=1, interval_seconds=60))
    before = len(told(mesh))
    flaky.failing = {PORTS[1]}
    until(lambda: calls(mesh, 24) and len(told(mesh)) >= before + 2, "ejected twice")
    assert told(mesh)[before : before + 2] == [f"{PORTS[1]} of {BACKEND} for {seconds} s" for seconds in (1, 2)]
    flaky.failing = set()
    until(lambda: str(PORTS[1]) in names(mesh), "it is back")


def test_no_more_than_the_share_is_out(mesh: Mesh, flaky: Flaky) -> None:
    apply(mesh, LONG)
    flaky.failing = {PORTS[0], PORTS[1]}
    ejected(mesh, 1)
    assert 0 < errors(calls(mesh, 60)) < 1
    assert len(names(mesh)) == 2


def test_in_panic_all_are_used(mesh: Mesh, flaky: Flaky) -> None:
    policy = msgspec.structs.replace(LONG, max_ejected_percent=100)
    flaky.failing = {PORTS[0], PORTS[1]}
    apply(mesh, policy)
    ejected(mesh, 2)
    until(lambda: len(names(mesh)) == 3, "one of three is less than half")
    apply(mesh, msgspec.structs.replace(policy, panic_percent=0))
    until(lambda: names(mesh) == {str(PORTS[2])}, "without panic two are out")


def test_a_bad_share_of_an_interval_ejects(mesh: Mesh, flaky: Flaky) -> None:
    policy = Outlier(consecutive_errors=0, success_rate_below=80, min_requests=5, interval_seconds=1)
    apply(mesh, policy)
    flaky.failing = {PORTS[2]}
    ejected(mesh, 1)
    assert errors(calls(mesh, 60)) == 0


def test_connections_that_cannot_be_made_count_for_bytes_too(mesh: Mesh, flaky: Flaky) -> None:
    apply(mesh, LONG, wrong=PORTS[0])
    ejected(mesh, 1, BYTES, BYTES_BACKEND)
    seen = set().union(*(names(mesh, 4, BYTES) for _ in range(10)))  # 40 connections: each of them has one endpoint
    assert seen == {str(port) for port in PORTS[1:]}


def test_a_reload_keeps_who_is_out(mesh: Mesh, flaky: Flaky) -> None:
    apply(mesh, LONG)
    flaky.failing = {PORTS[0]}
    ejected(mesh, 1)
    ejections, process = len(told(mesh)), mesh.web.process("haproxy")
    apply(mesh, LONG, sample=50)
    assert mesh.web.process("haproxy") != process, "this change is a reload"
    until(lambda: "MAINT" in stat(mesh), "the new process leaves it out")
    assert errors(calls(mesh, 60)) == 0
    assert len(told(mesh)) == ejections, "it was not ejected anew"


def test_without_a_policy_or_its_agent_nobody_stays_out(mesh: Mesh, flaky: Flaky) -> None:
    apply(mesh, LONG)
    for cure in ("policy", "agent"):
        flaky.failing = {PORTS[0]}
        apply(mesh, LONG)
        ejected(mesh, 1)
        flaky.failing = set()
        if cure == "policy":
            apply(mesh, None)
        else:
            os.kill(mesh.web.process("agent"), signal.SIGKILL)
        until(lambda: len(names(mesh)) == 3, f"back without its {cure}")
    mesh.web.wait_ready()


def test_an_endpoint_that_hangs_is_left_out_and_nobody_waits_for_it(mesh: Mesh, flaky: Flaky) -> None:
    apply(mesh, LONG, timeouts=TRY, retry=Retry(attempts=2, on=("Timeout",)))
    flaky.hanging = {PORTS[1]}
    before = worker(mesh, "retries")
    ejected(mesh, 1, PYTHON)
    assert told(mesh)[-1] == f"{PORTS[1]} of {BACKEND} for 60 s"
    late = worker(mesh, "retries"), worker(mesh, "timeouts")
    assert late[0] > before, "until then another one answered"
    assert set(calls(mesh, 120, PYTHON)) == {(200, str(PORTS[0])), (200, str(PORTS[2]))}
    assert (worker(mesh, "retries"), worker(mesh, "timeouts")) == late


def test_an_endpoint_that_lets_the_whole_request_pass_is_left_out(mesh: Mesh, flaky: Flaky) -> None:
    apply(mesh, LONG, timeouts=WHOLE)
    flaky.hanging = {PORTS[1]}
    ejected(mesh, 1, PYTHON)
    assert told(mesh)[-1] == f"{PORTS[1]} of {BACKEND} for 60 s"
    assert set(calls(mesh, 120, PYTHON)) == {(200, str(PORTS[0])), (200, str(PORTS[2]))}


@pytest.mark.parametrize(("limits", "reason"), [(TRY, "backend-timeout"), (WHOLE, "request-timeout")])
def test_who_hangs_gives_504_as_ever(mesh: Mesh, flaky: Flaky, limits: Timeouts, reason: str) -> None:
    apply(mesh, None, timeouts=limits)
    flaky.hanging = set(PORTS)
    with mesh.web.connect((PYTHON, 80)) as connection:
        for request in (get("/"), get("/", method="POST", body=b"body"), get("/", headers=UPGRADE)):
            answer = exchange(connection, request)
            assert (answer.status, answer.headers["x-mesh-error"]) == (504, reason)
            assert not any(name.startswith("x-mesh-internal-") for name in answer.headers)


@pytest.mark.parametrize("limits", [Timeouts(backend_seconds=1), Timeouts(request_seconds=1)], ids=["try", "whole"])
def test_the_limit_of_silence_ends_with_the_head(mesh: Mesh, flaky: Flaky, limits: Timeouts) -> None:
    apply(mesh, LONG, timeouts=limits)
    with mesh.web.connect((PYTHON, 80)) as tunnel:
        tunnel.sendall(get("/ws", headers=UPGRADE))
        stream = tunnel.makefile("rb")
        assert read_head(stream)[0].startswith("HTTP/1.1 101 ")
        for _ in range(4):  # these pass the limit: the tunnel is silent for longer
            with mesh.web.connect((PYTHON, 80)) as connection:
                connection.sendall(get("/stream"))
                cut = connection.makefile("rb")
                assert read_head(cut)[0].startswith("HTTP/1.1 200 ")
                assert cut.read() == b"part", "the worker cuts it when the attempt is over"
        tunnel.sendall(b"ping")
        assert stream.read(4) == b"ping"
    assert figure(mesh, "heddle_agent_ejected") == 0, "an answer that has begun is no failure"


def worker(mesh: Mesh, counter: str) -> int:
    found = re.search(rf"^heddle_worker_{counter} (\d+)", mesh.web.health("/metrics", 15090).decode(), re.MULTILINE)
    assert found is not None, counter
    return int(found[1])


def stat(mesh: Mesh) -> str:
    with socket.socket(socket.AF_UNIX) as admin:
        admin.connect(str(mesh.web.run_dir / "admin.sock"))
        admin.sendall(f"show stat h1:{BACKEND.replace('/', ':')} 4 -1\n".encode())
        return b"".join(iter(lambda: admin.recv(65536), b"")).decode()
