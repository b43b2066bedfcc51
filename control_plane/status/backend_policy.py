"""Status of an XBackendTrafficPolicy: one entry for each Service it is for, beside those of other controllers."""

from __future__ import annotations

from typing import Any

from control_plane.index.backend_policy import has_affinity
from control_plane.index.policy import PolicyTable
from control_plane.index.store import Index
from control_plane.kinds.meta import CONTROLLER_NAME, Condition
from control_plane.kinds.x_backend_traffic_policy import BackendTrafficPolicy
from control_plane.status.conditions import accepted, condition, invalid, merged, programmed
from control_plane.status.progress import Progress

KIND = "XBackendTrafficPolicy"
MAX_ANCESTORS = 16
"""Of the API; entries of others are never pushed out."""


def ancestors(
    index: Index, policies: PolicyTable, policy: BackendTrafficPolicy, done: Progress, now: str
) -> list[dict[str, Any]]:
    """`status.ancestors` as it should be: others' entries as they are, ours anew, stale ones of ours gone."""
    old = list(policy.status.ancestors) if policy.status else []
    others: list[dict[str, Any]] = [dict(entry) for entry in old if entry.get("controllerName") != CONTROLLER_NAME]
    ours: list[dict[str, Any]] = []
    for name in policy.services:
        ref = {"group": "", "kind": "Service", "namespace": policy.metadata.namespace, "name": name}
        known = next((e for e in old if e.get("controllerName") == CONTROLLER_NAME and e.get("ancestorRef") == ref), {})
        before = known.get("conditions", ())
        said = merged(
            before if isinstance(before, list) else (),
            _conditions(index, policies, policy, name, done),
            policy.metadata.generation,
            now,
        )
        ours.append({"ancestorRef": ref, "controllerName": CONTROLLER_NAME, "conditions": said})
    return [*others, *ours][: max(MAX_ANCESTORS, len(others))]


def _conditions(
    index: Index, policies: PolicyTable, policy: BackendTrafficPolicy, name: str, done: Progress
) -> list[Condition]:
    wrong = index.problems(KIND, policy)
    if wrong:
        return [invalid(wrong)]
    namespace = policy.metadata.namespace
    service = index.service(namespace, name)
    if service is None:
        return [condition("Accepted", False, "TargetNotFound", f"Service {namespace}/{name} does not exist")]
    holder = policies.backends.of(service)
    if holder is not None and holder.key != policy.key:
        message = f"Service {namespace}/{name} already has the older {holder.metadata.name!r}"
        return [condition("Accepted", False, "Conflicted", message)]
    said = [accepted(f"acts on Service {namespace}/{name}"), programmed(done)]
    if policy.spec.session_persistence is not None and has_affinity(service):
        message = "spec.sessionPersistence: contradicts the Service's sessionAffinity ClientIP and does not act"
        said.append(condition("PartiallyInvalid", True, "UnsupportedValue", message))
    return said
