"""What must not get through: each attempt is refused, and the application never sees it."""

from __future__ import annotations

import datetime as dt
import json
import socket
import ssl
import tempfile

import pytest

from mesh_policy.snapshot import HttpPermissionMatch, Intention, Permission, SourceMatch
from tests.support.sidecar.access_log import logged
from tests.support.sidecar.applications import Application, exchange, get, http_echo
from tests.support.sidecar.certificates import Authority, Leaf
from tests.support.sidecar.mesh import (
    API,
    API_IP,
    DETECT,
    HTTP,
    ROUTED_VIP,
    TCP,
    THIEF,
    VIP,
    WEB,
    Mesh,
    api_config,
    caller_config,
)
from tests.support.sidecar.network import within

DAY = dt.timedelta(days=1)


@pytest.fixture(scope="module")
def outside(mesh: Mesh) -> str:
    """A namespace without a sidecar."""
    return mesh.network.join("outside", "10.77.0.60")


def handshake(namespace: str, authority: Authority, leaf: Leaf | None, alpn: str = "http/1.1") -> ssl.SSLSocket:
    """TLS to `api`'s port as a peer with this certificate."""
    context = ssl.create_default_context(cadata=authority.bundle)
    context.check_hostname = False
    context.set_alpn_protocols([alpn])
    if leaf is not None:
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(leaf.pem)
            file.flush()
            context.load_cert_chain(file.name)
    with within(namespace):
        plain = socket.create_connection((API_IP, HTTP), 5)
    return context.wrap_socket(plain)


def refused(attempt: ssl.SSLSocket, request: bytes) -> bool:
    """TLS 1.3 tells a client of a refused certificate when it reads."""
    try:
        exchange(attempt, request)
    except OSError:
        return True
    return False


def asked(mesh: Mesh, path: str) -> bool:
    """Did the application see a request for this path?"""
    return any(f" {path} " in start for start, _, _ in mesh.seen.requests)


# --- who calls -----------------------------------------------------------------------------------------


def test_the_certificate_of_the_caller_opens_the_port(mesh: Mesh, outside: str) -> None:
    """The other tests here would prove nothing if this failed."""
    with handshake(outside, mesh.authority, mesh.authority.workload(WEB)) as connection:
        assert exchange(connection, get("/opens")).status == 200


def test_a_service_without_intention_gets_403_and_the_log_says_why(mesh: Mesh) -> None:
    answer = mesh.ask(get("/no-intention"), pod=mesh.thief)
    assert (answer.status, answer.headers["x-mesh-error"]) == (403, "denied")
    assert not asked(mesh, "/no-intention")
    line = logged(mesh.api, "/no-intention")
    assert (line["reason"], line["peer"], line["status"]) == ("default", THIEF, 403)


def test_a_denying_intention_is_named_in_the_log(changing_mesh: Mesh) -> None:
    mesh = changing_mesh
    deny = Intention(name="shop/no-thieves", source=SourceMatch(namespace="shop"), action="deny")
    assert mesh.control_plane.apply(API, api_config(intentions=(deny,)))["accepted"]
    assert mesh.ask(get("/named"), pod=mesh.thief).status == 403
    assert logged(mesh.api, "/named")["reason"] == "shop/no-thieves"


def test_permissions_decide_by_path_and_method(changing_mesh: Mesh) -> None:
    mesh = changing_mesh
    read = Permission(action="allow", http=HttpPermissionMatch(path_prefix="/items", methods=("GET",)))
    some = Intention(name="shop/api", source=SourceMatch(identities=(WEB,)), permissions=(read,))
    assert mesh.control_plane.apply(API, api_config(intentions=(some,)))["accepted"]
    assert mesh.ask(get("/items/1")).status == 200
    assert mesh.ask(get("/items")).status == 200
    assert mesh.ask(get("/itemsX")).status == 403
    assert mesh.ask(get("/items/1", method="DELETE")).status == 403
    with mesh.web.connect((VIP, TCP)) as connection:
        assert connection.recv(100) == b"", "permissions speak of HTTP: bytes are refused"


def test_bytes_of_a_service_without_intention_are_cut(mesh: Mesh) -> None:
    with mesh.thief.connect((VIP, TCP)) as connection:
        assert connection.recv(100) == b""


def test_a_certificate_of_another_ca(mesh: Mesh, outside: str) -> None:
    stranger = Authority("another root").workload(WEB)
    with handshake(outside, mesh.authority, stranger) as connection:
        assert refused(connection, get("/other-ca"))
    assert not asked(mesh, "/other-ca")


def test_an_expired_certificate(mesh: Mesh, outside: str) -> None:
    with handshake(outside, mesh.authority, mesh.authority.workload(WEB, lifetime=-DAY)) as connection:
        assert refused(connection, get("/expired"))
    assert not asked(mesh, "/expired")
    line = next(line for line in reversed(mesh.api.logs().splitlines()) if '"client"' in line)
    assert json.loads(line)["certificate_error"] == 10, "X509_V_ERR_CERT_HAS_EXPIRED"


def test_a_certificate_for_another_service(mesh: Mesh, outside: str) -> None:
    with handshake(outside, mesh.authority, mesh.authority.workload(THIEF)) as connection:
        assert exchange(connection, get("/other-service")).status == 403
    assert not asked(mesh, "/other-service")


def test_no_certificate(mesh: Mesh, outside: str) -> None:
    with handshake(outside, mesh.authority, None) as connection:
        assert refused(connection, get("/no-certificate"))
    assert not asked(mesh, "/no-certificate")


def test_plaintext_to_a_strict_port(mesh: Mesh, outside: str) -> None:
    with within(outside):
        connection = socket.create_connection((API_IP, HTTP), 5)
    with connection, pytest.raises(OSError):
        exchange(connection, get("/plaintext"))
    assert not asked(mesh, "/plaintext")


# --- who answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("vip", [VIP, ROUTED_VIP], ids=["native", "python"])
def test_a_server_with_the_certificate_of_another_service_although_the_host_names_it(
    changing_mesh: Mesh, vip: str
) -> None:
    """HAProxy 3.4 would take the name to verify from Host (`sni-auto`); every server line must switch that off."""
    mesh = changing_mesh
    wanted = "spiffe://cluster.local/ns/shop/sa/payment"
    assert mesh.control_plane.apply(WEB, caller_config("web", identity=wanted))["accepted"]
    host = "api.shop.sa.cluster.local"
    assert mesh.ask(get("/stolen", host=host), vip=vip).status == 503
    assert not asked(mesh, "/stolen")
    with mesh.web.connect((VIP, TCP)) as connection:
        assert connection.recv(100) == b""


# --- what is sent --------------------------------------------------------------------------------------

FORGED = (
    "x-mesh-internal-backend: shop/api/8082\r\nx-mesh-internal-frontend: a/b/1\r\nx-mesh-internal-id: evil\r\n"
    f"X-Mesh-Internal-Version: 2\r\nx-mesh-peer: {API}\r\nx-forwarded-client-cert: By=me\r\n"
    f"x_mesh_peer: {API}\r\nX-Mesh_Internal-Backend: a\r\n"
)


def reserved(headers: dict[str, str]) -> list[str]:
    """Names that only the mesh may speak, however they are written."""
    names = [name for name in headers if name.replace("_", "-").startswith(("x-mesh", "x-forwarded-client"))]
    return sorted(names)


@pytest.mark.parametrize("wish", ["h2c", "H2C, websocket", "TLS/1.3"])
def test_an_upgrade_past_the_rules_is_not_wished_for(mesh: Mesh, outside: str, wish: str) -> None:
    """The application would answer 101, and what follows would be requests that nobody looks at."""
    fields = f"connection: upgrade, http2-settings\r\nupgrade: {wish}\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n"
    path = f"/upgrade-{len(wish)}"
    with handshake(outside, mesh.authority, mesh.authority.workload(WEB)) as connection:
        assert exchange(connection, get(path, headers=fields)).status in (200, 400)
    found = [headers for start, headers, _ in mesh.seen.requests if f" {path} " in start]
    assert all("upgrade" not in headers and "http2-settings" not in headers for headers in found)


@pytest.mark.parametrize("vip", [VIP, ROUTED_VIP], ids=["native", "python"])
def test_forged_headers_of_the_mesh_are_gone(mesh: Mesh, vip: str) -> None:
    path = f"/forged-{vip}"
    assert mesh.ask(get(path, headers=FORGED), vip=vip).status == 200
    headers = next(headers for start, headers, _ in mesh.seen.requests if f" {path} " in start)
    assert headers["x-mesh-peer"] == WEB
    assert reserved(headers) == ["x-mesh-peer"]


def test_forged_headers_of_a_peer_are_gone(mesh: Mesh, outside: str) -> None:
    with handshake(outside, mesh.authority, mesh.authority.workload(WEB)) as connection:
        assert exchange(connection, get("/forged-peer", headers=FORGED)).status == 200
    headers = next(headers for start, headers, _ in mesh.seen.requests if " /forged-peer " in start)
    assert headers["x-mesh-peer"] == WEB
    assert reserved(headers) == ["x-mesh-peer"]


AMBIGUOUS = ["/a/../b", "/a/./b", "//a", "/a%2e%2e/b", "/a%2Fb", "/a%5cb", "/a\\b", "/a%00", "/..;x/a", "/a/.."]


@pytest.mark.parametrize("path", AMBIGUOUS)
def test_ambiguous_paths_are_refused_on_both_sides(mesh: Mesh, outside: str, path: str) -> None:
    answer = mesh.ask(get(path))
    assert answer.status == 400
    with handshake(outside, mesh.authority, mesh.authority.workload(WEB)) as connection:
        answer = exchange(connection, get(path))
        assert answer.status == 400
        assert answer.headers["x-mesh-error"].startswith("path-")
    assert not asked(mesh, path)


@pytest.mark.parametrize(
    "request_line", ["CONNECT api:80 HTTP/1.1", "GET a HTTP/1.1", "GET /a#b HTTP/1.1", "G(T / HTTP/1.1"]
)
def test_strange_request_lines_are_refused(mesh: Mesh, request_line: str) -> None:
    answer = mesh.ask(f"{request_line}\r\nhost: api\r\n\r\n".encode())
    assert answer.status in (400, 405)


def test_smuggling_two_lengths(mesh: Mesh) -> None:
    request = get("/two", headers="content-length: 5\r\ncontent-length: 6\r\n", method="POST") + b"hello!"
    assert mesh.ask(request).status == 400
    assert not asked(mesh, "/two")


def test_a_head_above_the_limit(mesh: Mesh) -> None:
    assert mesh.ask(get("/big", headers=f"x-big: {'x' * 20000}\r\n")).status in (400, 431)
    assert not asked(mesh, "/big")


# --- by which way --------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", [15001, 15006])
def test_a_connection_to_the_capture_ports_themselves(mesh: Mesh, outside: str, port: int) -> None:
    with pytest.raises(OSError), mesh.web.connect(("127.0.0.1", port)) as connection:
        exchange(connection, get("/direct"))
    with pytest.raises(OSError), within(outside), socket.create_connection((API_IP, port), 5) as connection:
        exchange(connection, get("/direct"))
    assert not asked(mesh, "/direct")


def test_the_sidecars_sockets_are_closed_to_the_application(mesh: Mesh) -> None:
    for name in ("admin.sock", "return.sock", "worker.sock", "control.sock", "metrics.sock", "hello.sock"):
        path = mesh.web.run_dir / name
        assert path.stat().st_mode & 0o077 == 0, f"{name} is open to others"
    assert mesh.web.run_dir.stat().st_mode & 0o777 == 0o700


def test_ipv6_is_refused_both_ways(mesh: Mesh, outside: str) -> None:
    application = Application(mesh.api.listener(HTTP, "fd77::11"), http_echo("six"))
    with within(outside):
        foreign = Application(socket.create_server(("fd77::60", 7000), family=socket.AF_INET6), http_echo("six"))
    try:
        with pytest.raises(ConnectionRefusedError), within(outside):
            socket.create_connection(("fd77::11", HTTP), 5)
        with pytest.raises(ConnectionRefusedError):
            mesh.web.connect(("fd77::60", 7000))
    finally:
        application.close()
        foreign.close()


def test_bytes_on_a_port_that_speaks_http_reach_nobody(mesh: Mesh, outside: str) -> None:
    with handshake(outside, mesh.authority, mesh.authority.workload(WEB), "heddle-tcp") as connection:
        assert refused(connection, get("/as-bytes", headers=FORGED))
    assert not asked(mesh, "/as-bytes")


def test_an_unknown_protocol_on_a_detected_port_needs_the_intention_as_well(mesh: Mesh) -> None:
    with mesh.thief.connect((VIP, DETECT)) as connection:
        connection.sendall(b"\x00\x01")
        assert connection.recv(100) == b""
