"""TCP to the API server: a connection that leads nowhere any more is noticed, also while nothing is to be said."""

from __future__ import annotations

import socket

import aiohttp
from aiohttp.connector import AddrInfoType
from kubernetes.aio.client.rest import RESTClientObject

ASK_SECONDS, EVERY_SECONDS, TIMES = 15, 5, 3
"""After so much silence the other end is asked, and so often before it is given up: half a minute. A watch has nothing
to send; without this a replica whose network was cut serves what it knew until its reader's limit of 100 s."""
UNACKNOWLEDGED_MS = 30_000
"""The same for what was sent and never acknowledged."""


class Connections(RESTClientObject):
    """The client library's connections, asked whether they live."""

    def _create_connector(self) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(limit=self.maxsize, ssl=self.ssl_context, socket_factory=asking)


def asking(address: AddrInfoType) -> socket.socket:
    """A socket for this address, not connected yet."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, ASK_SECONDS),
        (socket.TCP_KEEPINTVL, EVERY_SECONDS),
        (socket.TCP_KEEPCNT, TIMES),
        (socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS),
    ):
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made
