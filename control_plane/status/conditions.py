"""Conditions (`metav1.Condition`): made, and merged into what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from control_plane.kinds.meta import Condition
from control_plane.status.progress import Progress
from mesh_policy.errors import Violation

MAX_MESSAGE = 1024
"""Ours; the API allows 32768. A person reads it."""
MAX_CONDITIONS = 8
"""Of the Gateway API, in one list."""
OURS = frozenset(("Accepted", "ResolvedRefs", "Programmed", "PartiallyInvalid", "SharedIdentity"))
"""The types that this package says or takes back."""


def condition(kind: str, holds: bool | None, reason: str, message: str) -> Condition:
    """A condition; None: not known yet."""
    status = "Unknown" if holds is None else str(holds)
    return Condition(type=kind, status=status, reason=reason, message=message[:MAX_MESSAGE])


def invalid(violations: tuple[Violation, ...], reason: str = "Invalid") -> Condition:
    """Not accepted, with everything that is wrong."""
    return condition("Accepted", False, reason, "; ".join(str(violation) for violation in violations))


def accepted(message: str = "valid") -> Condition:
    """Accepted."""
    return condition("Accepted", True, "Accepted", message)


def resolved(reason: str = "", messages: Iterable[str] = ()) -> Condition:
    """All references lead somewhere, or the first reason why not and all messages."""
    if not reason:
        return condition("ResolvedRefs", True, "ResolvedRefs", "all references are resolved")
    return condition("ResolvedRefs", False, reason, "; ".join(dict.fromkeys(messages)))


def programmed(done: Progress) -> Condition:
    """`running in 41 of 42 sidecars`, with the laggard's name."""
    if done.total == 0:
        return condition("Programmed", True, "Programmed", "no sidecar needs it yet")
    message = f"running in {done.running} of {done.total} sidecars"
    if done.refusal:
        return condition("Programmed", False, "Refused", f"{message}; {done.laggard} refuses it: {done.refusal}")
    if done.running + done.older < done.total:
        return condition("Programmed", False, "Pending", f"{message}; waiting for {done.laggard}")
    if done.older:
        return condition("Programmed", False, "OlderSidecar", f"{message}; {done.without}: restart the pod")
    return condition("Programmed", True, "Programmed", message)


def was_programmed(conditions: Iterable[Mapping[str, Any]], generation: int) -> bool:
    """Whether this generation of an object has once run everywhere."""
    return any(
        one.get("type") == "Programmed" and one.get("status") == "True" and one.get("observedGeneration") == generation
        for one in conditions
    )


def merged(
    old: Iterable[Mapping[str, Any]],
    new: Iterable[Condition],
    generation: int,
    now: str,
    ours: frozenset[str] = OURS,
) -> list[dict[str, Any]]:
    """The new conditions as the API writes them; the time of a condition changes only with its status.

    Conditions of types that are not `ours` are somebody else's: they stay, unchanged and in their place (Gateway API,
    RouteParentStatus.conditions). Where all together were more than MAX_CONDITIONS, the last of ours are left out.
    """
    before = list(old)
    known = {entry.get("type"): entry for entry in before}
    said = {one.type: _written(one, known.get(one.type, {}), generation, now) for one in new}
    others = sum(entry.get("type") not in ours for entry in before)
    said = dict(list(said.items())[: max(0, MAX_CONDITIONS - others)])
    found = []
    for entry in before:
        if entry.get("type") not in ours:
            found.append(dict(entry))
        elif entry.get("type") in said:
            found.append(said.pop(str(entry["type"])))
    return [*found, *said.values()]


def _written(one: Condition, before: Mapping[str, Any], generation: int, now: str) -> dict[str, Any]:
    same = before.get("status") == one.status and before.get("lastTransitionTime")
    return {
        "type": one.type,
        "status": one.status,
        "reason": one.reason,
        "message": one.message,
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if same else now,
    }


def plain(conditions: Iterable[Condition]) -> list[dict[str, Any]]:
    """Conditions as they came from the API server."""
    return [dict(msgspec.to_builtins(one)) for one in conditions]
