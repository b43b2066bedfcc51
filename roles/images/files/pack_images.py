#!/usr/bin/env python3
"""Pack images into one OCI archive, without the layers that the receiver has.

Usage: pack_images.py OUTPUT KNOWN_DIGESTS IMAGE…

containerd finds a layer that is not in the archive by its digest in its own store, so a change of our code costs its
small layer and not the 250 MB below it. KNOWN_DIGESTS is a file with one digest a line (`ctr content ls -q`).
Prints one line of JSON: {"kept", "dropped"}, the bytes of blobs.
"""

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, BinaryIO

SMALL_BYTES = 65536
"""Manifests and configurations are below it and are always packed, even when the receiver has them."""


class Pack:
    """The archive that is being written."""

    def __init__(self, archive: tarfile.TarFile, known: set[str]) -> None:
        self.archive = archive
        self.known = known
        self.manifests: list[dict[str, Any]] = []
        self.seen: set[str] = set()
        self.kept = self.dropped = 0

    def add(self, name: str, source: BinaryIO) -> None:
        """Add the blobs of an OCI archive that holds one image."""
        with tarfile.open(fileobj=source, mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member)
                if content is None:
                    continue
                file = Path(member.name)
                if file.name == "index.json":
                    self.name(name, json.load(content))
                elif file.parent.name == "sha256":
                    self.blob(f"sha256:{file.name}", member, content)

    def name(self, name: str, index: dict[str, Any]) -> None:
        """Remember the image's manifest under its full name, as containerd reads it."""
        for manifest in index["manifests"]:
            manifest["annotations"] = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
            self.manifests.append(manifest)

    def blob(self, digest: str, member: tarfile.TarInfo, content: Any) -> None:
        """Add a blob, unless it is in this archive already or the receiver has it."""
        if digest in self.seen:
            return
        self.seen.add(digest)
        if digest in self.known and member.size > SMALL_BYTES:
            self.dropped += member.size
        else:
            self.kept += member.size
            member.name = f"blobs/sha256/{digest.removeprefix('sha256:')}"
            self.archive.addfile(member, content)

    def finish(self) -> None:
        """Write what makes the archive an OCI layout."""
        for name, value in (
            ("oci-layout", {"imageLayoutVersion": "1.0.0"}),
            ("index.json", {"schemaVersion": 2, "manifests": self.manifests}),
        ):
            body = json.dumps(value).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            self.archive.addfile(entry, io.BytesIO(body))


def main() -> int:
    """Pack what podman has under these names."""
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    output = Path(sys.argv[1])
    known = set(Path(sys.argv[2]).read_text().split())
    part = output.with_suffix(".part")
    with tarfile.open(part, "w") as archive:
        pack = Pack(archive, known)
        for image in sys.argv[3:]:
            save = ["podman", "save", "--quiet", "--format=oci-archive", "--uncompressed", image]
            with subprocess.Popen(save, stdout=subprocess.PIPE) as saving:
                if saving.stdout is not None:  # it is a pipe
                    pack.add(image, saving.stdout)
            if saving.returncode:
                part.unlink()
                sys.exit(f"podman save {image} failed with {saving.returncode}")
        pack.finish()
    part.replace(output)
    print(json.dumps({"kept": pack.kept, "dropped": pack.dropped}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
