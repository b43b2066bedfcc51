"""Answers browsers that ask for permission, and writes the permission on the answers of backends."""

from __future__ import annotations

from mitmproxy.http import HTTPFlow

from mesh_addons.answer import no_content
from mesh_addons.flow_view import MeshFlow, decided, fields_of, mesh_flow, request_view
from mesh_policy import cors, snapshot
from mesh_policy.filters import HeaderChange


class Cors:
    """Acts on rules with a CORS filter. Where a backend has one of its own, the share decides (mesh_addons.share)."""

    name = "mesh_cors"

    def requestheaders(self, flow: HTTPFlow) -> None:
        if decided(flow):
            return
        mesh = mesh_flow(flow)
        if mesh.rule is not None and mesh.rule.cors is not None:
            apply(mesh.rule.cors, flow, mesh)


def apply(wanted: snapshot.Cors, flow: HTTPFlow, mesh: MeshFlow) -> None:
    """Answer a preflight request; of others, remember what is to be said in the answer."""
    request = request_view(flow)
    if cors.is_preflight(request):
        no_content(flow, cors.preflight(wanted, request))
        return
    origin = cors.allowed_origin(wanted, fields_of(flow))
    mesh.response_changes.append(HeaderChange(cors.answer(wanted, origin)))
