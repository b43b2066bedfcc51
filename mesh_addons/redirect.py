"""Rules that answer with another address."""

from __future__ import annotations

from mitmproxy.http import HTTPFlow

from mesh_addons.answer import redirect
from mesh_addons.flow_view import decided, mesh_flow, request_view
from mesh_policy.redirect import location


class Redirect:
    """Answers with the rule's redirect."""

    name = "mesh_redirect"

    def requestheaders(self, flow: HTTPFlow) -> None:
        if decided(flow):
            return
        mesh = mesh_flow(flow)
        if mesh.rule is None or (wanted := mesh.rule.rule.redirect) is None:
            return
        port = mesh.frontend.frontend.port
        redirect(flow, wanted.status, location(wanted, request_view(flow), mesh.prefix, port))
