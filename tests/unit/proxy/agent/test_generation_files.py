"""A run folder that cannot be written: the snapshot is refused, and the files are those of what runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mesh_policy import wire
from mesh_policy.errors import InvalidConfig
from mesh_policy.snapshot import Workload, WorkloadConfig
from proxy.agent import generation_files
from proxy.agent.haproxy import Haproxy
from proxy.engine.haproxy.render import render
from proxy.engine.haproxy.rendering import Place

CONFIG = wire.stamp(
    WorkloadConfig(
        workload=Workload(namespace="shop", pod="web-1", service_account="web"), trust_domain="cluster.local"
    )
)


def test_a_folder_that_cannot_be_made_refuses_the_snapshot(tmp_path: Path) -> None:
    (tmp_path / "gen").write_text("in the way")
    haproxy = Haproxy("haproxy", tmp_path, "10.0.0.1", 10)
    with pytest.raises(InvalidConfig, match="cannot be written: Not a directory"):
        asyncio.run(haproxy.apply(CONFIG, ""))
    assert not haproxy.running


def test_all_files_are_replaced_or_none(tmp_path: Path) -> None:
    rendered = render(CONFIG, "", Place(str(tmp_path), str(tmp_path), 10, "10.0.0.1", ()))
    names = list(rendered.files())
    (tmp_path / names[0]).write_text("what runs")
    (tmp_path / f"{names[-1]}.part").mkdir()
    with pytest.raises(InvalidConfig, match="cannot be written: Is a directory"):
        generation_files.write(tmp_path, rendered)
    assert (tmp_path / names[0]).read_text() == "what runs"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([names[0], f"{names[-1]}.part"])
    (tmp_path / f"{names[-1]}.part").rmdir()
    generation_files.write(tmp_path, rendered)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == rendered.files()
