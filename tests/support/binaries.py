"""Programs that the role `binaries` keeps in the user's cache, or that are on PATH."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "heddle" / "binaries"


def find(part: str, name: str) -> Path:
    """A program of a part (`helm`, `kubernetes`, `etcd`), the cache's newest first; without it the test is skipped."""
    kept = sorted(CACHE.glob(f"{part}/*/{name}"), key=lambda path: path.stat().st_mtime)
    found = str(kept[-1]) if kept else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: `make demo` builds it into the cache, or put it on PATH")
    return Path(found)
