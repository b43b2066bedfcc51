"""What the chosen backend's own filters do, after the rule's (Gateway API, HTTPBackendRef.filters)."""

from __future__ import annotations

from mitmproxy.http import HTTPFlow

from mesh_addons import cors, redirect, rewrite
from mesh_addons.flow_view import decided, mesh_flow
from mesh_addons.mirror import Mirror


class Share:
    """Applies the filters of a backendRef, in the order that the rule's have.

    Args:
        mirror: makes the copies.
    """

    name = "mesh_share"

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror

    def requestheaders(self, flow: HTTPFlow) -> None:
        if decided(flow):
            return
        mesh = mesh_flow(flow)
        share = mesh.share
        if share is None or share.is_plain:
            return
        if share.response_change is not None:
            mesh.response_changes.insert(0, share.response_change)  # also of an answer that is given here
        if share.cors is not None:
            cors.apply(share.cors, flow, mesh)
        if share.backend.redirect is not None and not decided(flow):
            redirect.apply(share.backend.redirect, flow, mesh)
        if decided(flow):
            return
        if share.backend.rewrite is not None:
            rewrite.apply(share.backend.rewrite, flow, mesh)
        if share.request_change is not None:
            headers = flow.request.data.headers
            headers.fields = share.request_change(headers.fields)
        if share.backend.mirrors:
            self._mirror.record(share.backend.mirrors, flow, mesh)
