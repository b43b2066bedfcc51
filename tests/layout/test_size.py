"""A module that no longer fits a head is split before it grows further."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_LINES = 400
SOURCES = sorted(
    path
    for package in ("mesh_policy", "mesh_addons", "proxy", "control_plane", "meshctl", "bench", "images/demo")
    for path in (ROOT / package).rglob("*.py")
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_fits_a_head(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= LIMIT_LINES, (
        f"{lines} lines; about 150 is the habit, {LIMIT_LINES} the limit: find the two ideas in it"
    )
