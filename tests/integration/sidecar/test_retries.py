"""Attempts through a whole sidecar: what HAProxy says of its own failures decides, and the log counts."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator

import pytest

from mesh_policy.snapshot import Balance, Circuit, Fault, Retry, RetryBudget, Timeouts
from tests.support.sidecar.applications import Application, Reply, get, read_head
from tests.support.sidecar.mesh import Mesh
from tests.support.sidecar.network import PREFIX, within
from tests.support.sidecar.pool import PORT, ROUTED, Pool

IP = f"{PREFIX}.70"
GOOD = 7101
RESETS, SAYS_503, LIES, HANGS, NOBODY, NO_ONE = 7111, 7112, 7113, 7114, 7118, 7119
RETRY = Retry(attempts=2, backoff_base_seconds=0.0)
WAIT_SECONDS = 5.0


class Faulty:
    """Endpoints beside those of the pool that fail, each in its way, and count."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.asked: list[dict[str, str]] = []
        bad = "HTTP/1.1 503 X\r\ncontent-length: 3\r\n"
        with within(pool.mesh.network.join("faulty", f"{PREFIX}.71")):
            ways: dict[int, Callable[[socket.socket], None]] = {
                RESETS: self._reset,
                SAYS_503: lambda client: client.sendall(f"{bad}\r\nbad".encode()),
                LIES: lambda client: client.sendall(f"{bad}x-mesh-internal-failure: connect\r\n\r\nbad".encode()),
                HANGS: self._hang,
            }
            listeners = {port: socket.create_server((f"{PREFIX}.71", port)) for port in ways}
        self._applications = [Application(listeners[port], self._serve(way)) for port, way in ways.items()]

    def _serve(self, way: Callable[[socket.socket], None]) -> Callable[[socket.socket], None]:
        def serve(client: socket.socket) -> None:
            stream = client.makefile("rb")
            while True:
                start, headers = read_head(stream)
                if not start:
                    return
                stream.read(int(headers.get("content-length", 0)))
                self.asked.append(headers)
                way(client)

        return serve

    @staticmethod
    def _reset(client: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        raise OSError("closed")

    @staticmethod
    def _hang(client: socket.socket) -> None:
        client.recv(1)
        raise OSError("the caller gave up")

    def apply(self, ports: tuple[int, ...], *, retry: Retry | None = RETRY, **changes: object) -> None:
        """`web` calls these endpoints."""
        rule = {"retry": retry, **changes.pop("rule", {})}  # type: ignore[dict-item]
        changes.setdefault("retry_budget", RetryBudget(percent=100.0, min_per_second=100.0))
        self.pool.apply_at({port: IP if port < 7110 else f"{PREFIX}.71" for port in ports}, rule=rule, **changes)
        self.asked.clear()

    def ask(self, *, method: str = "GET", headers: str = "", body: bytes = b"") -> Reply:
        return self.pool.mesh.ask(get("/", method=method, headers=headers, body=body), vip=ROUTED, port=PORT)

    def logged(self, answer_of: str) -> dict[str, object]:
        """The line of the access log of the request with this id."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            for line in self.pool.mesh.web.logs().splitlines():
                if f'"{answer_of}"' in line and '"outbound"' in line:
                    found: dict[str, object] = json.loads(line)
                    return found
            time.sleep(0.05)
        raise AssertionError(f"no line of {answer_of}")


@pytest.fixture(scope="module")
def endpoints(one_pool: Pool) -> Iterator[Faulty]:
    made = Faulty(one_pool)
    yield made
    for application in made._applications:
        application.close()


@pytest.fixture
def faulty(endpoints: Faulty, changing_mesh: Mesh) -> Faulty:
    return endpoints


def test_another_endpoint_answers(faulty: Faulty) -> None:
    """Round robin over a bad and a good endpoint: a retry is another's turn."""
    faulty.apply((RESETS, GOOD), balance=Balance(algorithm="RoundRobin"))
    assert [faulty.ask().status for _ in range(20)] == [200] * 20
    assert faulty.asked, "the bad one was asked too"
    posts = [faulty.ask(method="POST", body=b"pay").status for _ in range(20)]
    assert set(posts) == {200, 502}, "what may have acted is not sent again"


@pytest.mark.parametrize(
    ("port", "retry", "attempts", "status"),
    [
        (RESETS, RETRY, 3, 502),
        (RESETS, Retry(attempts=2, on=("ConnectFailure",)), 1, 502),
        (SAYS_503, RETRY, 1, 503),
        (SAYS_503, Retry(attempts=2, statuses=(503,), backoff_base_seconds=0.0), 3, 503),
        (LIES, RETRY, 1, 503),
        (HANGS, RETRY, 3, 504),
    ],
)
def test_the_outcome_decides(faulty: Faulty, port: int, retry: Retry, attempts: int, status: int) -> None:
    faulty.apply((port,), retry=retry, rule={"timeouts": Timeouts(backend_seconds=0.4)} if port == HANGS else {})
    name = f"case-{port}-{attempts}"
    answer = faulty.ask(headers=f"x-request-id: {name}\r\n")
    assert (answer.status, len(faulty.asked)) == (status, attempts)
    told = {RESETS: "upstream-reset", HANGS: "backend-timeout"}.get(port)
    assert answer.headers.get("x-mesh-error") == told, "none on a server's own answer"
    assert not [name for name in answer.headers if name.startswith("x-mesh-internal")]
    line = faulty.logged(name)
    assert (line["status"], line.get("attempts")) == (status, attempts if attempts > 1 else "")


def test_what_could_not_be_reached_is_tried_again_with_any_method(faulty: Faulty) -> None:
    faulty.apply((NOBODY, NO_ONE), retry=Retry(attempts=1, backoff_base_seconds=0.0))
    assert faulty.ask(method="POST", headers="x-request-id: nobody\r\n", body=b"pay").status == 503
    assert faulty.logged("nobody")["attempts"] == 2


def test_no_endpoint_and_a_full_circuit_are_not_tried_again(faulty: Faulty) -> None:
    every = Retry(attempts=3, statuses=(503,), backoff_base_seconds=0.0)
    faulty.apply((), retry=every)
    answer = faulty.ask(headers="x-request-id: nothing\r\n")
    assert (answer.status, answer.headers["x-mesh-error"]) == (503, "no-endpoint")
    assert faulty.logged("nothing")["attempts"] == ""
    before = _figure(faulty.pool.mesh, "heddle_worker_retries")
    faulty.apply((GOOD,), retry=every, circuit=Circuit(max_requests=1))
    statuses = sorted(answer.status for answer in faulty.pool.together(6, vip=ROUTED))
    assert statuses == [200, 503, 503, 503, 503, 503]
    assert _figure(faulty.pool.mesh, "heddle_worker_retries") == before


def test_faults_sit_under_retries(faulty: Faulty) -> None:
    fault = Fault(name="broken", percent=100.0, abort_status=503)
    faulty.apply((GOOD,), retry=Retry(attempts=2, statuses=(503,)), rule={"faults": (fault,)})
    assert faulty.ask(headers="x-request-id: chaos\r\n").headers["x-mesh-error"] == "fault"
    line = faulty.logged("chaos")
    assert (line["attempts"], line["fault"]) == (3, "broken")


def test_the_application_sees_what_is_left(faulty: Faulty) -> None:
    faulty.apply((SAYS_503,), rule={"timeouts": Timeouts(request_seconds=30.0, backend_seconds=20.0)})
    faulty.ask(headers="x-mesh-timeout-ms: 99999\r\n")
    assert 19_000 < int(faulty.asked[0]["x-mesh-timeout-ms"]) <= 20_000
    faulty.apply((SAYS_503,))
    faulty.ask(headers="x-mesh-timeout-ms: 99999\r\n")
    assert "x-mesh-timeout-ms" not in faulty.asked[0]


def _figure(mesh: Mesh, name: str) -> int:
    text = mesh.web.health("/metrics", 15090).decode()
    return next(int(float(line.split()[-1])) for line in text.splitlines() if line.split(" ")[0].split("{")[0] == name)
