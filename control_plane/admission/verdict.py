"""The decision about one object that is written: what is wrong with it, and what its owner should know."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from control_plane.admission.hints import hints
from control_plane.index.store import Index
from control_plane.kinds.meta import Broken
from control_plane.kinds.registry import KINDS, decode, violations
from control_plane.kinds.route import AnyRoute
from control_plane.kinds.routes import ROUTES, acts_shut
from mesh_policy.errors import Violation

CHECKED = (*ROUTES, "XBackendTrafficPolicy", "ServiceSubset", "ServiceIntentions", "TrafficPolicy", "MeshConfig")


class Verdict(NamedTuple):
    """Any violation refuses the object."""

    violations: tuple[Violation, ...] = ()
    warnings: tuple[str, ...] = ()


def verdict(kind: str, data: bytes | msgspec.Raw, index: Index) -> Verdict:
    """Judge an object.

    Args:
        kind: one of CHECKED; anything else is nobody's business here and is let in.
        data: the object as JSON.
        index: the cluster, for what the object names. It may be a moment old, so it only ever warns.
    """
    if kind not in CHECKED:
        return Verdict()
    try:
        obj = decode(kind, data)
    except ValueError as error:
        return Verdict((Violation("metadata", str(error)),))
    if obj.metadata.deletion_timestamp is not None:
        return Verdict()  # only finalizers change now; a wrong object must be able to go
    wrong = violations(kind, obj)
    if wrong or isinstance(obj, Broken):
        return Verdict(wrong)
    until = "the object is not accepted"
    if isinstance(obj, AnyRoute) and acts_shut(obj):
        until = "requests that it would see get an error"
    not_done = tuple(f"{violation}; until then {until}" for violation in KINDS[kind].unsupported(obj))
    return Verdict((), (*not_done, *hints(obj, index)))
