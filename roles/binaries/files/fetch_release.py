#!/usr/bin/env python3
"""Take one binary from a release mirror into the cache, checked by its SHA-256.

Usage: fetch_release.py URL OUTPUT [SHA256]. Without SHA256, `URL.sha256` must be there and agree.
The checksum is recorded in the `SHA256SUMS` beside the output, like that of a binary that was built.
Prints one line of JSON: {"changed", "path", "seconds", "sha256"}.
"""

import hashlib
import json
import sys
import time
import urllib.request
from pathlib import Path

from go_build import good, record, recorded

LIMIT_BYTES = 512 << 20
TIMEOUT_SECONDS = 30


def fetch(url: str, output: Path, wanted: str) -> None:
    """Download to a temporary name; it gets its own name only when the checksum agrees.

    Raises:
        ValueError: the checksum differs or the file is beyond any sensible size.
        OSError: the mirror does not answer.
    """
    part = output.with_suffix(".part")
    checksum = hashlib.sha256()
    size = 0
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer, part.open("wb") as file:  # noqa: S310
        while chunk := answer.read(1 << 20):
            size += len(chunk)
            if size > LIMIT_BYTES:
                raise ValueError(f"{url}: larger than {LIMIT_BYTES} bytes")
            checksum.update(chunk)
            file.write(chunk)
    if checksum.hexdigest() != wanted:
        part.unlink()
        raise ValueError(f"{url}: sha256 is {checksum.hexdigest()}, should be {wanted}")
    part.chmod(0o755)
    part.replace(output)
    record(output.parent, output.name)


def main() -> int:
    """Fetch unless the cache has it."""
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    url, output = sys.argv[1], Path(sys.argv[2])
    if not url.startswith(("https://", "http://")):
        sys.exit(f"{url}: not an http(s) address")
    started = time.monotonic()
    changed = not good(output)
    if changed:
        output.parent.mkdir(parents=True, exist_ok=True)
        try:
            wanted = sys.argv[3] if len(sys.argv) == 4 else ""
            if not wanted:
                with urllib.request.urlopen(f"{url}.sha256", timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                    wanted = answer.read(200).decode("ascii").split()[0]
            fetch(url, output, wanted)
        except (OSError, ValueError, IndexError) as error:
            print(error, file=sys.stderr)
            return 1
    checksum = recorded(output.parent).get(output.name)
    seconds = round(time.monotonic() - started, 1)
    print(json.dumps({"changed": changed, "path": str(output), "seconds": seconds, "sha256": checksum}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
