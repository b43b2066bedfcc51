"""The wire between control plane and sidecar: what an older release wrote must be read while WIRE_VERSION stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from mesh_policy import snapshot, wire
from mesh_policy.errors import InvalidConfig
from mesh_policy.snapshot import WorkloadConfig

EXAMPLE = Path(__file__).parent / "workload-v1.json"
"""Every field of wire version 1. Fields may be added (with a default), none may be renamed, retyped or removed."""


def structs(kind: Any, found: set[type[msgspec.Struct]] | None = None) -> set[type[msgspec.Struct]]:
    """All structs that a WorkloadConfig is made of."""
    found = set() if found is None else found
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in found:
        found.add(kind)
        for hint in get_type_hints(kind).values():
            structs(hint, found)
    for part in get_args(kind):
        structs(part, found)
    return found


def names_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(names_in(one) for one in value.values()))
    return set().union(*(names_in(one) for one in value)) if isinstance(value, list) else set()


def test_the_example_is_read_and_written_back_the_same() -> None:
    config = wire.decode(EXAMPLE.read_bytes())
    assert wire.decode(wire.encode(config)) == config
    assert json.loads(wire.encode(config)) == json.loads(EXAMPLE.read_text())


def test_the_example_has_every_field() -> None:
    expected = {name for one in structs(WorkloadConfig) for name in one.__struct_encode_fields__}
    assert expected - names_in(json.loads(EXAMPLE.read_text())) == set()


def test_field_names_are_in_camel_case_on_the_wire() -> None:
    for one in structs(WorkloadConfig):
        assert all("_" not in name for name in one.__struct_encode_fields__), one


def test_every_part_is_frozen_and_refuses_what_it_does_not_know() -> None:
    for one in structs(WorkloadConfig):
        assert one.__struct_config__.frozen, one
        assert one.__struct_config__.forbid_unknown_fields, one


def test_every_optional_field_may_be_missing() -> None:
    least = {"wireVersion": 1, "workload": {"namespace": "a", "pod": "b", "serviceAccount": "c"}, "trustDomain": "d"}
    config = wire.decode(json.dumps(least).encode())
    assert config.inbound == snapshot.Inbound()
    assert config.inbound.authorization.default == "Deny"
    assert config.inbound.mtls == "Strict"


@pytest.mark.parametrize("cut", range(1, 400, 7))
def test_a_truncated_snapshot_is_refused(cut: int) -> None:
    with pytest.raises(InvalidConfig):
        wire.decode(EXAMPLE.read_bytes().rstrip()[:-cut])


def test_a_huge_snapshot_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidConfig, match="more than"):
        wire.decode(b" " * (wire.MAX_SNAPSHOT_BYTES + 1))
