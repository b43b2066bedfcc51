"""Playbooks are thin, and parse with both inventories."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))


def test_the_documented_playbooks_are_there() -> None:
    wanted = {"site", "cluster", "images", "mesh", "demo", "verify", "upgrade", "uninstall", "teardown"}
    assert wanted <= {path.stem for path in PLAYBOOKS}


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=[path.stem for path in PLAYBOOKS])
def test_a_playbook_holds_hosts_and_roles_only(playbook: Path) -> None:
    assert len(playbook.read_text().splitlines()) <= 50


@pytest.mark.parametrize("inventory", ["local", "example"])
def test_every_playbook_parses(inventory: str) -> None:
    ansible = shutil.which("ansible-playbook")
    if ansible is None:
        pytest.skip("ansible-playbook is not installed: make venv")
    done = subprocess.run(
        [ansible, "-i", f"inventories/{inventory}", "--syntax-check", *(str(path) for path in PLAYBOOKS)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
