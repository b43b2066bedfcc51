"""docs/fields.md has every field of our kinds, as the definitions describe it (`kubectl explain` shows the same)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.charts import Manifest, render

pytestmark = pytest.mark.needs_helm
PAGE = Path(__file__).parents[2] / "docs" / "fields.md"
HEAD = """# Every field

Of the mesh's own kinds, as their definitions describe it: what it says, unit or range, and what is meant where it is
not given. In a cluster `kubectl explain trafficpolicy.spec.retry` shows the same. Durations are written as `250ms`,
`10s`, `1h30m`. (Made from `charts/mesh-crds`: `python -m pytest --update tests/chart/test_fields_page.py`.)
"""


def rows(schema: dict[str, Any], at: str, required: bool = False) -> Iterator[str]:
    kind = schema.get("type", "string or list")
    items = schema.get("items", {})
    kind = f"list of {items['type']}" if items else kind
    says = " ".join(schema["description"].split()).replace("|", "\\|")
    if "enum" in schema:
        says += f" One of {', '.join(f'`{one or chr(34) * 2}`' for one in schema['enum'])}."
    yield f"| `{at}` | {kind}{', required' if required else ''} | {says} |"
    for part, where in ((schema, at), (items, f"{at}[]")):
        for name, inner in part.get("properties", {}).items():
            yield from rows(inner, f"{where}.{name}", name in part.get("required", ()))


def section(definition: Manifest) -> Iterator[str]:
    version = definition["spec"]["versions"][0]
    schema = version["schema"]["openAPIV3Schema"]
    names = definition["spec"]["names"]
    yield f"\n## {names['kind']}\n"
    short = ", ".join(f"`{one}`" for one in names.get("shortNames", ()))
    yield " ".join(schema["description"].split()) + (f" Short: {short}." if short else "") + "\n"
    yield "| Field | Type | What it says |\n|---|---|---|"
    spec = schema["properties"]["spec"]
    for name, inner in spec["properties"].items():
        yield from rows(inner, f"spec.{name}", name in spec.get("required", ()))


def test_the_page_is_in_step_with_the_definitions(golden: Callable[[Path, str], None]) -> None:
    definitions = sorted(render("mesh-crds"), key=lambda one: str(one["spec"]["names"]["kind"]))
    golden(PAGE, HEAD + "\n".join(line for one in definitions for line in section(one)) + "\n")
