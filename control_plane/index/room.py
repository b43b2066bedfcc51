"""How much one namespace may bring into everybody's snapshot by its routes.

Every sidecar holds the producer routes of every namespace, and refuses a snapshot that is too large (mesh_policy.wire):
without a bound one namespace could keep every change from the whole mesh.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from control_plane.index.store import Key
from control_plane.kinds.meta import age_order
from control_plane.kinds.route import AnyRoute

MAX_BYTES = 4 * 1024 * 1024
"""Of all routes of a namespace together, as `size` counts them; a snapshot has 64 MiB. Some 12,000 matches of
ordinary size."""
RULE_BYTES = 128
"""What the least match or rule takes in a snapshot, however short it is written."""
EXPRESSION_BYTES = 2048
"""What a regular expression counts more than its text: every sidecar compiles it."""

_encoder = msgspec.json.Encoder()


def size(route: AnyRoute) -> int:
    """About how many bytes a route takes in a snapshot, for each port that it acts on."""
    matches = sum(max(1, len(getattr(rule, "matches", ()))) for rule in route.spec.rules)
    names = len(_encoder.encode(route.spec.hostnames)) * len(route.spec.rules) if route.takes_connections else 0
    expressions = EXPRESSION_BYTES * len(route.expressions)
    return expressions + len(_encoder.encode(route.spec.rules)) + names + RULE_BYTES * matches


def crowded_out(routes: Iterable[tuple[AnyRoute, int]]) -> frozenset[tuple[str, Key]]:
    """Kinds and keys of the routes for which their namespace has no room. Older ones have it before newer ones, so that
    what works goes on to.

    Args:
        routes: each with the number of ports that it acts on.
    """
    used: dict[str, int] = {}
    found = set()
    for route, ports in sorted(routes, key=lambda one: (age_order(one[0]), one[0].kind)):
        namespace = route.metadata.namespace
        taken = size(route) * ports
        if used.get(namespace, 0) + taken > MAX_BYTES:
            found.add((route.kind, route.key))
        else:
            used[namespace] = used.get(namespace, 0) + taken
    return frozenset(found)
