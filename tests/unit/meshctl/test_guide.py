"""The guide's examples are the files in examples/, and the mesh accepts them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from control_plane.kinds.registry import KINDS, decode

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
PAGES = {path.stem: path.read_text() for path in (ROOT / "docs" / "guide").glob("*.md")}
BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_on_a_page(path: Path) -> None:
    text = path.read_text()
    assert any(text in BLOCK.findall(page) for page in PAGES.values()), f"{path.name} is on no page of docs/guide"


@pytest.mark.parametrize("page", sorted(set(PAGES) - {"README"}))
def test_every_yaml_of_a_page_is_an_example(page: str) -> None:
    blocks = BLOCK.findall(PAGES[page])
    assert blocks, f"docs/guide/{page}.md shows no example"
    texts = {path.read_text() for path in EXAMPLES}
    assert all(block in texts for block in blocks)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_mesh_accepts_it(path: Path) -> None:
    for manifest in yaml.safe_load_all(path.read_text()):
        kind = KINDS[manifest["kind"]]
        decoded = decode(manifest["kind"], json.dumps(manifest).encode())
        assert kind.validate(decoded) == ()
        assert kind.unsupported(decoded) == ()


def test_the_guide_lists_every_page() -> None:
    assert set(re.findall(r"\(([a-z-]+)\.md\)", PAGES["README"])) == set(PAGES) - {"README"}
