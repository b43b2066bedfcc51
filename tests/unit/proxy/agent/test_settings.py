"""The agent's settings: everything wrong is said at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.agent.settings import InvalidSettings, from_environment

GOOD = {
    "HEDDLE_CONTROL_PLANE": "https://heddle-control-plane.heddle-system.svc",
    "HEDDLE_TRUST_BUNDLE": "-----BEGIN CERTIFICATE-----",
    "HEDDLE_TRUST_DOMAIN": "cluster.local",
    "HEDDLE_NAMESPACE": "shop",
    "HEDDLE_POD": "web-1",
    "HEDDLE_POD_IP": "10.0.0.9",
    "HEDDLE_SERVICE_ACCOUNT": "web",
}


def test_defaults() -> None:
    settings = from_environment(GOOD)
    assert settings.run_dir == Path("/run/heddle")
    assert settings.token_file == Path("/var/run/secrets/mesh.heddle.dev/token")
    assert (settings.log_level, settings.drain_seconds, dict(settings.probes)) == ("info", 25.0, {})


def test_everything_that_is_missing_is_named() -> None:
    with pytest.raises(InvalidSettings) as refused:
        from_environment({})
    for name in GOOD:
        assert name in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEDDLE_CONTROL_PLANE", "http://x"),
        ("HEDDLE_CONTROL_PLANE", "https://x/path"),
        ("HEDDLE_POD_IP", "fd00::1"),
        ("HEDDLE_LOG_LEVEL", "loud"),
        ("HEDDLE_DRAIN_SECONDS", "-1"),
        ("HEDDLE_DRAIN_SECONDS", "soon"),
        ("HEDDLE_PROBES", "[]"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidSettings, match=name):
        from_environment({**GOOD, name: value})
