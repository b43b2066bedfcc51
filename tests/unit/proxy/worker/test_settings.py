from __future__ import annotations

from pathlib import Path

import pytest

from proxy.worker.settings import read_settings


def test_defaults(tmp_path: Path) -> None:
    settings = read_settings({"HEDDLE_RUN_DIR": str(tmp_path)})
    assert settings.worker_socket == tmp_path / "worker.sock"
    assert settings.drain_seconds == 30
    assert settings.limits.connections == 4096


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    environment = {"HEDDLE_RUN_DIR": str(tmp_path / "no"), "HEDDLE_LOG_LEVEL": "loud", "HEDDLE_DRAIN_SECONDS": "soon"}
    with pytest.raises(ValueError, match="HEDDLE_LOG_LEVEL") as refused:
        read_settings(environment)
    assert len(str(refused.value).splitlines()) == 3


@pytest.mark.parametrize("seconds", ["-1", "nan", "inf", "1e9"])
def test_a_drain_has_a_bound(tmp_path: Path, seconds: str) -> None:
    with pytest.raises(ValueError, match="HEDDLE_DRAIN_SECONDS"):
        read_settings({"HEDDLE_RUN_DIR": str(tmp_path), "HEDDLE_DRAIN_SECONDS": seconds})
