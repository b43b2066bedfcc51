"""Backends that lead nowhere, and shares."""

from __future__ import annotations

from typing import NamedTuple

from tests.support.cluster import Json, to
from tests.support.gateway.vocabulary import GONE, V1, V2, Answer, Ask, Table, grpc, http, moved, redirect

_INVALID: dict[str, Json] = {
    "no such Service": GONE,
    "no such port": to("v1", 81),
    "no port": to("v1", None),
    "another kind": {"group": "storage.example", "kind": "Bucket", "name": "b"},
    "no such subset": {"group": "mesh.heddle.dev", "kind": "ServiceSubset", "name": "gone", "port": 80},
    "bytes, not HTTP": to("db", 5432),
}
"""References that lead nowhere."""


def invalid() -> dict[str, Table]:
    found = {}
    for cause, ref in _INVALID.items():
        found[f"all of a rule: {cause}"] = Table((http({"backendRefs": [ref]}),), ((Ask(), Answer(500)),))
    found["calls see UNAVAILABLE"] = Table(grpc({"backendRefs": [GONE]}), ((Ask("/a/b"), Answer(503)),))
    found["a rule without backends"] = Table((http({"name": "none"}),), ((Ask(), Answer(500)),))
    found["no weight at all"] = Table((http({"backendRefs": [to("v1", weight=0)]}),), ((Ask(), Answer(503)),))
    found["a weight of zero gets nothing"] = Table(
        (http({"backendRefs": [to("v1", weight=0), to("v2", weight=3)]}),), ((Ask(), Answer(backend=V2)),) * 3
    )
    found["an invalid one without weight costs nothing"] = Table(
        (http({"backendRefs": [to("gone", weight=0), to("v2")]}),), ((Ask(), Answer(backend=V2)),) * 3
    )
    found["a redirect needs no backend"] = Table((http(redirect(hostname="o")),), (moved("/", "http://o/"),))
    return found


class Share(NamedTuple):
    """How many of a number of requests go where; None: an answer of 500."""

    refs: tuple[Json, ...]
    shares: tuple[tuple[str | None, int], ...]


SHARES: dict[str, Share] = {
    "70 to 30": Share((to("v1", weight=70), to("v2", weight=30)), ((V1, 7), (V2, 3))),
    "weights are no percentages": Share((to("v1", weight=1), to("v2", weight=3)), ((V1, 1), (V2, 3))),
    "one without a weight has 1": Share((to("v1"), to("v2", weight=4)), ((V1, 1), (V2, 4))),
    "none has a weight": Share((to("v1"), to("v2")), ((V1, 1), (V2, 1))),
    **{
        f"a quarter of 500: {cause}": Share((to("v1", weight=3), {**ref, "weight": 1}), ((V1, 3), (None, 1)))
        for cause, ref in _INVALID.items()
    },
}
"""Over the sum of the weights, and every multiple of it."""
