"""Two sidecar hops, with mTLS and authorization, next to a direct call: one pair of pods, one run, rounds in turn.

Load is `wrk` in the caller's network namespace. CPU is that of the sidecars' processes, from /proc, per request that
was answered; latency is that of one connection that has nothing else to wait for. Trust ratios: the machine is shared
by client, both sidecars and application.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.recovery import recovery
from tests.support.sidecar.mesh import API_IP, HTTP, ROUTED_VIP, VIP, Mesh
from tests.support.sidecar.pod import Pod

DIRECT = 9000
"""A port that neither sidecar captures."""
PATHS = {
    "direct": f"http://{API_IP}:{DIRECT}/",
    "HAProxy": f"http://{VIP}:{HTTP}/",
    "Python": f"http://{ROUTED_VIP}:{HTTP}/",
}
ROUNDS = 3
SECONDS = 3
CONNECTIONS = 16
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@contextmanager
def pods() -> Iterator[Mesh]:
    """`web` and `api` with their sidecars, and an application that is faster than they are."""
    mesh = Mesh("bench")
    upstream: subprocess.Popen[bytes] | None = None
    try:
        mesh.control_plane.start()
        mesh.reset()
        for pod in (mesh.web, mesh.api):
            pod.capture(HEDDLE_EXCLUDE_INBOUND_PORTS=str(DIRECT), HEDDLE_EXCLUDE_OUTBOUND_PORTS=str(DIRECT))
            pod.start()
        upstream = subprocess.Popen(
            ["ip", "netns", "exec", mesh.api.namespace, sys.executable, "-m", "bench.upstream", str(HTTP), str(DIRECT)]
        )
        for url in PATHS.values():
            wait_for(mesh.web, url)
        yield mesh
    finally:
        if upstream is not None:
            upstream.terminate()
            upstream.wait(10)
        mesh.close()


def wait_for(pod: Pod, url: str) -> None:
    """Until the first request is answered with 200; also the warm-up."""
    deadline = time.monotonic() + 20
    while not wrk(pod, url, connections=1, seconds=1)[0]:
        if time.monotonic() > deadline:
            raise SystemExit(f"{url} is not answered with 200\n{pod.logs()[-2000:]}")


def wrk(pod: Pod, url: str, *, connections: int, seconds: int) -> tuple[int, float, float]:
    """Requests that were answered with 2xx, and p50 and p99 in milliseconds."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url]
    done = subprocess.run(
        ["ip", "netns", "exec", pod.namespace, *command],
        capture_output=True,
        text=True,
        timeout=seconds + 20,
        check=False,
    )
    text = done.stdout
    if done.returncode or not (total := re.search(r"(\d+) requests in", text)) or "Non-2xx" in text:
        return 0, 0.0, 0.0
    p50, p99 = (
        float(found[1]) * _UNITS[found[2]] if (found := re.search(rf"{p}%\s+([\d.]+)(us|ms|s)", text)) else 0.0
        for p in (50, 99)
    )
    return int(total[1]), p50, p99


def kind(arguments: list[str]) -> str:
    """What a process of the sidecar is."""
    last = {"proxy": "supervisor", "proxy.agent": "agent", "proxy.worker": "worker"}.get(arguments[-1])
    return last or Path(arguments[0]).name


def cpu_seconds(mesh: Mesh) -> dict[tuple[str, str], float]:
    """User and system time by pod and process; several HAProxy processes of a pod (after a reload) are one."""
    found: dict[tuple[str, str], float] = defaultdict(float)
    for pod in (mesh.web, mesh.api):
        for pid, arguments in pod.processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            found[pod.name, kind(arguments)] += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return found


def memory_mib(pid: int) -> tuple[float, float]:
    """Resident memory, and the share of it that is this process's own when shared pages are divided."""
    found = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split()[:2]
        found[name] = int(value) / 1024
    return found["Rss:"], found["Pss:"]


def speed(mesh: Mesh) -> None:
    """The table of speed."""
    answered: dict[str, list[float]] = defaultdict(list)
    cost: dict[str, dict[tuple[str, str], list[float]]] = defaultdict(lambda: defaultdict(list))
    latency: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(ROUNDS):
        for path, url in PATHS.items():
            before = cpu_seconds(mesh)
            requests, _, _ = wrk(mesh.web, url, connections=CONNECTIONS, seconds=SECONDS)
            if not requests:
                raise SystemExit(f"{path}: {url} was answered with an error\n{mesh.web.logs()[-2000:]}")
            answered[path].append(requests / SECONDS)
            for process, seconds in cpu_seconds(mesh).items():
                cost[path][process].append((seconds - before.get(process, 0.0)) * 1e6 / requests)
            latency[path].append(wrk(mesh.web, url, connections=1, seconds=SECONDS)[1:])
    base50, base99 = (median(values) for values in zip(*latency["direct"], strict=True))
    print("path       req/s   p50 ms   p99 ms   p50 and p99 against direct")
    for path in PATHS:
        p50, p99 = (median(values) for values in zip(*latency[path], strict=True))
        ratios = f"{p50 / base50:.1f} × {p99 / base99:.1f} ×"
        print(f"{path:<8} {median(answered[path]):>7.0f} {p50:>8.2f} {p99:>8.2f}   {ratios}")
    print("\nCPU per request, µs, and requests per second and core of a hop")
    for path in ("HAProxy", "Python"):
        for pod, where in (("web", "outbound"), ("api", "inbound")):
            parts = {what: median(values) for (name, what), values in cost[path].items() if name == pod}
            total = sum(parts.values())
            told = " + ".join(f"{what} {value:.0f}" for what, value in sorted(parts.items()) if value >= 1)
            print(f"{path:<8} {where:<9} {total:>5.0f} µs = {told:<28} {1e6 / total:>7.0f} req/s per core")


def memory(mesh: Mesh) -> None:
    """The table of memory: `api` has no worker, `web` has one."""
    print("\nmemory after the load, MiB      resident   share")
    for pod, what in ((mesh.api, "without worker"), (mesh.web, "with worker")):
        sums = [0.0, 0.0]
        for pid, arguments in pod.processes():
            rss, pss = memory_mib(pid)
            sums = [sums[0] + rss, sums[1] + pss]
            print(f"  {kind(arguments):<28} {rss:>8.1f} {pss:>8.1f}")
        print(f"  sidecar {what:<20} {sums[0]:>8.1f} {sums[1]:>8.1f}")


def main() -> None:
    """Measure and print."""
    if os.geteuid() != 0:
        raise SystemExit("the benchmark makes network namespaces: run it as root")
    if shutil.which("wrk") is None:
        raise SystemExit("the benchmark needs wrk: apt-get install wrk")
    with pods() as mesh:
        speed(mesh)
        memory(mesh)
        recovery(mesh)
