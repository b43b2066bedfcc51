"""Which backend of the rule gets a request: smooth weighted round robin per rule."""

from __future__ import annotations

from collections.abc import Callable

from mitmproxy.http import HTTPFlow

from mesh_addons.answer import refuse
from mesh_addons.flow_view import MeshFlow, decided, mesh_flow
from mesh_addons.frontends import Frontends
from mesh_policy import grpc, split
from mesh_policy.snapshot import Rule

_Key = tuple[str, str, str, tuple[tuple[str | None, int], ...]]


class Split:
    """Chooses by weight, for requests that belong to no session. The credit of a rule outlives a new snapshot, if its
    backends and weights did not change.

    Args:
        chance: a random number in [0, 1): where in the pattern this sidecar begins.
    """

    name = "mesh_split"

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._seen: Frontends = {}
        self._states: dict[_Key, tuple[tuple[int, ...], split.State]] = {}

    def requestheaders(self, flow: HTTPFlow) -> None:
        if decided(flow):
            return
        mesh = mesh_flow(flow)
        rule = mesh.rule
        if rule is None:
            return
        # Gateway API: 500 where there is no valid backend; clients of gRPC are to see UNAVAILABLE.
        invalid = grpc.UNAVAILABLE if rule.rule.route.startswith("GRPCRoute/") else 500
        if not rule.rule.backends:
            refuse(flow, invalid, "no-backend")
            return
        index = self._choose(mesh, rule.rule) if mesh.pinned is None else mesh.pinned.share
        if index is None:
            refuse(flow, 503, "no-weight")  # every weight is 0
            return
        share = rule.backends[index]
        if share.backend.backend is None:
            refuse(flow, invalid, "invalid-backend")  # for exactly the share of an invalid reference
            return
        mesh.share, mesh.backend = share, share.backend.backend

    def _choose(self, mesh: MeshFlow, rule: Rule) -> int | None:
        if len(rule.backends) == 1:
            return 0 if rule.backends[0].weight > 0 else None
        if mesh.frontends is not self._seen:
            self._forget(mesh.frontends)
        key = _key(mesh.frontend.frontend.name, rule)
        known = self._states.get(key)
        if known is None:
            weights = split.reduce(tuple(backend.weight for backend in rule.backends))
            known = weights, split.start(weights, self._chance())
        weights, state = known
        index, state = split.choose(weights, state)
        self._states[key] = weights, state
        return index

    def _forget(self, frontends: Frontends) -> None:
        """Keep only what the newest snapshot still has, so that old rules take no memory."""
        self._seen = frontends
        present = {
            _key(name, rule)
            for name, prepared in frontends.items()
            if prepared.frontend.routes is not None
            for rule in prepared.frontend.routes.rules
        }
        self._states = {key: state for key, state in self._states.items() if key in present}


def _key(frontend: str, rule: Rule) -> _Key:
    return frontend, rule.route, rule.name, tuple((backend.backend, backend.weight) for backend in rule.backends)
