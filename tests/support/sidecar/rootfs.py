"""Where HAProxy 3.4 is: in the root filesystem that `images/rootfs.sh` makes in the user's cache."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
BUILD_TIMEOUT_SECONDS = 600


def cache_dir() -> Path:
    """The user's cache folder of this project."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "heddle"


@cache
def rootfs() -> Path:
    """The tree, made first if it is not there (about a minute)."""
    path = cache_dir() / "dev-rootfs"
    cache_dir().mkdir(parents=True, exist_ok=True)
    subprocess.run([str(ROOT / "images" / "rootfs.sh"), str(path)], check=True, timeout=BUILD_TIMEOUT_SECONDS)
    return path


def haproxy(*arguments: str) -> list[str]:
    """The command that runs HAProxy of the tree on this machine, through the tree's own loader and libraries."""
    root = rootfs()
    libraries = f"{root}/usr/lib/x86_64-linux-gnu"
    loader = [f"{root}/lib64/ld-linux-x86-64.so.2", "--argv0", "haproxy", "--library-path", libraries]
    return [*loader, f"{root}/usr/sbin/haproxy", *arguments]
