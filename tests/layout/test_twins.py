"""One feature, one file stem in every layer: a rule, an addon or a compiler without its own test is a gap."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TWINS = {
    "mesh_policy": "tests/unit/mesh_policy",
    "mesh_addons": "tests/unit/mesh_addons",
    "control_plane/compile": "tests/unit/control_plane/compile",
    "control_plane/kinds": "tests/unit/control_plane/kinds",
    "control_plane/index": "tests/unit/control_plane/index",
    "control_plane/status": "tests/unit/control_plane/status",
}
VALUES_ONLY = {"snapshot.py", "errors.py", "meta.py"}
"""Modules that hold nothing but types: what uses them tests them."""


def modules() -> list[tuple[str, str]]:
    return [
        (str(path.relative_to(ROOT)), f"{tests}/test_{path.name}")
        for package, tests in TWINS.items()
        for path in sorted((ROOT / package).glob("*.py"))
        if path.name != "__init__.py" and path.name not in VALUES_ONLY
    ]


@pytest.mark.parametrize(("module", "twin"), modules())
def test_every_module_of_rules_has_its_test(module: str, twin: str) -> None:
    assert (ROOT / twin).is_file(), f"{module} has no test: write {twin}"
