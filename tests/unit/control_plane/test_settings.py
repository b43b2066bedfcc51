"""Settings of the control plane."""

from __future__ import annotations

from pathlib import Path

import pytest

from control_plane.settings import from_environment

GOOD = {"HEDDLE_NAMESPACE": "heddle-system", "HEDDLE_POD": "cp-0"}


def test_defaults() -> None:
    settings = from_environment(GOOD)
    assert settings.host == "heddle-control-plane.heddle-system.svc"
    assert (settings.sidecar_port, settings.webhook_port, settings.health_port) == (8443, 9443, 8080)
    assert settings.kubeconfig is None
    assert settings.token == Path("/var/run/secrets/mesh.heddle.dev/token")


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ValueError, match="HEDDLE_NAMESPACE") as caught:
        from_environment({"HEDDLE_LOG_LEVEL": "loud", "HEDDLE_SIDECAR_PORT": "65536", "HEDDLE_HEALTH_PORT": "x"})
    lines = str(caught.value).splitlines()
    assert [line.split(" ")[0].rstrip(":") for line in lines] == [
        "HEDDLE_NAMESPACE",
        "HEDDLE_POD",
        "HEDDLE_LOG_LEVEL",
        "HEDDLE_SIDECAR_PORT",
        "HEDDLE_HEALTH_PORT",
    ]
