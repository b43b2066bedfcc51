"""ServiceSubset."""

from __future__ import annotations

import json

from control_plane.kinds.registry import decode, violations
from tests.support.cluster import a_subset


def paths(obj: dict[str, object]) -> list[str]:
    return [v.path for v in violations("ServiceSubset", decode("ServiceSubset", json.dumps(obj).encode()))]


def test_a_subset_is_right() -> None:
    assert paths(a_subset("v2", "api", version="v2")) == []


def test_a_subset_without_labels_is_the_service_itself() -> None:
    assert paths(a_subset("v2", "api")) == ["spec.selector.matchLabels"]


def test_the_service_must_be_a_name() -> None:
    assert paths(a_subset("v2", "API", version="v2")) == ["spec.service"]
