"""What the two images consist of. Both are named after their recipe, so that nothing is built or imported twice."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "heddle"
REPOSITORY = "localhost/heddle-proofs"
GRPC_VERSION = "1.85.0"
"""Of google.golang.org/grpc, whose interoperability client and server these are; roles/binaries pins its modules."""
BUILD_SECONDS = 600


@dataclass(frozen=True)
class Image:
    name: str
    archive: Path
    """For `ctr images import`."""


def grpc_interop() -> Image:
    """`/client` and `/server`, static; nothing else is in it."""
    recipe = ROOT / "roles/binaries/files"
    pins = [recipe / "modules/grpc-interop" / name for name in ("go.mod", "go.sum", "build.json")]
    programs = {name: CACHE / "binaries/grpc-interop" / GRPC_VERSION / name for name in ("client", "server")}
    image = _image("grpc-interop", *(path.read_bytes() for path in pins))
    if not image.archive.exists():
        if shutil.which("go") is None:
            pytest.skip("the gRPC programs are built with Go, which is not installed here")
        for name in programs:
            build = [str(recipe / "go_build.py"), f"--cache={CACHE}", "grpc-interop", GRPC_VERSION, name]
            subprocess.run([sys.executable, *build], check=True, timeout=BUILD_SECONDS, stdout=subprocess.DEVNULL)
        _write(image, None, {f"/{name}": path for name, path in programs.items()}, ["/server"])
    return image


def databases() -> Image:
    """PostgreSQL, Redis, MariaDB and Python clients, out of Debian packages."""
    recipe = Path(__file__).with_name("databases.sh")
    image = _image("databases", recipe.read_bytes())
    if not image.archive.exists():
        if shutil.which("mmdebstrap") is None:
            pytest.skip("the databases' image is made with mmdebstrap, which is not installed here")
        base = image.archive.with_suffix(".rootfs")
        subprocess.run(["sh", str(recipe), str(base)], check=True, timeout=BUILD_SECONDS)
        _write(image, base, {}, ["/usr/bin/python3"])
        base.unlink()
    return image


def _image(name: str, *recipe: bytes) -> Image:
    packer = (ROOT / "roles/cluster/files/image_archive.py").read_bytes()
    checksum = hashlib.sha256(b"\0".join((*recipe, packer))).hexdigest()[:12]
    return Image(f"{REPOSITORY}/{name}:{checksum}", CACHE / "images" / f"proofs-{name}-{checksum}.tar")


def _write(image: Image, base: Path | None, files: dict[str, Path], entrypoint: list[str]) -> None:
    """The archive appears only when it is whole."""
    described = {
        "name": image.name,
        "base": str(base) if base else None,
        "files": {inside: str(path) for inside, path in files.items()},
        "entrypoint": entrypoint,
        "user": "10001",
    }
    image.archive.parent.mkdir(parents=True, exist_ok=True)
    description = image.archive.with_suffix(".json")
    description.write_text(json.dumps([described]))
    packer = ROOT / "roles/cluster/files/image_archive.py"
    command = [sys.executable, str(packer), str(image.archive), str(description)]
    subprocess.run(command, check=True, timeout=BUILD_SECONDS)
