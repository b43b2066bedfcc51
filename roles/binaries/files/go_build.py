#!/usr/bin/env python3
"""Build one program from its Go module into the cache, once.

The cache has `<cache>/binaries/<component>/<version>/<binary>` and a `SHA256SUMS` beside it. A binary whose checksum
agrees with that file is never built again; one that does not agree, or is not listed (an interrupted build), is.

A module whose go.mod has `replace` directives cannot be installed with `go install module@version`, so each component
is built from a wrapper module that requires it. `modules/<component>/` has the wrapper (go.mod and go.sum pin every
module by checksum) and `build.json` (which packages, which version stamps). For another version than the pinned one the
wrapper is resolved again and the Go checksum database vouches for it.

Prints one line of JSON: {"changed", "path", "seconds", "sha256"}.
"""

import argparse
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MODULES = Path(__file__).resolve().parent / "modules"
REPLACE = re.compile(r"^\s*(?:replace\s+)?(\S+)(?:\s+v\S+)?\s+=>\s+\.{1,2}/\S*\s*$", re.MULTILINE)
STEP_LIMIT_SECONDS = 3600


class BuildError(Exception):
    """A step failed; the message says which and what to do."""


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def recorded(directory: Path) -> dict[str, str]:
    """What `SHA256SUMS` in this directory says: file name to checksum. Empty when there is none."""
    sums = directory / "SHA256SUMS"
    if not sums.is_file():
        return {}
    lines = (line.split(maxsplit=1) for line in sums.read_text().splitlines() if line.strip())
    return {name.strip().lstrip("*"): checksum for checksum, name in lines}


def record(directory: Path, name: str) -> str:
    """Write the checksum of a finished file. SHA256SUMS is replaced in one step: an interruption leaves the old one."""
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        sums = recorded(directory) | {name: digest(directory / name)}
        draft = directory / "SHA256SUMS.part"
        draft.write_text("".join(f"{checksum}  {file}\n" for file, checksum in sorted(sums.items())))
        draft.replace(directory / "SHA256SUMS")
    return sums[name]


def good(path: Path) -> bool:
    """Whether the cache has this binary and its checksum is the recorded one."""
    return path.is_file() and recorded(path.parent).get(path.name) == digest(path)


def go(*args: str, cwd: Path) -> str:
    """Run the Go toolchain; the environment decides the proxy, the program is static, without paths of this machine."""
    env = os.environ | {"CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    env["GOFLAGS"] = "-buildvcs=false"
    try:
        done = subprocess.run(
            ["go", *args], cwd=cwd, env=env, check=False, text=True, capture_output=True, timeout=STEP_LIMIT_SECONDS
        )
    except FileNotFoundError:
        raise BuildError("no Go toolchain: install Go 1.26 or newer, or set cluster_release_url to a mirror") from None
    except subprocess.TimeoutExpired:
        raise BuildError(f"go {args[0]}: not done after {STEP_LIMIT_SECONDS} s") from None
    if done.returncode:
        raise BuildError(f"go {' '.join(args[:2])} in {cwd} failed:\n{done.stderr[-4000:]}")
    return done.stdout


def wrapper(component: str, version: str, spec: dict[str, Any], work: Path) -> None:
    """Put the wrapper module in `work`: the pinned one if it is for this version, else one that is resolved now."""
    work.mkdir(parents=True, exist_ok=True)
    if "module" not in spec:  # our own program: its source is the module
        shutil.copytree(MODULES / component, work, dirs_exist_ok=True)
        return
    imports = "".join(f'\t_ "{package}"\n' for package in sorted(set(spec["binaries"].values())))
    (work / "tools.go").write_text(f"//go:build tools\n\npackage tools\n\nimport (\n{imports})\n")
    pinned = MODULES / component
    wanted = f"{spec['module']} v{version}"
    for directory in (work, pinned):
        if (directory / "go.sum").is_file() and wanted in (directory / "go.mod").read_text():
            if directory is pinned:
                shutil.copyfile(pinned / "go.mod", work / "go.mod")
                shutil.copyfile(pinned / "go.sum", work / "go.sum")
            return
    (work / "go.sum").unlink(missing_ok=True)
    (work / "go.mod").write_text(f"module heddle.dev/build/{component}\n")
    download = json.loads(go("mod", "download", "-json", f"{spec['module']}@v{version}", cwd=work))
    upstream = Path(download["GoMod"]).read_text()
    major, minor, patch = version.split(".")
    goes = re.search(r"^go \S+$", upstream, re.MULTILINE)
    lines = [f"module heddle.dev/build/{component}\n", goes.group(0) if goes else "go 1.26", f"\nrequire {wanted}\n"]
    if "replaced_modules_version" in spec:
        # upstream points at folders of its own repository; the same modules are published under a version of their own
        replaced = spec["replaced_modules_version"].format(version=version, major=major, minor=minor, patch=patch)
        lines += [f"replace {name} => {name} {replaced}" for name in REPLACE.findall(upstream)]
    (work / "go.mod").write_text("\n".join(lines) + "\n")
    go("mod", "tidy", cwd=work)


def build(component: str, version: str, binary: str, cache: Path) -> Path:
    """Build into a temporary name and move it into place when it is whole.

    Raises:
        BuildError: no toolchain, module not reachable, or a compile error.
    """
    spec = json.loads((MODULES / component / "build.json").read_text())
    work = cache / "modules" / component / version
    directory = cache / "binaries" / component / version
    directory.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    with (work / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if good(directory / binary):
            return directory / binary
        wrapper(component, version, spec, work)
        major, minor, patch = version.split(".")
        stamps = " ".join(
            f"-X {name}={value.format(version=version, major=major, minor=minor, patch=patch)}"
            for name, value in spec["stamps"].items()
        )
        part = directory / f"{binary}.part"
        compiler = ["test", "-c"] if binary in spec.get("tests", []) else ["build"]
        go(*compiler, "-trimpath", "-ldflags", f"-s -w {stamps}", "-o", str(part), spec["binaries"][binary], cwd=work)
        part.replace(directory / binary)
        record(directory, binary)
    return directory / binary


def main() -> int:
    """Build what was asked for; with --check only say whether it would be built."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("component")
    parser.add_argument("version", help="without the leading v")
    parser.add_argument("binary")
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    path = args.cache / "binaries" / args.component / args.version / args.binary
    started = time.monotonic()
    changed = not good(path)
    try:
        if changed and not args.check:
            build(args.component, args.version, args.binary, args.cache)
    except BuildError as error:
        print(f"{args.component} {args.version} {args.binary}: {error}", file=sys.stderr)
        return 1
    seconds = round(time.monotonic() - started, 1)
    checksum = recorded(path.parent).get(path.name)
    print(json.dumps({"changed": changed, "path": str(path), "seconds": seconds, "sha256": checksum}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
