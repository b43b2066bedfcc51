"""An endpoint whose node is gone: nobody answers at its address, not even with a refusal."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator

import pytest

from mesh_policy.snapshot import Balance, Outlier, Timeouts
from tests.support.sidecar.network import PREFIX
from tests.support.sidecar.pool import IP, NAME, PORTS, ROUTED, Pool

WAIT_SECONDS = 20.0
GONE = f"{PREFIX}.250"
PLACES = {PORTS[0]: IP, PORTS[1]: IP, PORTS[2]: GONE}


@pytest.fixture
def lost(pool: Pool) -> Iterator[Pool]:
    """Frames to the address go out and come to nobody, as where a router is in between."""
    neighbour = ["ip", "-n", pool.mesh.web.namespace, "neigh", "{}", GONE, "lladdr", "02:00:00:00:00:fa", "dev", "eth0"]
    subprocess.run([word.format("replace") for word in neighbour], check=True, timeout=30)
    yield pool
    subprocess.run([word.format("del") for word in neighbour], check=True, timeout=30)


@pytest.mark.parametrize("limits", [Timeouts(request_seconds=0.45), Timeouts(backend_seconds=0.45)])
def test_a_lost_endpoint_takes_half_of_a_short_limit(lost: Pool, limits: Timeouts) -> None:
    """Without a word of the limit each attempt to connect has half a second."""
    lost.apply_at(PLACES, balance=Balance(algorithm="RoundRobin"), rule={"timeouts": limits})
    assert set(lost.count(9, vip=ROUTED)) == {PORTS[0], PORTS[1]}


def test_a_lost_endpoint_is_ejected(lost: Pool) -> None:
    outlier = Outlier(consecutive_errors=3, base_ejection_seconds=60)
    lost.apply_at(PLACES, outlier=outlier, rule={"timeouts": Timeouts(request_seconds=0.45)})
    deadline = time.monotonic() + WAIT_SECONDS
    while f"ejected {GONE}:{PORTS[2]} of {NAME}" not in lost.mesh.web.logs():
        assert time.monotonic() < deadline, lost.mesh.web.logs()[-2000:]
        lost.count(3, vip=ROUTED)
