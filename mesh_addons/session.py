"""Sessions: a client goes back to the endpoint that it was at, whatever the weights say."""

from __future__ import annotations

from collections.abc import Callable

from mitmproxy.http import HTTPFlow

from mesh_addons.flow_view import decided, fields_of, mesh_flow
from mesh_policy import session


class Session:
    """Reads the client's token before the split, and tells it a new one with the answer.

    Args:
        now: seconds since 1970.
    """

    name = "mesh_session"

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def requestheaders(self, flow: HTTPFlow) -> None:
        if decided(flow):
            return
        mesh = mesh_flow(flow)
        if mesh.rule is None or mesh.rule.rule.session is None or mesh.rule.sessions is None:
            return
        mesh.session = session.find(mesh.rule.rule.session, mesh.rule.sessions, fields_of(flow), self._now())
        if mesh.session is not None:
            mesh.pinned = mesh.rule.sessions.places[mesh.session.key]

    def responseheaders(self, flow: HTTPFlow) -> None:
        mesh = mesh_flow(flow)
        if mesh.rule is None or mesh.rule.rule.session is None or mesh.rule.sessions is None or flow.response is None:
            return
        key = mesh.rule.sessions.keys.get((mesh.backend or "", mesh.endpoint))
        if key is None:
            return  # nobody answered, or somebody who is not there any more
        wanted, now = mesh.rule.rule.session, self._now()
        token = session.following(wanted, key, mesh.session, now)
        field = session.answer_field(wanted, token, mesh.session, now)
        if field is not None:
            headers = flow.response.data.headers
            kept = headers.fields
            if wanted.type == "Header":
                kept = tuple(one for one in kept if one[0].lower() != field[0])
            headers.fields = (*kept, field)
