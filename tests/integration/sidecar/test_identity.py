"""The certificate in a running sidecar: renewed without a reload, never on a disk."""

from __future__ import annotations

import os
import socket
import ssl
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.sidecar.applications import exchange, get
from tests.support.sidecar.certificates import Authority, Leaf
from tests.support.sidecar.mesh import API_IP, HTTP, WEB, Mesh
from tests.support.sidecar.network import within


def served_certificate(mesh: Mesh) -> str:
    """What `api` shows to a client."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with within(mesh.network.name):
        plain = socket.create_connection((API_IP, HTTP), 5)
    with context.wrap_socket(plain) as connection:
        return ssl.DER_cert_to_PEM_cert(connection.getpeercert(binary_form=True) or b"")


def test_a_certificate_is_renewed_at_half_of_its_life_while_requests_go_on(mesh: Mesh) -> None:
    before, process = served_certificate(mesh), mesh.api.process("haproxy")
    mesh.control_plane.lifetime_seconds = 4.0
    try:
        mesh.api.stop()
        mesh.api.start()
        first, process = served_certificate(mesh), mesh.api.process("haproxy")
        assert first != before
        deadline = time.monotonic() + 6
        with mesh.web.connect(("10.96.0.10", HTTP)) as connection:
            while served_certificate(mesh) == first:
                assert time.monotonic() < deadline, f"not renewed\n{mesh.api.logs()[-2000:]}"
                assert exchange(connection, get("/renewal")).status == 200
        assert mesh.api.process("haproxy") == process, "no reload was needed"
    finally:
        mesh.control_plane.lifetime_seconds = 86400.0
        mesh.api.stop()
        mesh.api.start()
    mesh.works()


def test_other_roots_are_trusted_from_now_on(mesh: Mesh) -> None:
    """A root is added while requests go on: who has a certificate of it gets in, and no more once it is removed."""
    second = Authority("second root")
    stranger = second.workload(WEB)
    both = mesh.authority.bundle + second.bundle
    mesh.control_plane.trust(both)
    until(lambda: answers(mesh, stranger), "the second root")
    mesh.works()
    mesh.control_plane.trust(mesh.authority.bundle)
    until(lambda: not answers(mesh, stranger), "the end of the second root")
    mesh.works()


def answers(mesh: Mesh, leaf: Leaf) -> bool:
    """Does `api` serve a caller with this certificate?"""
    context = ssl.create_default_context(cadata=mesh.authority.bundle)
    context.check_hostname = False
    context.set_alpn_protocols(["http/1.1"])
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(leaf.pem)
        file.flush()
        context.load_cert_chain(file.name)
    with within(mesh.network.name):
        plain = socket.create_connection((API_IP, HTTP), 5)
    try:
        with context.wrap_socket(plain) as connection:
            return exchange(connection, get("/stranger")).status == 200
    except OSError:
        return False


def until(what: Callable[[], bool], message: str) -> None:
    deadline = time.monotonic() + 5
    while not what():
        assert time.monotonic() < deadline, message
        time.sleep(0.05)  # another process: there is nothing to wait on but its answer


def test_no_file_of_the_sidecar_holds_the_key(mesh: Mesh) -> None:
    for folder, _, files in os.walk(mesh.web.run_dir):
        for name in files:
            path = Path(folder, name)
            if path.is_file():
                assert b"PRIVATE KEY" not in path.read_bytes(), path
    assert "PRIVATE KEY" not in mesh.web.logs()
