"""Every input of a role has a default and a description, and nothing else has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
ROLES = sorted(path.parent.parent for path in (ROOT / "roles").glob("*/defaults/main.yml"))
KINDS: dict[str, tuple[type, ...]] = {
    "bool": (bool, str),
    "dict": (dict,),
    "int": (int, str),
    "list": (list, str),
    "path": (str,),
    "str": (str, int, float),
}
"""Types a default may have; a template is a string and stands for any type."""


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@pytest.fixture(params=ROLES, ids=[role.name for role in ROLES])
def role(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def options(role: Path) -> dict[str, Any]:
    found: dict[str, Any] = load(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    return found


def test_defaults_and_argument_specs_have_the_same_names(role: Path) -> None:
    assert set(load(role / "defaults/main.yml")) == set(options(role))


def test_names_begin_with_the_role(role: Path) -> None:
    assert [name for name in options(role) if not name.startswith(f"{role.name}_")] == []


def test_every_option_is_described(role: Path) -> None:
    assert [name for name, option in options(role).items() if not option.get("description")] == []


def test_defaults_have_the_type_that_the_specs_demand(role: Path) -> None:
    defaults = load(role / "defaults/main.yml")
    wrong = {
        name: f"{type(defaults[name]).__name__} is not {option['type']}"
        for name, option in options(role).items()
        if not isinstance(defaults[name], KINDS[option["type"]])
    }
    assert wrong == {}


def test_every_role_tells_its_outcome(role: Path) -> None:
    assert "Outcome:" in (role / "README.md").read_text()
