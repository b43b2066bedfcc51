from __future__ import annotations

from mitmproxy.connection import Client, Server
from mitmproxy.http import Headers, HTTPFlow, Request

from proxy.worker.flows import new_flow

CLIENT = Client(peername=("worker.sock", 0), sockname=("worker.sock", 0))
REQUEST = Request("", 0, b"GET", b"http", b"", b"/", b"HTTP/1.1", Headers(), None, None, 1.5, None)


def test_a_flow_is_as_mitmproxy_makes_it() -> None:
    ours, theirs = new_flow(CLIENT, REQUEST, b"id-1"), HTTPFlow(CLIENT, Server(address=None), True)
    theirs.request = REQUEST
    own = ("id", "server_conn", "timestamp_created")
    assert {key: value for key, value in vars(ours).items() if key not in own} == {
        key: value for key, value in vars(theirs).items() if key not in own
    }
    assert (ours.id, ours.live, ours.server_conn.address, ours.timestamp_created) == ("id-1", True, None, 1.5)
    assert ours.get_state().keys() == theirs.get_state().keys()


def test_two_flows_share_nothing_that_changes() -> None:
    one, other = new_flow(CLIENT, REQUEST, None), new_flow(CLIENT, REQUEST, None)
    one.metadata["a"] = 1
    assert other.metadata == {}
    assert one.id != other.id
