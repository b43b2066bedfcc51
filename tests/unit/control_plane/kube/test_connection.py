"""The control plane's connections to the API server are asked whether they live."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

from control_plane.kube.client import KubeClient
from tests.support.fake_kube import fake_kube

WATCH = {"watch": "true", "resourceVersion": "0"}


def connections_to(port: int) -> Iterator[socket.socket]:
    """This process's own, as copies."""
    for link in Path("/proc/self/fd").iterdir():
        if not (link.is_symlink() and str(link.readlink()).startswith("socket:")):
            continue
        with socket.socket(fileno=os.dup(int(link.name))) as one:
            try:
                if one.family == socket.AF_INET and one.getpeername()[1] == port:
                    yield one
            except OSError:
                continue  # it listens


async def test_a_watch_that_leads_nowhere_is_noticed_in_half_a_minute(tmp_path: Path) -> None:
    async with fake_kube() as server:
        client = await KubeClient.connect(server.kubeconfig(tmp_path / "kubeconfig"))
        try:
            async with client.lines("/api/v1/services", WATCH, 10):
                port = int(server.url.rpartition(":")[2])
                found = [
                    (
                        one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                        one.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
                        + one.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL)
                        * one.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
                        one.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
                    )
                    for one in connections_to(port)
                ]
        finally:
            await client.close()
    assert set(found) == {(1, 30, 30_000)}
