"""Each process of a sidecar may die: traffic is back in two seconds, and nothing is let through unchecked meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from meshctl.checks.shop import FAULTS, SHOP, Stream, Traffic, a_pod, probe, random_id, streaming
from meshctl.client import Cluster
from meshctl.names import GROUP, PROXY
from meshctl.pods import Pod

BACK_SECONDS = 2.0
KILL = """
import os, signal, sys
for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
    try:
        words = open(f"/proc/{pid}/cmdline", "rb").read().split(b"\\0")
    except OSError:
        continue
    if pid != os.getpid() and sys.argv[1].encode() in [os.path.basename(word) for word in words]:
        os.kill(pid, signal.SIGKILL)
        print(pid)
"""


def kill(cluster: Cluster, pod: Pod, name: str) -> None:
    done = cluster.execute(pod.namespace, pod.name, PROXY, ["python3", "-c", KILL, name])
    assert done.stdout.strip(), f"no process {name} in the sidecar of {pod.key}: {done.stderr}"


def longest_trouble(stream: Stream, seconds: float) -> tuple[float, int]:
    """From the first to the last answer that was not 200, in seconds by this program's clock, and how many were 200."""
    first = last = 0.0
    good = 0
    for answer in stream.answers(seconds):
        now = time.monotonic()
        if answer.get("status") == 200:
            good += 1
        else:
            first, last = first or now, now
    return last - first, good


@pytest.mark.parametrize("process", ["proxy.agent", "haproxy", "proxy.worker"])
def test_traffic_is_back_in_two_seconds(process: str, cluster: Cluster) -> None:
    web = a_pod(cluster, SHOP, "web")
    with streaming(cluster, web, "web", Traffic(concurrency=4, rate=50, timeout_seconds=5)) as stream:
        before = longest_trouble(stream, 1.0)
        kill(cluster, web, process)
        trouble, good = longest_trouble(stream, 6.0)
        calm, after = longest_trouble(stream, 2.0)
        stream.stop()
    assert before[1] > 0
    assert trouble <= BACK_SECONDS, f"requests failed for {trouble:.1f} s after {process} was killed"
    assert good > 100
    assert (calm, after > 50) == (0.0, True)


@pytest.mark.parametrize("process", ["proxy.agent", "haproxy"])
def test_nothing_is_let_in_meanwhile(process: str, cluster: Cluster) -> None:
    """The receiver's sidecar loses a process while a caller without an intention knocks: no answer inside."""
    callee, caller = a_pod(cluster, SHOP, "payment"), a_pod(cluster, SHOP, "load")
    traffic = Traffic(url="http://payment/charge", concurrency=4, rate=100, timeout_seconds=5)
    with streaming(cluster, caller, "load", traffic) as stream:
        assert {one.get("status") for one in stream.answers(1.0)} == {403}
        kill(cluster, callee, process)
        statuses = [one.get("status") for one in stream.answers(5.0)]
        end = stream.stop()
    assert 200 not in statuses
    assert "200" not in end.status
    assert 403 in statuses[-20:], "at the end it is refused by name again"


@pytest.mark.parametrize("process", ["proxy.agent", "haproxy", "proxy.worker"])
def test_nothing_passes_by_the_worker_meanwhile(process: str, cluster: Cluster) -> None:
    """All requests with the header are aborted by the caller's worker; when it dies none gets through."""
    web, chaos = a_pod(cluster, SHOP, "web"), random_id()
    with aborting(cluster, chaos), streaming(cluster, web, "web", chaotic(chaos)) as stream:
        first = [one.get("status") for one in stream.answers(5.0)]
        assert first[-1] == 503, "the fault is in effect"
        kill(cluster, web, process)
        meanwhile = [one.get("status") for one in stream.answers(5.0)]
        stream.stop()
    assert 200 not in meanwhile
    assert meanwhile[-1] == 503


def chaotic(chaos: str) -> Traffic:
    return Traffic(concurrency=4, rate=50, timeout_seconds=5, headers=(("x-chaos", chaos),))


@contextmanager
def aborting(cluster: Cluster, chaos: str) -> Iterator[None]:
    name = f"e2e-{chaos}"
    fault = {
        "name": "all",
        "percent": 100,
        "abort": {"httpStatus": 503},
        "match": {"headers": [{"name": "x-chaos", "value": chaos}]},
    }
    target = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "api", "sectionName": "canary"}
    policy = {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "TrafficPolicy",
        "metadata": {"name": name, "namespace": SHOP},
        "spec": {"targetRefs": [target], "faults": [fault]},
    }
    cluster.create(FAULTS, policy)
    try:
        yield
    finally:
        cluster.delete(f"{FAULTS}/{name}")


def test_the_shop_still_sells(cluster: Cluster) -> None:
    seen = probe(cluster, a_pod(cluster, SHOP, "load"), "load", Traffic(url="http://web/checkout", count=50))
    assert seen.failed == 0, seen.problems()
