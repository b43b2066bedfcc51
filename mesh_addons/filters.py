"""Header changes of the rule: of the request before it is copied and split, of the answer after the backend's."""

from __future__ import annotations

from mitmproxy.http import HTTPFlow

from mesh_addons.flow_view import decided, mesh_flow


class Filters:
    """Applies the rule's header modifiers."""

    name = "mesh_filters"

    def requestheaders(self, flow: HTTPFlow) -> None:
        mesh = mesh_flow(flow)
        if mesh.rule is None:
            return
        if (change := mesh.rule.response_change) is not None:
            mesh.response_changes.append(change)  # also of an answer that is given here
        if (change := mesh.rule.request_change) is not None and not decided(flow):
            headers = flow.request.data.headers
            headers.fields = change(headers.fields)

    def responseheaders(self, flow: HTTPFlow) -> None:
        change_answer(flow)


def change_answer(flow: HTTPFlow) -> None:
    """Make the rule's and the backend's changes to an answer, once: to a server's, and to one of the mesh itself (a
    page must be able to read a 504)."""
    mesh, response = mesh_flow(flow), flow.response
    if response is None or response is mesh.changed_answer:
        return
    mesh.changed_answer = response
    headers = response.data.headers
    for change in mesh.response_changes:
        headers.fields = change(headers.fields)
