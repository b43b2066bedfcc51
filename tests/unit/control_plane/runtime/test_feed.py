"""A list replaces what was known of a kind."""

from __future__ import annotations

import json

from control_plane.compile.workload import Compiler
from control_plane.kinds.registry import decode
from control_plane.runtime.feed import Feed
from control_plane.serve.hub import Hub
from control_plane.serve.metrics import Metrics
from tests.support.cluster import SHOP, a_service, an_index


async def test_what_is_not_in_the_list_is_gone() -> None:
    index = an_index(*SHOP)
    feed = Feed(index, Hub(index, Compiler(index), Metrics()))
    feed.replace("Service", [decode("Service", json.dumps(a_service("new", "10.96.0.99")).encode())])
    assert [service.metadata.name for service in index.services()] == ["new"]
    assert index.pod("shop", "web-1") is not None
