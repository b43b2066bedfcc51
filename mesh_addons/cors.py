"""Answers browsers that ask for permission, and writes the permission on the answers of backends."""

from __future__ import annotations

from mitmproxy.http import HTTPFlow

from mesh_addons.answer import no_content
from mesh_addons.flow_view import decided, fields_of, mesh_flow, request_view
from mesh_policy import cors
from mesh_policy.filters import HeaderChange


class Cors:
    """Acts on rules with a CORS filter."""

    name = "mesh_cors"

    def requestheaders(self, flow: HTTPFlow) -> None:
        if decided(flow):
            return
        mesh = mesh_flow(flow)
        if mesh.rule is None or (wanted := mesh.rule.rule.cors) is None:
            return
        request = request_view(flow)
        if cors.is_preflight(request):
            no_content(flow, cors.preflight(wanted, request))
            return
        origin = cors.allowed_origin(wanted, fields_of(flow))
        mesh.response_changes.append(HeaderChange(cors.answer(wanted, origin)))
