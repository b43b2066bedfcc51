"""The cache of binaries: what has the right checksum is taken, nothing else is."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

Program = Callable[[str], ModuleType]


@pytest.fixture
def binary(tmp_path: Path) -> Path:
    path = tmp_path / "binaries/demo/1.0.0/tool"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"program")
    return path


def test_a_binary_without_a_recorded_checksum_is_not_taken(program: Program, binary: Path) -> None:
    assert not program("binaries/go_build").good(binary)


def test_a_recorded_binary_is_taken(program: Program, binary: Path) -> None:
    build = program("binaries/go_build")
    build.record(binary.parent, binary.name)
    assert build.good(binary)


def test_a_changed_binary_is_not_taken(program: Program, binary: Path) -> None:
    build = program("binaries/go_build")
    build.record(binary.parent, binary.name)
    binary.write_bytes(b"other program")
    assert not build.good(binary)


def test_recording_one_binary_keeps_the_others(program: Program, binary: Path) -> None:
    build = program("binaries/go_build")
    build.record(binary.parent, binary.name)
    (binary.parent / "second").write_bytes(b"second")
    build.record(binary.parent, "second")
    assert set(build.recorded(binary.parent)) == {"tool", "second"}
    assert (binary.parent / "SHA256SUMS").read_text().splitlines() == [
        f"{hashlib.sha256(b'second').hexdigest()}  second",
        f"{hashlib.sha256(b'program').hexdigest()}  tool",
    ]


def test_folders_that_upstream_replaces_are_found(program: Program) -> None:
    text = "replace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n)\n"
    text += "replace example.org/x v1.0.0 => ../x\nreplace a.b/c => d.e/f v1.2.3\n"
    assert program("binaries/go_build").REPLACE.findall(text) == ["k8s.io/api", "example.org/x"]


def test_the_pinned_wrapper_is_used_for_its_version(program: Program, tmp_path: Path) -> None:
    build = program("binaries/go_build")
    spec = {"module": "go.etcd.io/etcd/server/v3", "binaries": {"etcd": "go.etcd.io/etcd/server/v3"}, "stamps": {}}
    build.wrapper("etcd", "3.6.6", spec, tmp_path)
    assert (tmp_path / "go.sum").read_bytes() == (build.MODULES / "etcd/go.sum").read_bytes()


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    folder = tmp_path / "mirror"
    folder.mkdir()

    class Files(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()
        thread.join()


def run(module: ModuleType, monkeypatch: pytest.MonkeyPatch, *args: object) -> int:
    monkeypatch.setattr("sys.argv", ["fetch_release.py", *map(str, args)])
    code: int = module.main()
    return code


def test_a_release_that_agrees_with_its_checksum_is_taken(
    program: Program, mirror: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder = mirror
    (folder / "tool").write_bytes(b"release")
    (folder / "tool.sha256").write_text(hashlib.sha256(b"release").hexdigest())
    output = tmp_path / "cache/tool"
    assert run(program("binaries/fetch_release"), monkeypatch, f"{url}/tool", output) == 0
    assert output.read_bytes() == b"release"
    assert output.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("pinned", [True, False], ids=["pinned", "mirror's own"])
def test_a_release_with_another_checksum_is_refused(
    program: Program, mirror: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pinned: bool
) -> None:
    url, folder = mirror
    (folder / "tool").write_bytes(b"changed on the way")
    wanted = hashlib.sha256(b"release").hexdigest()
    (folder / "tool.sha256").write_text(hashlib.sha256(b"changed on the way").hexdigest() if pinned else wanted)
    output = tmp_path / "cache/tool"
    pin = [wanted] if pinned else []
    assert run(program("binaries/fetch_release"), monkeypatch, f"{url}/tool", output, *pin) == 1
    assert not output.exists()


def test_a_release_without_any_checksum_is_refused(
    program: Program, mirror: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder = mirror
    (folder / "tool").write_bytes(b"release")
    assert run(program("binaries/fetch_release"), monkeypatch, f"{url}/tool", tmp_path / "cache/tool") == 1
