"""Calls the hooks of an event in their order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from mitmproxy.http import HTTPFlow

from mesh_addons.guard import Hook


def run_hooks(hooks: tuple[Hook, ...], flow: HTTPFlow) -> Awaitable[None] | None:
    """Call them until one waits. None: all are done; else what to await until they are."""
    for index, hook in enumerate(hooks):
        pending = hook(flow)
        if pending is not None:
            return _rest(pending, hooks[index + 1 :], flow)
    return None


async def _rest(pending: Awaitable[None], hooks: tuple[Hook, ...], flow: HTTPFlow) -> None:
    await pending
    for hook in hooks:
        following = hook(flow)
        if following is not None:
            await following


async def after(pending: Awaitable[None], then: Callable[[], None]) -> Callable[[], None]:
    """What to do when the waiting is over."""
    await pending
    return then
