"""Say what the suite's echo image consists of: `image.py CACHE SUITE_VERSION ECHO_VERSION`, JSON for image_archive.py.

The image's name is the one that the suite's own manifests carry, so that the nodes need nothing from outside.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

SUITE = "sigs.k8s.io/gateway-api/conformance"
ECHO = "istio.io/istio"
USER = "1338"
"""Of the echo server; the sidecar is 1337."""


def module_folder(wrapper: Path, module: str) -> Path:
    """Where the Go toolchain keeps a module that a wrapper requires."""
    command = ["go", "list", "-mod=mod", "-m", "-f", "{{.Dir}}", module]
    return Path(subprocess.run(command, cwd=wrapper, check=True, text=True, stdout=subprocess.PIPE).stdout.strip())


def image_name(manifests: str) -> str:
    """The one image of the suite's mesh manifests.

    Raises:
        ValueError: there is none, or more than one.
    """
    names = set(re.findall(r"^\s*image: (\S+)$", manifests, re.MULTILINE))
    if len(names) != 1:
        raise ValueError(f"the suite's manifests name the images {sorted(names)}, one is expected")
    return names.pop()


def main(cache: Path, suite: str, echo: str) -> None:
    manifests = module_folder(cache / "modules/gateway-api-conformance" / suite, SUITE) / "mesh/manifests.yaml"
    certificates = module_folder(cache / "modules/istio-echo" / echo, ECHO) / "tests/testdata/certs"
    programs = cache / "binaries/istio-echo" / echo
    image = {
        "name": image_name(manifests.read_text()),
        "base": None,
        "files": {
            "/usr/local/bin/client": str(programs / "client"),
            "/usr/local/bin/server": str(programs / "server"),
            "/cert.crt": str(certificates / "cert.crt"),
            "/cert.key": str(certificates / "cert.key"),
        },
        "entrypoint": ["/usr/local/bin/server"],
        "user": USER,
    }
    print(json.dumps([image]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
