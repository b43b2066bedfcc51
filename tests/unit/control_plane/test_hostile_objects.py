"""Whatever an object holds: it is read or refused, and what is compiled beside it stays right. Objects of the golden
case are changed at random places into values that do not belong there."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from control_plane.admission.verdict import verdict
from control_plane.compile.workload import Compiler
from control_plane.index.policy import PolicyTable
from control_plane.index.store import Index
from control_plane.kinds.registry import decode
from control_plane.kinds.route import AnyRoute
from control_plane.kinds.routes import ROUTES
from control_plane.status.own import conditions
from control_plane.status.progress import Progress
from control_plane.status.route import parents
from mesh_policy import wire
from tests.support.bad_objects import GOOD
from tests.support.cluster import documents, put

BASE = documents((Path(__file__).parents[2] / "golden" / "compile" / "shop.yaml").read_text())
WRITTEN = [*BASE, *GOOD.values()]
VALUES: list[Any] = [None, 0, -1, 65536, "", "*", "A b", [], {}, True, 1.5, ["x"], {"a": 1}]
VALUES += ["/a//b", "(", "x" * 5000, "\0", "\r\n", '"; %[env(PATH)]', "shop", 443, "0s", "24h", "99999h", 2**63]


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in an object."""
    found = []
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in entries:
        found += [(*at, name), *places(inner, (*at, name))]
    return found


@st.composite
def hostile(draw: st.DrawFn) -> dict[str, Any]:
    """An object with up to three places changed or removed."""
    obj = copy.deepcopy(draw(st.sampled_from(WRITTEN)))
    for _ in range(draw(st.integers(1, 3))):
        chosen = [place for place in places(obj) if place[0] != "kind"]
        if not chosen:
            break
        *way, last = draw(st.sampled_from(chosen))
        target: Any = obj
        for name in way:
            target = target[name]
        if draw(st.booleans()):
            target[last] = copy.deepcopy(draw(st.sampled_from(VALUES)))  # one that is put into itself has no end
        else:
            del target[last]
    return obj


@settings(max_examples=150, deadline=None)
@given(st.lists(hostile(), min_size=1, max_size=4))
def test_nothing_that_is_written_breaks_what_is_compiled(objects: list[dict[str, Any]]) -> None:
    index = Index()
    put(index, *BASE)
    for obj in objects:
        raw = json.dumps(obj).encode()
        verdict(obj["kind"], raw, index)
        try:
            read = decode(obj["kind"], raw)
        except ValueError:
            continue
        index.apply(obj["kind"], read)
    compiler, policies = Compiler(index), PolicyTable(index)
    for pod in index.pods():
        config = compiler.compile(pod.key)
        assert config is None or wire.decode(wire.encode(config)) == config
    for kind in (*ROUTES, "ServiceSubset", "ServiceIntentions", "TrafficPolicy", "MeshConfig"):
        for found in index.every(kind):
            if isinstance(found, AnyRoute):
                parents(index, found, Progress(1, 1), "2026-01-01T00:00:00Z")
            else:
                conditions(index, policies, kind, found, Progress(1, 1))
