"""A sidecar of an older version beside a newer control plane: it runs on, and what it must not leave out it refuses."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from control_plane.compile.schema import Lessener
from mesh_policy import wire
from mesh_policy.schema import missing
from mesh_policy.snapshot import Backend, Balance, Frontend, Intention, RateLimit, SourceMatch, WorkloadConfig
from tests.support.older import BURST, SLOW_START
from tests.support.sidecar.applications import get
from tests.support.sidecar.mesh import API, DOMAIN, HTTP, VIP, Mesh, api_config, caller_config
from tests.support.sidecar.pod import Pod
from tests.support.sidecar.rootfs import ROOT

OLDER = f"spiffe://{DOMAIN}/ns/shop/sa/older"
LATER_VIP = "10.96.0.90"
LATER = Frontend(name="shop/later/8080", addresses=(LATER_VIP,), port=HTTP, protocol="http", backend=f"shop/api/{HTTP}")
FIELDS_OF_LATER = (
    ("destination.py", "slow_start_seconds: Annotated[float, REFINES] = 0.0"),
    ("inbound.py", "burst: int = 0"),
)
"""What the older version does not have yet."""


@pytest.fixture(scope="module")
def older_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our tree before those fields: their structs do not have them, and the code reads a constant."""
    tree = tmp_path_factory.mktemp("older")
    tree.chmod(0o755)
    for package in ("proxy", "mesh_policy", "mesh_addons"):
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, line in FIELDS_OF_LATER:
        path = tree / "mesh_policy" / "snapshot" / name
        text = path.read_text()
        assert text.count(f"    {line}\n") == 1, f"{path} has no {line!r} any more: name another field"
        field, _, rest = line.partition(": ")
        text = text.replace(f"    {line}\n", f"    {field}: ClassVar[object] = {rest.rpartition('= ')[2]}\n")
        path.write_text(text.replace("from typing import ", "from typing import ClassVar, ", 1))
    return tree


@pytest.fixture(scope="module")
def older(mesh: Mesh, older_tree: Path) -> Iterator[Pod]:
    pod = Pod(mesh.network, "older", "10.77.0.80", OLDER, mesh.control_plane, source=older_tree)
    pod.capture()
    mesh.control_plane.push(OLDER, caller_config("older"))
    pod.start()
    yield pod
    pod.close()


def slowly(config: WorkloadConfig) -> WorkloadConfig:
    """As if a TrafficPolicy asked for a slow start everywhere."""

    def changed(backend: Backend) -> Backend:
        return structs.replace(backend, balance=Balance(slow_start_seconds=10.0))

    backends = tuple(changed(one) for one in config.outbound.backends)
    return structs.replace(config, outbound=structs.replace(config.outbound, backends=backends))


def apply(mesh: Mesh, config: WorkloadConfig) -> dict[str, Any]:
    """As the control plane does it for a sidecar that says what this one says."""
    compiled = Lessener().lessen(wire.stamp(config), missing(mesh.control_plane.schemas[OLDER]))
    return mesh.control_plane.apply(OLDER, compiled.config)


def let_in(mesh: Mesh) -> None:
    """`api` takes its requests."""
    one = Intention(name="shop/api", source=SourceMatch(identities=(OLDER,)), action="allow")
    assert mesh.control_plane.apply(API, api_config(intentions=(one,)))["accepted"]


def test_it_says_what_it_does_not_know(older: Pod, mesh: Mesh) -> None:
    assert missing(mesh.control_plane.schemas[OLDER]) == {SLOW_START, BURST}
    assert missing(mesh.control_plane.schemas[API]) == frozenset()


def test_one_field_does_not_keep_later_changes_from_it(older: Pod, changing_mesh: Mesh) -> None:
    mesh = changing_mesh
    let_in(mesh)
    whole = mesh.control_plane.apply(OLDER, slowly(caller_config("older")))
    assert not whole["accepted"], "else it would not be an older one"
    assert "slowStartSeconds" in whole["violations"][0]["message"]

    assert apply(mesh, slowly(caller_config("older")))["accepted"]
    assert mesh.ask(get("/older"), vip=VIP, pod=older).status == 200
    assert apply(mesh, slowly(caller_config("older", extra=(LATER,))))["accepted"]
    assert mesh.ask(get("/older-later"), vip=LATER_VIP, pod=older).status == 200


def test_a_limit_that_it_does_not_know_is_refused_and_what_runs_stays(older: Pod, changing_mesh: Mesh) -> None:
    mesh = changing_mesh
    let_in(mesh)
    assert apply(mesh, caller_config("older"))["accepted"]
    limited = structs.replace(
        caller_config("older", extra=(LATER,)),
        inbound=structs.replace(
            caller_config("older").inbound, rate_limits=(RateLimit(name="shop/limit", requests=1, burst=2),)
        ),
    )
    answer = apply(mesh, limited)
    assert not answer["accepted"]
    assert "burst" in answer["violations"][0]["message"]
    assert mesh.ask(get("/older-refused"), vip=VIP, pod=older).status == 200
