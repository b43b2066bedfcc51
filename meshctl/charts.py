"""Where the charts are, and how values are given."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

from meshctl.errors import EXIT_USAGE, MeshctlError

Values = dict[str, Any]


def find(given: str | None, name: str) -> Path:
    """The chart's folder: under --charts, else in the source tree that this program is part of. Raises MeshctlError."""
    folder = Path(given) if given else Path(__file__).parents[1] / "charts"
    chart = folder / name
    if not (chart / "Chart.yaml").is_file():
        hint = "give --charts FOLDER, the folder that holds mesh-crds, mesh and demo"
        raise MeshctlError(f"there is no chart {name} in {folder}", hint, EXIT_USAGE)
    return chart


def merge(below: Values, above: Values) -> Values:
    """`above` wins; mappings are merged, everything else is replaced whole (as Helm does)."""
    merged = dict(below)
    for key, value in above.items():
        kept = merged.get(key)
        merged[key] = merge(kept, value) if isinstance(kept, dict) and isinstance(value, dict) else value
    return merged


def read_values(files: list[str], assignments: list[str]) -> Values:
    """Values files in order (`-` is stdin), then `a.b=c` assignments (c is read as YAML). Raises MeshctlError."""
    values: Values = {}
    for name in files:
        try:
            content = yaml.safe_load(sys.stdin if name == "-" else Path(name).read_text()) or {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise MeshctlError(f"--values {name}: {error}", code=EXIT_USAGE) from error
        if not isinstance(content, dict):
            raise MeshctlError(f"--values {name}: holds a {type(content).__name__}, not a mapping", code=EXIT_USAGE)
        values = merge(values, content)
    for assignment in assignments:
        values = merge(values, parse_assignment(assignment))
    return values


def parse_assignment(text: str) -> Values:
    """`image.tag=abc` → {"image": {"tag": "abc"}}. Raises MeshctlError."""
    path, separator, value = text.partition("=")
    keys = path.split(".")
    if not separator or not all(keys):
        raise MeshctlError(f"--set {text}: write PATH.TO.KEY=VALUE", code=EXIT_USAGE)
    try:
        nested: Any = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise MeshctlError(f"--set {text}: {value!r} is not a value of YAML", code=EXIT_USAGE) from error
    if nested is None and value:
        nested = value
    for key in reversed(keys):
        nested = {key: nested}
    result: Values = nested
    return result
