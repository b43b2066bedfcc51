"""Header changes of the rule: of the request before it is copied and split, of the answer after the backend's."""

from __future__ import annotations

from mitmproxy.http import HTTPFlow

from mesh_addons.flow_view import decided, mesh_flow


class Filters:
    """Applies the rule's header modifiers."""

    name = "mesh_filters"

    def requestheaders(self, flow: HTTPFlow) -> None:
        if decided(flow):
            return
        mesh = mesh_flow(flow)
        if mesh.rule is None:
            return
        if (change := mesh.rule.request_change) is not None:
            headers = flow.request.data.headers
            headers.fields = change(headers.fields)
        if (change := mesh.rule.response_change) is not None:
            mesh.response_changes.append(change)

    def responseheaders(self, flow: HTTPFlow) -> None:
        changes = mesh_flow(flow).response_changes
        if not changes or flow.response is None:
            return
        headers = flow.response.data.headers
        for change in changes:
            headers.fields = change(headers.fields)
