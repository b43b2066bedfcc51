"""A little cluster network: namespaces joined by a bridge. Sockets made `within(...)` one belong to it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "10.77.0"
GATEWAY = f"{PREFIX}.1"


def run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"


class Network:
    """The bridge lives in a namespace of its own, so that nothing of the machine is touched."""

    def __init__(self, name: str) -> None:
        self.name = f"heddle-{name}-{os.getpid()}"
        self._namespaces: list[str] = []
        self._addresses = {GATEWAY}
        self._add(self.name)
        run("ip", "-n", self.name, "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", self.name, "addr", "add", f"{GATEWAY}/24", "dev", "bridge")
        run("ip", "-n", self.name, "addr", "add", "fd77::1/64", "dev", "bridge", "nodad")
        run("ip", "-n", self.name, "link", "set", "bridge", "up")

    def join(self, name: str, ip: str) -> str:
        """A namespace with this address; returns its name. Two with one address would answer for each other."""
        assert ip not in self._addresses, f"{ip} is taken"
        self._addresses.add(ip)
        namespace = f"{self.name}-{name}"
        self._add(namespace)
        port = f"p{len(self._namespaces)}"
        run("ip", "-n", self.name, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        run("ip", "-n", self.name, "link", "set", port, "master", "bridge", "up")
        run("ip", "-n", namespace, "addr", "add", f"{ip}/24", "dev", "eth0")
        run("ip", "-n", namespace, "addr", "add", f"fd77::{ip.rsplit('.', 1)[1]}/64", "dev", "eth0", "nodad")
        run("ip", "-n", namespace, "link", "set", "eth0", "up")
        run("ip", "-n", namespace, "route", "add", "default", "via", GATEWAY)
        return namespace

    def close(self) -> None:
        for namespace in reversed(self._namespaces):
            subprocess.run(["ip", "netns", "del", namespace], check=False, timeout=30)

    def _add(self, namespace: str) -> None:
        run("ip", "netns", "add", namespace)
        self._namespaces.append(namespace)
        run("ip", "-n", namespace, "link", "set", "lo", "up")


@contextmanager
def within(namespace: str) -> Iterator[None]:
    """This thread's sockets are made in the namespace. Nothing else may run on the thread meanwhile."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(Path("/run/netns") / namespace, os.O_RDONLY)
    try:
        os.setns(there, os.CLONE_NEWNET)
        yield
    finally:
        os.setns(home, os.CLONE_NEWNET)
        os.close(there)
        os.close(home)
