"""Faults as an application meets them behind a running sidecar."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mesh_policy.snapshot import Fault, SourceMatch
from tests.support.sidecar.pool import PORT, ROUTED, Pool

CLIENT = Path(__file__).parents[2] / "support" / "sidecar" / "grpc_pair.py"
CALL = "content-type: application/grpc\r\n"


@pytest.mark.parametrize(("headers", "status", "grpc_status"), [(CALL, 200, "14"), ("", 503, None)])
def test_an_abort_with_a_status_of_grpc(pool: Pool, headers: str, status: int, grpc_status: str | None) -> None:
    pool.apply(rule={"faults": (Fault(name="broken", abort_grpc_status=14),)})
    answer = pool.ask(vip=ROUTED, headers=headers)
    assert (answer.status, answer.headers.get("grpc-status")) == (status, grpc_status)
    assert answer.headers["x-mesh-error"] == "fault"


def test_a_client_of_grpc_reads_the_status(pool: Pool) -> None:
    pool.apply(rule={"faults": (Fault(name="broken", abort_grpc_status=14),)})
    command = ["ip", "netns", "exec", pool.mesh.web.namespace, sys.executable, str(CLIENT), "fail", f"{ROUTED}:{PORT}"]
    quiet = {**os.environ, "GRPC_VERBOSITY": "ERROR"}
    client = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=quiet)
    assert client.returncode == 0, client.stderr
    assert json.loads(client.stdout) == ["UNAVAILABLE: mesh: fault"] * 2


def test_a_fault_for_another_caller_is_not_met(pool: Pool) -> None:
    ours, theirs = (
        Fault(name=account, abort_status=418, callers=(SourceMatch(identities=(identity,)),))
        for account, identity in (
            ("web", "spiffe://cluster.local/ns/shop/sa/web"),
            ("other", "spiffe://cluster.local/ns/shop/sa/other"),
        )
    )
    pool.apply(rule={"faults": (theirs,)})
    assert pool.ask(vip=ROUTED).status == 200
    pool.apply(rule={"faults": (theirs, ours)})
    assert pool.ask(vip=ROUTED).status == 418


def test_an_answer_comes_no_faster_than_its_bandwidth(pool: Pool) -> None:
    pool.apply(rule={"faults": (Fault(name="narrow", bytes_per_second=100),)})
    begun = time.monotonic()
    answer = pool.ask("/x", vip=ROUTED, headers="x-long: " + "a" * 20 + "\r\n")
    taken = time.monotonic() - begun
    assert answer.status == 200
    assert len(answer.body) > 50
    # The last piece, a twentieth of a second's, comes at once.
    assert taken >= (len(answer.body) - 5) / 100 - 0.06
