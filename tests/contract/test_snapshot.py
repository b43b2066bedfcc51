"""The wire between control plane and sidecar: what an older release wrote must be read while WIRE_VERSION stays."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from mesh_policy import schema, snapshot, wire
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


# --- sidecars of older versions (docs/adr/0008) ------------------------------------------------------------


def test_every_field_is_in_what_a_sidecar_tells_of_itself() -> None:
    """Derived from the structs, so that nobody can forget it; this walks them in another way."""
    own = {f"{one.__name__}.{name}" for one in structs(WorkloadConfig) for name in one.__struct_encode_fields__}
    assert schema.fields() == own
    assert len({one.__name__ for one in structs(WorkloadConfig)}) == len(structs(WorkloadConfig)), (
        "one name, one struct"
    )


def test_what_it_tells_fits_into_a_header() -> None:
    """aiohttp takes a field of 8190 bytes. When this fails, describe what is beyond a second FIRST."""
    assert len(schema.describe()) < 6000


def test_the_fields_of_sidecars_that_tell_nothing_are_history() -> None:
    digest = hashlib.sha256(schema.FIRST.encode()).hexdigest()
    assert digest == "ee2c886eb4f7d48709cd0970b9aa0f0eb25d715b9210bc9f4a50b4084905a9b2", (
        "never edit it: a new field belongs into its struct alone"
    )
    known = {
        f"{part.partition(':')[0]}.{name}"
        for part in schema.FIRST.split(";")
        for name in part.partition(":")[2].split(",")
    }
    assert known <= schema.fields(), "a field was renamed or removed"


def test_every_field_since_then_can_be_missing() -> None:
    """A new field of an old struct needs a default, which means: as it was before there was the field."""
    old = {part.partition(":")[0] for part in schema.FIRST.split(";")}
    for struct in old:
        for field in schema.tables()[struct]:
            assert field.key not in schema.missing(None) or field.default is not msgspec.NODEFAULT, field.key


def test_what_may_be_left_out_has_a_default() -> None:
    marked = [field for table in schema.tables().values() for field in table if field.refines]
    assert {field.key for field in marked} == {
        "Backend.outlier",
        "Balance.preferZone",
        "Balance.slowStartSeconds",
        "Endpoint.node",
        "Endpoint.zone",
        "Frontend.engineReason",
        "Intention.sourceName",
        "Rule.retry",
        "Workload.zone",
    }, "a new one here: is it true that nothing more gets through, goes elsewhere or is done more often without it?"
    assert all(field.default is not msgspec.NODEFAULT for field in marked)
