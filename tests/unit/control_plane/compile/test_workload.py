"""The whole configuration: golden files (`tests/golden/compile/CASE.yaml` → `CASE.json`), versions, purity."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from control_plane.compile.workload import Compiler, compile_workload
from mesh_policy.wire import decode, encode
from tests.support.cluster import SHOP, a_mesh_config, a_pod, a_service, an_index, put

GOLDEN = Path(__file__).parents[3] / "golden" / "compile"
CASES = sorted(GOLDEN.glob("*.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_golden(case: Path, golden: Callable[[Path, str], None]) -> None:
    index = an_index(text=case.read_text())
    compiled = {}
    for pod in sorted(index.pods(), key=lambda pod: pod.key):
        config = compile_workload(index, pod.key)
        if config is not None:
            assert decode(encode(config)) == config, "the sidecar reads what was compiled"
            compiled["/".join(pod.key)] = json.loads(encode(config))
    assert compiled, "the case has no meshed pod"
    golden(case.with_suffix(".json"), json.dumps(compiled, indent=2) + "\n")


def test_a_pod_without_sidecar_has_no_configuration() -> None:
    index = an_index(*SHOP, a_pod("plain-1", "10.0.0.9", meshed=False))
    assert compile_workload(index, ("shop", "plain-1")) is None
    assert compile_workload(index, ("shop", "gone")) is None


def test_equal_objects_give_equal_versions_in_any_order() -> None:
    one = compile_workload(an_index(*SHOP), ("shop", "web-1"))
    other = compile_workload(an_index(*reversed(SHOP)), ("shop", "web-1"))
    assert one is not None
    assert one == other
    assert one.version.startswith("sha256:")


def test_the_compiler_forgets_what_it_knew_when_the_index_changes() -> None:
    index = an_index(*SHOP)
    compiler = Compiler(index)
    before = compiler.compile(("shop", "web-1"))
    put(index, a_service("new", "10.96.0.77"))
    after = compiler.compile(("shop", "web-1"))
    assert before is not None
    assert after is not None
    assert before.version != after.version
    assert after == compile_workload(index, ("shop", "web-1"))


def test_what_the_mesh_says_reaches_the_sidecar() -> None:
    index = an_index(*SHOP, a_mesh_config(trustDomain="example.org", accessLog={"sample": 10}))
    config = compile_workload(index, ("shop", "web-1"))
    assert config is not None
    assert config.trust_domain == "example.org"
    assert config.access_log.sample_percent == 10
    assert config.workload.service_account == "web"
