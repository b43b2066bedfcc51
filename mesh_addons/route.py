"""Which rule decides on a request."""

from __future__ import annotations

from mitmproxy.http import HTTPFlow

from mesh_addons.answer import refuse
from mesh_addons.flow_view import decided, mesh_flow, request_view
from mesh_policy.route import find


class Route:
    """Finds the rule by the frontend's routes. No rule: 404. No routes at all: the Service's own rule, or its
    backend alone."""

    name = "mesh_route"

    def requestheaders(self, flow: HTTPFlow) -> None:
        if decided(flow):
            return
        mesh = mesh_flow(flow)
        if mesh.frontend.table is None:
            mesh.rule = mesh.frontend.rule
            mesh.backend = mesh.frontend.frontend.backend
            return
        found = find(mesh.frontend.table, request_view(flow))
        if found is None:
            refuse(flow, 404, "route-not-found")
            return
        mesh.rule, mesh.prefix = found.rule, found.prefix
