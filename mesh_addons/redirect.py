"""Rules that answer with another address."""

from __future__ import annotations

from mitmproxy.http import HTTPFlow

from mesh_addons.answer import redirect
from mesh_addons.flow_view import MeshFlow, decided, mesh_flow, request_view
from mesh_policy import snapshot
from mesh_policy.redirect import location


class Redirect:
    """Answers with the rule's redirect."""

    name = "mesh_redirect"

    def requestheaders(self, flow: HTTPFlow) -> None:
        if decided(flow):
            return
        mesh = mesh_flow(flow)
        if mesh.rule is not None and mesh.rule.rule.redirect is not None:
            apply(mesh.rule.rule.redirect, flow, mesh)


def apply(wanted: snapshot.Redirect, flow: HTTPFlow, mesh: MeshFlow) -> None:
    """Answer with the address that the request is sent to."""
    port = mesh.frontend.frontend.port
    redirect(flow, wanted.status, location(wanted, request_view(flow), mesh.prefix, port))
