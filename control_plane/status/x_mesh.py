"""Status of an XMesh that is ours: it is accepted, and what the mesh can do."""

from __future__ import annotations

from typing import Any

from control_plane.kinds.x_mesh import SUPPORTED_FEATURES, XMesh
from control_plane.status.conditions import accepted, condition, merged, plain


def status(obj: XMesh, now: str) -> dict[str, Any] | None:
    """The fields to write; None: nothing differs, or it is another mesh's."""
    if not obj.is_ours:
        return None
    said = accepted(f"the mesh of {obj.spec.controller_name}")
    if obj.spec.parameters_ref is not None:
        wrong = "spec.parametersRef: the mesh takes no parameters there, MeshConfig default has them: leave it out"
        said = condition("Accepted", False, "InvalidParameters", wrong)
    old = plain(obj.status.conditions) if obj.status else []
    features = [{"name": name} for name in sorted(SUPPORTED_FEATURES)]
    wanted = {
        "conditions": merged(old, [said], obj.metadata.generation, now, ours=frozenset(("Accepted",))),
        "supportedFeatures": features,
    }
    known = [{"name": one.name} for one in obj.status.supported_features] if obj.status else []
    return None if (wanted["conditions"], features) == (old, known) else wanted
