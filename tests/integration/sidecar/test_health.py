"""What the kubelet asks of the sidecar: the application's own probes, through the health port."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support.sidecar.applications import Application, http_echo
from tests.support.sidecar.mesh import Mesh
from tests.support.sidecar.rootfs import ROOT

WEB_PORT, TCP_PORT, GRPC_PORT, NOBODY = 7001, 7002, 7003, 7004
PROBES = {
    "/app-health/a/livez": {"httpGet": {"port": WEB_PORT, "path": "/fine"}, "timeoutSeconds": 2},
    "/app-health/a/readyz": {"httpGet": {"port": NOBODY, "path": "/"}},
    "/app-health/b/livez": {"tcpSocket": {"port": TCP_PORT}},
    "/app-health/b/readyz": {"tcpSocket": {"port": NOBODY}},
    "/app-health/c/livez": {"grpc": {"port": GRPC_PORT}, "timeoutSeconds": 5},
    "/app-health/c/readyz": {"grpc": {"port": GRPC_PORT, "service": "sick"}, "timeoutSeconds": 5},
    "/app-health/c/startupz": {"grpc": {"port": WEB_PORT}},
}


@pytest.fixture(scope="module")
def probed(mesh: Mesh) -> Iterator[Mesh]:
    """`thief` with probes, restarted for them, and its applications."""
    pod = mesh.thief
    pod.stop()
    pod.environment = {"HEDDLE_PROBES": json.dumps(PROBES)}
    pod.start()
    applications = [Application(pod.listener(port), http_echo("probed")) for port in (WEB_PORT, TCP_PORT)]
    script = str(ROOT / "tests" / "support" / "sidecar" / "grpc_pair.py")
    server = subprocess.Popen(
        ["ip", "netns", "exec", pod.namespace, sys.executable, script, "serve", f"0.0.0.0:{GRPC_PORT}"],
        stdout=subprocess.PIPE,
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == b"serving\n"
        yield mesh
    finally:
        server.kill()
        server.wait(10)
        for application in applications:
            application.close()
        pod.stop()
        pod.environment = {}
        pod.start()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/app-health/a/livez", 200),
        ("/app-health/a/readyz", 503),
        ("/app-health/b/livez", 200),
        ("/app-health/b/readyz", 503),
        ("/app-health/c/livez", 200),
        ("/app-health/c/readyz", 503),
        ("/app-health/c/startupz", 503),
        ("/app-health/d/livez", 404),
    ],
)
def test_a_probe_is_asked_of_the_application(probed: Mesh, path: str, status: int) -> None:
    answer = probed.thief.health(path)
    assert f" {status} ".encode() in answer.split(b"\r\n", 1)[0], answer
