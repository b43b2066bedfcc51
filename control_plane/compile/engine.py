"""Which engine serves a frontend. Chosen here, never per request, and with a reason that people can read."""

from __future__ import annotations

from typing import get_args

from control_plane.index.store import Index
from control_plane.kinds.mesh_config import EngineChoice
from control_plane.kinds.pod import ENGINE_ANNOTATION, Pod
from mesh_policy.snapshot import Engine, HttpRoutes, Protocol, Rule

_CHOICES: dict[str, EngineChoice] = {choice: choice for choice in get_args(EngineChoice)}


def wanted(index: Index, pod: Pod) -> EngineChoice:
    """What the pod's annotation asks for, else MeshConfig."""
    return _CHOICES.get(pod.metadata.annotations.get(ENGINE_ANNOTATION, ""), index.mesh.spec.engine)


def engine(
    choice: EngineChoice, protocol: Protocol, routes: HttpRoutes | None, rule: Rule | None
) -> tuple[Engine, str]:
    """The engine and why. Rules need the worker; a wish for `native` does not change what they mean."""
    if protocol == "tcp":
        return "native", "not HTTP"
    needs = "the rules of routes run" if routes is not None else _policies(rule) if rule is not None else ""
    if needs:
        return "python", f"{needs} in the worker" + (", although native is asked for" if choice == "native" else "")
    if choice == "python" and protocol != "detect":
        return "python", "engine: python is asked for"
    return "native", "no route, and no policy that needs the worker"


def _policies(rule: Rule) -> str:
    said = [name for name in ("timeouts", "retry", "faults") if getattr(rule, name)]
    return f"what policies say ({', '.join(said)}) runs"
