"""Recipes and archives of images: the same in gives the same out, and only what is needed travels."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Program = Callable[[str], ModuleType]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A working tree with everything that the recipe reads, small."""
    root = tmp_path / "tree"
    for folder in ("mesh_policy", "mesh_addons", "proxy", "control_plane", "images/demo/shop"):
        (root / folder).mkdir(parents=True)
        (root / folder / "__init__.py").write_text(f"# {folder}\n")
    for name in ("sidecar", "control-plane", "demo"):
        (root / "images" / name).mkdir(exist_ok=True)
        shutil.copy(ROOT / "images" / name / "Containerfile", root / "images" / name)
    for name in ("pyproject.toml", "constraints.txt", "images/rootfs.sh"):
        shutil.copy(ROOT / name, root / name)
    return root


def test_the_tag_stays_without_a_change(program: Program, tree: Path) -> None:
    images = program("images/recipe")
    before = images.recipe(tree, Path("/wheels"))
    (tree / "proxy/__pycache__").mkdir()
    (tree / "proxy/__pycache__/x.pyc").write_bytes(b"compiled")
    (tree / "README.md").write_text("not in an image")
    assert images.recipe(tree, Path("/wheels")) == before


@pytest.mark.parametrize(
    "file",
    [
        "proxy/__init__.py",
        "images/demo/shop/__init__.py",
        "images/sidecar/Containerfile",
        "constraints.txt",
        "images/rootfs.sh",
    ],
)
def test_the_tag_changes_with_what_goes_in(program: Program, tree: Path, file: str) -> None:
    images = program("images/recipe")
    before = images.recipe(tree, Path("/wheels"))["tag"]
    with (tree / file).open("a") as changed:
        changed.write("\n# changed\n")
    assert images.recipe(tree, Path("/wheels"))["tag"] != before


def test_code_alone_keeps_base_and_wheels(program: Program, tree: Path) -> None:
    images = program("images/recipe")
    before = images.recipe(tree, Path("/wheels"))
    (tree / "proxy/new.py").write_text("x = 1\n")
    after = images.recipe(tree, Path("/wheels"))
    assert (after["base"], after["images"]) == (before["base"], before["images"])
    assert after["tag"] != before["tag"]


def test_the_sidecar_has_no_kubernetes_client(program: Program) -> None:
    needs = program("images/recipe").recipe(ROOT, Path("/wheels"))["images"]["sidecar"]["requirements"]
    assert [need for need in needs if need.startswith(("kubernetes", "aiohttp"))] == []


def oci_archive(blobs: dict[str, bytes]) -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        files = {f"blobs/sha256/{name}": body for name, body in blobs.items()}
        files["index.json"] = json.dumps({"manifests": [{"digest": "sha256:manifest"}]}).encode()
        for name, body in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(body)
            archive.addfile(entry, io.BytesIO(body))
    stream.seek(0)
    return stream


def test_known_layers_do_not_travel(program: Program, tmp_path: Path) -> None:
    packing = program("images/pack_images")
    big = bytes(packing.SMALL_BYTES + 1)
    with tarfile.open(tmp_path / "out.tar", "w") as archive:
        pack = packing.Pack(archive, {"sha256:base", "sha256:manifest"})
        pack.add("localhost/heddle/a:1", oci_archive({"base": big, "code": big, "manifest": b"{}"}))
        pack.add("localhost/heddle/b:1", oci_archive({"base": big, "code": big, "manifest": b"{}"}))
        pack.finish()
    with tarfile.open(tmp_path / "out.tar") as archive:
        assert sorted(archive.getnames()) == ["blobs/sha256/code", "blobs/sha256/manifest", "index.json", "oci-layout"]
        index = archive.extractfile("index.json")
        assert index is not None
        names = [manifest["annotations"]["io.containerd.image.name"] for manifest in json.load(index)["manifests"]]
    assert names == ["localhost/heddle/a:1", "localhost/heddle/b:1"]
    assert (pack.kept, pack.dropped) == (len(big) + 2, len(big))


def test_an_image_archive_is_the_same_every_time(program: Program, tmp_path: Path) -> None:
    writing = program("cluster/image_archive")
    (tmp_path / "tool").write_bytes(b"program")
    (tmp_path / "base.tar").write_bytes(b"layer")
    base, files = str(tmp_path / "base.tar"), {"/usr/bin/tool": str(tmp_path / "tool")}
    images = [{"name": f"local/{n}:1", "base": base, "files": files, "entrypoint": [n]} for n in ("a", "b")]
    writing.write(tmp_path / "one.tar", images)
    (tmp_path / "tool").touch()
    writing.write(tmp_path / "two.tar", images)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as archive:
        assert len([name for name in archive.getnames() if name.endswith(".tar")]) == 2, "shared layers are stored once"
        manifest = archive.extractfile("manifest.json")
        assert manifest is not None
        assert [image["RepoTags"] for image in json.load(manifest)] == [["local/a:1"], ["local/b:1"]]
