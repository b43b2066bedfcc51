"""How long traffic is away when one of the sidecar's processes is killed: from the signal to the next answer."""

from __future__ import annotations

import os
import signal
import time
from statistics import median

from tests.support.sidecar.applications import get
from tests.support.sidecar.mesh import ROUTED_VIP, VIP, Mesh

ROUNDS = 3
LIMIT_SECONDS = 20.0
KILLED = (("HAProxy", "haproxy", VIP), ("worker", "worker", ROUTED_VIP), ("agent", "agent", ROUTED_VIP))


def recovery(mesh: Mesh) -> None:
    """The table of recovery: the caller's processes, one after the other."""
    print("\nkilled     seconds until the next answer, median and longest of three")
    for name, process, vip in KILLED:
        took = [away(mesh, process, vip) for _ in range(ROUNDS)]
        print(f"{name:<10} {median(took):>6.2f} {max(took):>6.2f}")


def away(mesh: Mesh, process: str, vip: str) -> float:
    """Kill, ask until there is an answer; then wait until the sidecar is whole again."""
    os.kill(mesh.web.process(process), signal.SIGKILL)
    began = time.monotonic()
    while not answered(mesh, vip):
        if time.monotonic() - began > LIMIT_SECONDS:
            raise SystemExit(f"no answer {LIMIT_SECONDS:.0f} s after {process} was killed\n{mesh.web.logs()[-2000:]}")
    seconds = time.monotonic() - began
    mesh.web.wait_ready()
    return seconds


def answered(mesh: Mesh, vip: str) -> bool:
    """One request on a connection of its own."""
    try:
        return mesh.ask(get("/"), vip=vip).status == 200
    except (OSError, ValueError, IndexError):
        return False
