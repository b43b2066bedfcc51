"""Flows as mitmproxy makes them, at a third of the price: a request from HAProxy has an id, a random one is wasted."""

from __future__ import annotations

import uuid

from mitmproxy.connection import Client, Server
from mitmproxy.http import HTTPFlow, Request

_SERVER = Server(address=None)
"""HAProxy chooses the server: every flow shows the same empty one."""
_FRESH = vars(HTTPFlow(Client(peername=("", 0), sockname=("", 0)), _SERVER, True))
"""What HTTPFlow sets when it is made, whatever this version of mitmproxy sets."""


def new_flow(client: Client, request: Request, request_id: bytes | None) -> HTTPFlow:
    """A live flow with this request. `request_id`: HAProxy's; None: a random one."""
    flow = HTTPFlow.__new__(HTTPFlow)
    flow.__dict__.update(_FRESH)
    flow.id = str(uuid.uuid4()) if request_id is None else request_id.decode("latin-1")
    flow.client_conn = client
    flow.metadata = {}
    flow.request = request
    flow.timestamp_created = request.timestamp_start
    return flow
