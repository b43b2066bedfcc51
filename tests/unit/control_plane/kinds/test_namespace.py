"""Namespace."""

from __future__ import annotations

from control_plane.kinds.namespace import Namespace
from control_plane.kinds.registry import decode


def test_only_its_labels_matter() -> None:
    found = decode("Namespace", b'{"metadata":{"name":"shop","labels":{"a":"b"}},"status":{"phase":"Active"}}')
    assert isinstance(found, Namespace)
    assert found.key == ("", "shop")
    assert found.metadata.labels == {"a": "b"}
