#!/usr/bin/env python3
"""Write one docker-archive with several images out of static binaries, without a container engine.

Usage: image_archive.py OUTPUT.tar IMAGES.json

IMAGES.json is a list of {"name": "repo/name:tag", "base": "rootfs.tar" or null, "files": {"/path/in/image": "file"},
"entrypoint": [...], "user": "1338" or absent for root}. The archive is the same byte for byte whenever the input is,
and appears only when it is whole. A base that several images share is stored once. Both `ctr images import` and `podman
load` read it.
"""

import hashlib
import io
import json
import platform
import sys
import tarfile
from pathlib import Path
from typing import Any

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
EPOCH = "1970-01-01T00:00:00Z"
SEARCH_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def entry(name: str, size: int = 0, *, directory: bool = False) -> tarfile.TarInfo:
    """A tar header that does not depend on when or where it was made."""
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o755
    info.type = tarfile.DIRTYPE if directory else tarfile.REGTYPE
    return info


def layer(files: dict[str, str], draft: Path) -> None:
    """A layer that holds these files, all root's and executable."""
    with tarfile.open(draft, "w", format=tarfile.PAX_FORMAT) as archive:
        seen: set[str] = set()
        for target, source in sorted(files.items()):
            inside = target.lstrip("/")
            for parent in reversed(Path(inside).parents[:-1]):
                if str(parent) not in seen:
                    seen.add(str(parent))
                    archive.addfile(entry(str(parent), directory=True))
            with Path(source).open("rb") as content:
                archive.addfile(entry(inside, Path(source).stat().st_size), content)


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    checksum = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(1 << 20):
            checksum.update(chunk)
    return checksum.hexdigest()


def add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    """A small file in the archive."""
    archive.addfile(entry(name, len(content)), io.BytesIO(content))


def add_layer(archive: tarfile.TarFile, source: Path, seen: set[str]) -> str:
    """Put a layer in the archive unless it is there; its name is its digest, which is returned."""
    checksum = digest(source)
    if checksum not in seen:
        seen.add(checksum)
        with source.open("rb") as content:
            archive.addfile(entry(f"{checksum}.tar", source.stat().st_size), content)
    return checksum


def write(output: Path, images: list[dict[str, Any]]) -> None:
    """Write the archive."""
    part = output.with_suffix(".part")
    draft = output.with_suffix(".layer")
    manifest = []
    seen: set[str] = set()
    with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as archive:
        for image in images:
            layers = [add_layer(archive, Path(image["base"]), seen)] if image.get("base") else []
            layer(image["files"], draft)
            layers.append(add_layer(archive, draft, seen))
            config = {
                "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
                "os": "linux",
                "created": EPOCH,
                "config": {"Entrypoint": image["entrypoint"], "Env": [SEARCH_PATH], "User": image.get("user", "")},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{checksum}" for checksum in layers]},
            }
            body = json.dumps(config, sort_keys=True).encode()
            name = f"{hashlib.sha256(body).hexdigest()}.json"
            add_bytes(archive, name, body)
            manifest.append({"Config": name, "RepoTags": [image["name"]], "Layers": [f"{x}.tar" for x in layers]})
        add_bytes(archive, "manifest.json", json.dumps(manifest).encode())
    draft.unlink(missing_ok=True)
    part.replace(output)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
