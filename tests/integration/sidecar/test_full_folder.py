"""A sidecar whose run folder is full: what runs goes on, what is new is refused, and taken when there is room."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sidecar.mesh import WEB, Mesh, with_more_backends
from tests.support.sidecar.waiting import until

AGAIN_SECONDS = 30.0
"""The agent tries again after at most 5 s; a busy machine adds to it."""


@pytest.fixture
def small_mesh(tmp_path: Path) -> Iterator[Mesh]:
    """The run folder of `web` has 2 MiB; the sidecar writes its log elsewhere."""
    mesh = Mesh("full")
    folder = str(mesh.web.folder)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], check=True, timeout=10)
    mesh.web.log = tmp_path / "log"
    try:
        mesh.start()
        yield mesh
    finally:
        mesh.close()
        subprocess.run(["umount", "--lazy", folder], check=True, timeout=10)
        mesh.web.folder.rmdir()


def test_a_full_folder_costs_no_request_and_delays_a_change_only(small_mesh: Mesh) -> None:
    mesh = small_mesh
    mesh.works()
    before = mesh.web.process("agent"), mesh.web.process("haproxy")
    filler = mesh.web.run_dir / "filler"
    with filler.open("wb") as file, pytest.raises(OSError, match="No space left"):
        while True:
            file.write(bytes(4096))
            file.flush()
    ack = mesh.control_plane.apply(WEB, with_more_backends(200))
    assert not ack["accepted"]
    assert "cannot be written: No space left on device" in ack["violations"][0]["message"]
    mesh.works()
    filler.unlink()
    until(lambda: mesh.control_plane.wait_for_ack(WEB, ack["version"])["accepted"], AGAIN_SECONDS, "the same snapshot")
    mesh.works()
    assert (mesh.web.process("agent"), mesh.web.process("haproxy")) == before
