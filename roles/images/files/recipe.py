#!/usr/bin/env python3
"""What goes into the images, and their common tag: a hash over it.

Usage: recipe.py REPOSITORY_ROOT WHEELS_FOLDER. Prints one JSON object:
{"tag": …, "base": tag of the base image, "images": {NAME: {"requirements": [...], "wheels": folder of its wheels}}}.
A change of any source, recipe or pinned version gives another tag; nothing else does.
"""

import hashlib
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

PACKAGES = {
    "sidecar": ("mesh_policy", "mesh_addons", "proxy"),
    "control-plane": ("mesh_policy", "control_plane"),
    "demo": ("images/demo/shop",),
}
EXTRAS = {"sidecar": "sidecar", "control-plane": "control-plane"}
SKIPPED = {"__pycache__", ".mypy_cache", ".ruff_cache"}


def digest(*parts: bytes) -> str:
    """Twelve hex digits over the parts; lengths are hashed too, so that no two lists of parts look the same."""
    checksum = hashlib.sha256()
    for part in parts:
        checksum.update(f"{len(part)}:".encode() + part)
    return checksum.hexdigest()[:12]


def sources(folder: Path) -> list[Path]:
    """Every file that an image takes from this folder, in a fixed order."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sorted(path for path in files if not SKIPPED & set(path.parts))


def recipe(root: Path, wheels: Path) -> dict[str, Any]:
    """The whole recipe of this working tree."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    constraints = (root / "constraints.txt").read_bytes()
    base = (root / "images" / "rootfs.sh").read_bytes()
    images: dict[str, Any] = {}
    parts = [base]
    for name, packages in PACKAGES.items():
        extra = project["optional-dependencies"][EXTRAS[name]] + project["dependencies"] if name in EXTRAS else []
        needs = sorted(extra)
        images[name] = {"requirements": needs, "wheels": str(wheels / digest("\n".join(needs).encode(), constraints))}
        parts += [(root / "images" / name / "Containerfile").read_bytes(), "\n".join(needs).encode(), constraints]
        for package in packages:
            for path in sources(root / package):
                parts += [str(path.relative_to(root)).encode(), path.read_bytes()]
    return {"tag": digest(*parts), "base": digest(base), "images": images}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(json.dumps(recipe(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))))
