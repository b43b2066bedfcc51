"""Host and path as the backend sees them: the rule's change, which copies have too, then the backend's own."""

from __future__ import annotations

from mitmproxy.http import HTTPFlow

from mesh_addons.flow_view import MeshFlow, decided, mesh_flow
from mesh_policy import rewrite
from mesh_policy.snapshot import Rewrite as Change


class Rewrite:
    """Applies the rule's rewrite."""

    name = "mesh_rewrite"

    def requestheaders(self, flow: HTTPFlow) -> None:
        if decided(flow):
            return
        mesh = mesh_flow(flow)
        if mesh.rule is not None and mesh.rule.rule.rewrite is not None:
            apply(mesh.rule.rule.rewrite, flow, mesh)


def apply(change: Change, flow: HTTPFlow, mesh: MeshFlow) -> None:
    """Change host and path of a request. The prefix that matched is replaced once: then it is no longer there."""
    data = flow.request.data
    if change.path is not None:
        data.path = rewrite.changed_target(change.path, data.path, mesh.prefix)
        mesh.prefix = None
    if change.hostname is not None:
        data.headers.fields = rewrite.changed_host(change.hostname, data.headers.fields)
