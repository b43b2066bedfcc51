"""Each field of each kind that users write: what is wrong is refused at admission, with the field's name; where it came
in nevertheless a condition says the same, and what runs stays as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from msgspec import inspect, structs

from control_plane.admission.verdict import CHECKED, verdict
from control_plane.compile.workload import compile_workload
from control_plane.index.policy import PolicyTable
from control_plane.index.store import Index
from control_plane.kinds.meta import Condition, Ref
from control_plane.kinds.registry import KINDS
from control_plane.kinds.route import AnyRoute
from control_plane.kinds.x_backend_traffic_policy import BackendTrafficPolicy
from control_plane.status.backend_policy import ancestors
from control_plane.status.own import conditions
from control_plane.status.progress import Progress
from control_plane.status.route import parents
from mesh_policy.snapshot import Outbound, WorkloadConfig
from tests.support.bad_objects import GOOD, Bad, Json, bad, lost, of_another_type, places, text_of
from tests.support.cluster import SHOP, a_mesh_config, a_route, a_service, an_index, put, to

CLUSTER: tuple[Json, ...] = (
    *SHOP,
    a_service("api", "10.96.0.10", {"name": "http", "port": 80, "targetPort": 8080, "appProtocol": "http"}),
    a_service("db", "10.96.0.12", {"port": 5432}),
    a_route("good", "api", {"backendRefs": [to("api")]}),
    a_mesh_config(circuit={"maxConnections": 7}),
)


def tail(path: str) -> str:
    """The last two names of a path: what several kinds share need not be in each of them."""
    return ".".join(path.split(".")[-2:])


USED = {
    tail(text_of(tuple(part for part in place if isinstance(part, str))))
    for obj in GOOD.values()
    for place, _ in places(obj["spec"], ("spec",))
}
EXCLUSIVE = {"hash.address"}
"""What cannot stand beside the other fields."""
OPEN = {"externalAuth", "extensionRef"}
"""Fields of the Gateway API that are refused whatever they hold."""


def fields(kind: inspect.Type, at: str) -> Iterator[str]:
    """The fields of a struct, those of its parts and of the items of its lists too."""
    match kind:
        case inspect.StructType():
            for field in kind.fields:
                if field.encode_name not in OPEN:
                    yield f"{at}.{field.encode_name}"
                    yield from fields(field.type, f"{at}.{field.encode_name}")
        case inspect.VarTupleType():
            yield from fields(kind.item_type, at)
        case inspect.UnionType():
            for part in kind.types:
                yield from fields(part, at)
        case _:
            pass


def said(index: Index, obj: Json) -> list[Condition]:
    """The conditions of an object."""
    kind, meta = obj["kind"], obj["metadata"]
    found = index.find(Ref(kind, meta.get("namespace", ""), meta["name"]))
    assert found is not None
    policies, now = PolicyTable(index), "2026-01-01T00:00:00Z"
    match found:
        case AnyRoute():
            entries = parents(index, found, Progress(1, 1), now)
        case BackendTrafficPolicy():
            entries = ancestors(index, policies, found, Progress(1, 1), now)
        case _:
            return conditions(index, policies, kind, found, Progress(1, 1))
    known = ("type", "status", "reason", "message")
    return [Condition(**{name: one[name] for name in known}) for entry in entries for one in entry["conditions"]]


def running(index: Index) -> dict[str, WorkloadConfig]:
    """What each sidecar runs on."""
    configs = {pod.metadata.name: compile_workload(index, pod.key) for pod in index.pods()}
    return {name: config for name, config in configs.items() if config is not None}


@pytest.mark.parametrize("kind", CHECKED)
def test_the_good_objects_are_good_and_hold_every_field(kind: str) -> None:
    obj = GOOD[kind]
    assert verdict(kind, json.dumps(obj).encode(), an_index(*CLUSTER)).violations == ()
    spec = next(field for field in structs.fields(KINDS[kind].struct) if field.name == "spec").type
    every = {tail(path) for path in fields(inspect.type_info(spec), "spec")}
    assert every - USED <= EXCLUSIVE


def test_the_table_is_as_large_as_it_is_said_to_be() -> None:
    assert len(bad()) + len(lost()) >= 100
    assert len(of_another_type()) >= 100
    assert {one.kind for one in (*bad(), *of_another_type())} == set(CHECKED)


@pytest.mark.parametrize("one", [*bad(), *of_another_type()], ids=str)
def test_what_is_wrong_is_refused_and_changes_nothing(one: Bad) -> None:
    obj = one.object
    raw = json.dumps(obj).encode()
    index = an_index(*CLUSTER)
    refused = [str(violation) for violation in verdict(one.kind, raw, index).violations]
    assert any(names(text, one) for text in refused), refused or "it is let in"
    before = running(index)
    put(index, obj)
    accepted = next(condition for condition in said(index, obj) if condition.type == "Accepted")
    assert accepted.status == "False"
    assert names(accepted.message, one)
    after = running(index)
    assert outbounds(after) == outbounds(before)
    if one.kind != "ServiceIntentions":  # those shut the door (ADR 5)
        assert after == before


@pytest.mark.parametrize("one", lost(), ids=str)
def test_what_leads_nowhere_is_said_in_a_condition(one: Bad) -> None:
    obj = one.object
    index = an_index(*CLUSTER)
    assert verdict(one.kind, json.dumps(obj).encode(), index).violations == ()
    put(index, obj)
    found = next(condition for condition in said(index, obj) if condition.type == one.condition)
    assert found.status == ("True" if one.condition == "PartiallyInvalid" else "False")
    assert one.word in found.message if one.word else names(found.message, one)


def outbounds(configs: dict[str, WorkloadConfig]) -> dict[str, Outbound]:
    return {name: config.outbound for name, config in configs.items()}


def names(text: str, one: Bad) -> bool:
    """The message holds the field: by its whole path, or by its parent's path and its own name."""
    parent, _, last = one.at.rpartition(".")
    bare = last.partition("[")[0]
    return one.word in text and (one.at in text or (parent in text and bare in text) or _above(text, one.at))


def _above(text: str, at: str) -> bool:
    """A value of a map has no path of its own, and what is wrong with two fields is said of what holds both."""
    path = text.partition(": ")[0].replace("[...]", "")
    return path.startswith("spec.") and (at.startswith(path + ".") or at == path)
