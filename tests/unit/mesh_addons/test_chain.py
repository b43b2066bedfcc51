from __future__ import annotations

import asyncio
import time

import pytest

from mesh_addons import chain
from mesh_addons.mirror import RequestCopy
from tests.support.flows import draws, flow, frontends


class Nowhere:
    """Takes no copy."""

    def send(self, copy: RequestCopy) -> None:
        raise AssertionError(copy)

    def dropped(self, copies: int) -> None:
        raise AssertionError(copies)


ADDONS = chain.outbound_addons(chance=draws(0.0), sleep=asyncio.sleep, now=time.time, copies=Nowhere())


def test_the_order_of_addons() -> None:
    names = [getattr(addon, "name", None) for addon in ADDONS]
    assert names == [
        "mesh_route",
        "mesh_cors",
        "mesh_redirect",
        "mesh_rewrite",
        "mesh_filters",
        "mesh_mirror",
        "mesh_session",
        "mesh_split",
        "mesh_share",
        "mesh_fault",
    ]


@pytest.mark.parametrize("event", ["requestheaders", "request", "attempt"])
def test_every_hook_of_every_addon_fails_closed(event: str) -> None:
    for hook in getattr(chain.hooks(ADDONS), event):
        made = flow(frontends())
        made.metadata.clear()  # no addon can work without what `attach` put there
        hook(made)
        assert made.response is not None
        assert made.response.headers["x-mesh-error"] == "policy-failure"


def test_hooks_are_collected_in_order() -> None:
    called: list[str] = []

    class Addon:
        def __init__(self, name: str) -> None:
            self.name = name

        def response(self, _flow: object) -> None:
            called.append(self.name)

    hooks = chain.hooks([Addon("a"), object(), Addon("b")])
    for hook in hooks.response:
        hook(flow(frontends()))
    assert called == ["a", "b"]
    assert hooks.requestheaders == ()
