"""Pods in, patched pods out: `tests/golden/injector/CASE.yaml` and `CASE.injected.json`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from control_plane.injector.patch import Injected, NamespaceWish, inject
from control_plane.injector.pod import parse_pod
from control_plane.injector.settings import from_environment
from tests.support import json_patch

GOLDEN = Path(__file__).parents[3] / "golden" / "injector"
CASES = sorted(GOLDEN.glob("*.yaml"))
ROOT = "-----BEGIN CERTIFICATE-----\nROOT\n-----END CERTIFICATE-----\n"
SETTINGS = from_environment(
    {
        "HEDDLE_NAMESPACE": "heddle-system",
        "HEDDLE_SERVICE": "heddle-control-plane",
        "HEDDLE_IMAGE": "localhost/heddle/sidecar:golden",
    }
).with_trust(
    trust_bundle="-----BEGIN CERTIFICATE-----\nROOT\n-----END CERTIFICATE-----\n", trust_domain="cluster.local"
)


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_injected_pod(case: Path, golden: Callable[[Path, str], None]) -> None:
    pod = yaml.safe_load(case.read_text())
    decision = inject(parse_pod(pod), NamespaceWish.ENABLED, SETTINGS)
    assert isinstance(decision, Injected), decision
    result = json_patch.apply(pod, decision.patch)
    kubernetes_validate.validate(result, "1.35", strict=True)
    said = {"warnings": decision.warnings, "pod": result}
    golden(case.with_suffix(".injected.json"), json.dumps(said, indent=2) + "\n")


def test_there_are_cases() -> None:
    assert len(CASES) >= 4
