"""Weighted backends of a rule."""

from __future__ import annotations

from control_plane.compile.cors import cors
from control_plane.compile.filters import redirect, request_headers, response_headers, rewrite
from control_plane.compile.mirror import mirrors
from control_plane.compile.targets import Targets
from control_plane.kinds.filters import FilteredRule
from mesh_policy.snapshot import WeightedBackend


def split(targets: Targets, namespace: str, rule: FilteredRule, called_port: int) -> tuple[WeightedBackend, ...]:
    """The shares of a rule. A reference that leads nowhere keeps its share, which gets 500; so does one with a filter
    that this mesh does not have."""
    return tuple(
        WeightedBackend(backend=None, weight=ref.weight)
        if rule.lacks(ref.filters)
        else WeightedBackend(
            backend=targets.use(namespace, ref, called_port),
            weight=ref.weight,
            request_headers=request_headers(ref.filters),
            response_headers=response_headers(ref.filters),
            rewrite=rewrite(ref.filters),
            redirect=redirect(ref.filters),
            cors=cors(ref.filters),
            mirrors=mirrors(targets, namespace, ref.filters, called_port),
        )
        for ref in rule.backend_refs
    )
