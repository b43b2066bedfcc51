"""What every test may use."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# Property tests try the same cases on every run, and are not timed: a busy machine is no failure. For people who look
# for more: HYPOTHESIS_PROFILE=deep.
settings.register_profile("heddle", deadline=None, derandomize=True, database=None)
settings.register_profile("deep", deadline=None, max_examples=5000, database=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "heddle"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite golden files with what the code gives now")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """`golden(path, text)`: the text must equal the file; with --update the file becomes the text."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--update"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.exists(), f"{path} does not exist: run pytest --update and review what it writes"
        assert text == path.read_text(), f"differs from {path}; if that is meant: pytest --update, and review the diff"

    return compare
