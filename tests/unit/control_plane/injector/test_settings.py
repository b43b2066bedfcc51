"""The injector's settings out of the environment."""

from __future__ import annotations

import pytest

from control_plane.injector.settings import DEFAULT_RESOURCES, Resources, from_environment

NEEDED = {
    "HEDDLE_NAMESPACE": "heddle-system",
    "HEDDLE_SERVICE": "heddle-control-plane",
    "HEDDLE_IMAGE": "localhost/heddle/sidecar:1",
}


def test_defaults() -> None:
    settings = from_environment(NEEDED)
    assert settings.control_plane == "https://heddle-control-plane.heddle-system.svc"
    assert (settings.image_pull_policy, settings.log_level, settings.drain_seconds) == ("IfNotPresent", "info", 20)
    assert settings.resources == DEFAULT_RESOURCES
    assert settings.unreadable == "refuse"


def test_not_ready_until_there_is_trust() -> None:
    settings = from_environment(NEEDED)
    assert not settings.ready
    assert settings.with_trust(trust_bundle="PEM", trust_domain="cluster.local").ready


def test_everything_given() -> None:
    settings = from_environment(
        NEEDED
        | {
            "HEDDLE_IMAGE_PULL_POLICY": "Never",
            "HEDDLE_PROXY_LOG_LEVEL": "debug",
            "HEDDLE_PROXY_DRAIN_SECONDS": "0",
            "HEDDLE_PROXY_RESOURCES": '{"limits":{"memory":"256Mi"}}',
            "HEDDLE_INJECT_UNREADABLE": "pass",
        }
    )
    assert settings.resources == Resources(limits={"memory": "256Mi"})
    assert (settings.image_pull_policy, settings.log_level, settings.drain_seconds) == ("Never", "debug", 0)
    assert settings.unreadable == "pass"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEDDLE_IMAGE", ""),
        ("HEDDLE_IMAGE_PULL_POLICY", "Sometimes"),
        ("HEDDLE_PROXY_LOG_LEVEL", "loud"),
        ("HEDDLE_PROXY_DRAIN_SECONDS", "20s"),
        ("HEDDLE_PROXY_DRAIN_SECONDS", "3601"),
        ("HEDDLE_PROXY_RESOURCES", "{"),
        ("HEDDLE_PROXY_RESOURCES", '{"request":{}}'),
        ("HEDDLE_PROXY_RESOURCES", '{"limits":{"memory":"many"}}'),
        ("HEDDLE_INJECT_UNREADABLE", "Refuse"),
    ],
)
def test_a_wrong_value_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        from_environment(NEEDED | {name: value})


def test_every_fault_is_reported() -> None:
    with pytest.raises(ValueError, match="HEDDLE_NAMESPACE") as caught:
        from_environment({"HEDDLE_PROXY_LOG_LEVEL": "loud"})
    assert len(str(caught.value).splitlines()) == 4
