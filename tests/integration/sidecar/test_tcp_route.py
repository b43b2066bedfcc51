"""TCP and TLS routes in a running sidecar: by the server name of a real client's hello, and by weight."""

from __future__ import annotations

import json
import random
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from mesh_policy import tcp_route
from mesh_policy.snapshot import Backend, Endpoint, Frontend, Target, TcpRoutes, TcpRule, WorkloadConfig
from tests.support.sidecar.applications import Application, exchange, get
from tests.support.sidecar.mesh import API, API_IP, HTTP, THIEF, WEB, Mesh, caller_config

VIP = "10.96.0.40"
FIRST, SECOND, WRONG_PEER, TLS = 9101, 9102, 9103, 9104
PORT = 443
WAIT_SECONDS = 10.0


def speaks_first(name: str) -> Callable[[socket.socket], None]:
    """Says its name, then what it has read."""

    def serve(client: socket.socket) -> None:
        client.sendall(f"{name}\n".encode())
        while data := client.recv(65536):
            client.sendall(data)

    return serve


@pytest.fixture(scope="module")
def applications(mesh: Mesh) -> Iterator[None]:
    served = {FIRST: "first", SECOND: "second", WRONG_PEER: "wrong"}
    made = [Application(mesh.api.listener(port), speaks_first(name)) for port, name in served.items()]
    yield
    for application in made:
        application.close()


@pytest.fixture
def routed(applications: None, changing_mesh: Mesh) -> Mesh:
    return changing_mesh


def config(*rules: TcpRule) -> WorkloadConfig:
    before = caller_config("web")
    peers = {FIRST: API, SECOND: API, WRONG_PEER: THIEF, TLS: API}
    backends = tuple(
        Backend(name=f"shop/{port}/1", protocol="tcp", endpoints=(Endpoint(ip=API_IP, port=port, identity=identity),))
        for port, identity in peers.items()
    )
    frontend = Frontend(
        name="shop/vault/443",
        addresses=(VIP,),
        port=PORT,
        protocol="tcp",
        backend=backends[0].name,
        tcp_routes=TcpRoutes(rules=rules),
    )
    outbound = msgspec.structs.replace(
        before.outbound,
        frontends=(*before.outbound.frontends, frontend),
        backends=(*before.outbound.backends, *backends),
    )
    return msgspec.structs.replace(before, outbound=outbound)


def apply(mesh: Mesh, *rules: TcpRule) -> None:
    answer = mesh.control_plane.apply(WEB, config(*rules))
    assert answer["accepted"], answer


def rule(*targets: tuple[int | None, int], name: str = "", names: tuple[str, ...] = ()) -> TcpRule:
    found = tuple(Target(backend=f"shop/{port}/1" if port else None, weight=weight) for port, weight in targets)
    return TcpRule(route="TLSRoute/shop/vault", name=name, server_names=names, targets=found)


def said(mesh: Mesh, first: bytes = b"") -> str:
    """The first line that comes; empty: refused."""
    with mesh.web.connect((VIP, PORT)) as connection, suppress(ConnectionError):
        if first:
            connection.sendall(first)
        return connection.makefile("rb").readline().decode().strip()
    return ""


def hello(server_name: str | None) -> bytes:
    """What a TLS client sends first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    out = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=server_name)
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return out.read()


def logged(mesh: Mesh, reason: str) -> dict[str, Any]:
    """The newest line about the routed frontend with this reason."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        for line in reversed(mesh.web.logs().splitlines()):
            if '"shop/vault/443"' in line and (found := json.loads(line)).get("reason") == reason:
                return found
        time.sleep(0.02)
    raise AssertionError(f"no line with {reason}: {mesh.web.logs()[-2000:]}")


def test_weights_are_exact_and_a_change_needs_no_reload(routed: Mesh) -> None:
    apply(routed, rule((FIRST, 3), (SECOND, 1)))
    process = routed.web.process("haproxy")
    seen = [said(routed) for _ in range(8)]
    assert [seen.count(name) for name in ("first", "second")] == [6, 2]
    assert "second" in seen[:4], "smooth: each turn of the pattern has its share"
    apply(routed, rule((FIRST, 0), (SECOND, 1)))
    assert [said(routed) for _ in range(3)] == ["second"] * 3
    assert routed.web.process("haproxy") == process
    line = logged(routed, "")
    assert (line["route"], line["rule"], line["backend"]) == ("TLSRoute/shop/vault", "", f"shop/{SECOND}/1")


def test_the_share_of_an_invalid_target_is_refused_and_the_rest_is_served(routed: Mesh) -> None:
    apply(routed, rule((FIRST, 1), (None, 1), name="half"))
    seen = [said(routed) for _ in range(6)]
    assert sorted(seen) == [""] * 3 + ["first"] * 3
    assert logged(routed, "invalid-backend")["rule"] == "half"


@pytest.mark.parametrize(
    ("rules", "reason"),
    [((), "route-not-found"), ((rule((FIRST, 0)),), "no-weight"), ((rule(),), "no-weight")],
    ids=["no rule", "no weight", "no target"],
)
def test_what_nobody_may_have_is_refused(routed: Mesh, rules: tuple[TcpRule, ...], reason: str) -> None:
    apply(routed, *rules)
    assert said(routed) == ""
    logged(routed, reason)


NAMED = (
    rule((SECOND, 1), names=("*.example",)),
    rule((FIRST, 1), names=("*.shop.example", "exact.example")),
)


@pytest.mark.parametrize("catch_all", [False, True])
def test_the_server_name_decides_as_the_policy_says(routed: Mesh, catch_all: bool) -> None:
    rules = (*NAMED, rule((SECOND, 1))) if catch_all else NAMED
    apply(routed, *rules)
    names = ("exact.example", "other.example", "a.SHOP.example", "a.b.shop.example", "shop.example", "a.test", None)
    for name in (*names, "x." * 20 + "shop.example", "example"):
        wanted = tcp_route.find(TcpRoutes(rules=rules), tcp_route.normal(name) if name else None)
        target = wanted.targets[0].backend if wanted else None
        expected = {None: "", f"shop/{FIRST}/1": "first", f"shop/{SECOND}/1": "second"}[target]
        assert said(routed, hello(name)) == expected, name
    assert said(routed, b"not a hello") == ("second" if catch_all else "")


@pytest.mark.parametrize("seed", range(3))
def test_random_names_go_where_the_policy_says(routed: Mesh, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same cases every time

    def name() -> str:
        return ".".join(chance.choices(("a", "b", "ab", "a-b"), k=chance.randint(1, 5)))

    def named() -> tuple[str, ...]:
        return tuple(chance.choice(("", "*.")) + name() for _ in range(chance.randint(1, 4)))

    rules = tuple(rule((chance.choice((FIRST, SECOND, None)), 1), name=str(i), names=named()) for i in range(20))
    apply(routed, *rules)
    wanted = {f"shop/{FIRST}/1": "first", f"shop/{SECOND}/1": "second", None: ""}
    for asked in {name() for _ in range(150)}:
        found = tcp_route.find(TcpRoutes(rules=rules), asked)
        assert said(routed, hello(asked)) == (wanted[found.targets[0].backend] if found else ""), (asked, found)


def test_a_client_that_is_slow_to_say_its_hello_is_waited_for(routed: Mesh) -> None:
    apply(routed, *NAMED)
    whole = hello("exact.example")
    with routed.web.connect((VIP, PORT)) as connection:
        connection.sendall(whole[:40])
        wait_for_session(routed, "fe=hello")
        connection.sendall(whole[40:])
        assert connection.makefile("rb").readline() == b"first\n"
    lines = [line for line in routed.web.logs().splitlines() if '"shop/vault/443"' in line and f"{FIRST}" in line]
    assert lines, "logged where it was decided"


def wait_for_session(mesh: Mesh, what: str) -> None:
    """Until HAProxy of `web` serves a connection of this kind."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(str(mesh.web.run_dir / "admin.sock"))
            admin.sendall(b"show sess\n")
            answer = b"".join(iter(lambda: admin.recv(65536), b"")).decode()
        if what in answer:
            return
        time.sleep(0.02)
    raise AssertionError(f"no {what}: {answer}")


def test_tls_of_the_application_ends_at_the_application(routed: Mesh) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(routed.authority.server("exact.example").pem)
        file.flush()
        context.load_cert_chain(file.name)

    def serve(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as inner:
            inner.sendall(b"inside\n")

    application = Application(routed.api.listener(TLS), serve)
    apply(routed, rule((TLS, 1), names=("exact.example",)))
    trust = ssl.create_default_context(cadata=routed.authority.bundle)
    try:
        with (
            routed.web.connect((VIP, PORT)) as connection,
            trust.wrap_socket(connection, server_hostname="exact.example") as client,
        ):
            assert client.makefile("rb").readline() == b"inside\n"
    finally:
        application.close()


def test_the_peer_behind_a_route_must_prove_its_identity(routed: Mesh) -> None:
    apply(routed, rule((WRONG_PEER, 1)))
    assert said(routed) == ""


def test_bytes_for_an_http_port_are_still_judged_as_http(routed: Mesh) -> None:
    target = Target(backend=f"shop/api/{HTTP}")
    apply(routed, TcpRule(route="TCPRoute/shop/web", targets=(target,)))
    with routed.web.connect((VIP, PORT)) as connection:
        answer = exchange(connection, get("/through-tcp"))
        assert answer.status == 200
        assert "x-mesh-peer: " + WEB in answer.text
    with routed.web.connect((VIP, PORT)) as connection:
        assert exchange(connection, get("/a/../b")).status == 400
    with routed.web.connect((VIP, PORT)) as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0)))
        assert connection.makefile("rb").read(4)[3] == 4, "the receiver's own SETTINGS frame: it speaks HTTP/2"
