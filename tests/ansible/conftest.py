"""The programs of the roles, as modules."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROLES = Path(__file__).parents[2] / "roles"


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """`program("binaries/go_build")` is roles/binaries/files/go_build.py."""

    def load(name: str) -> ModuleType:
        role, stem = name.split("/")
        path = ROLES / role / "files" / f"{stem}.py"
        monkeypatch.syspath_prepend(str(path.parent))
        spec = importlib.util.spec_from_file_location(stem, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, stem, module)
        spec.loader.exec_module(module)
        return module

    return load
