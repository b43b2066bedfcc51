"""Every test that docs/mitmproxy-defects.md names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/mitmproxy-defects.md").read_text())))


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_named_test_is_there(path: str, name: str) -> None:
    assert re.search(rf"^(?:async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE), f"{path} has no {name}"


def test_every_row_names_one() -> None:
    rows = [line for line in (ROOT / "docs/mitmproxy-defects.md").read_text().splitlines() if line.startswith("| ")][1:]
    assert rows
    assert all("::" in row for row in rows)
