"""THE order of addons, and the list of hooks that the worker calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from mesh_addons.cors import Cors
from mesh_addons.fault import Fault
from mesh_addons.filters import Filters
from mesh_addons.guard import Hook, fail_closed
from mesh_addons.mirror import CopySink, Mirror
from mesh_addons.redirect import Redirect
from mesh_addons.rewrite import Rewrite
from mesh_addons.route import Route
from mesh_addons.session import Session
from mesh_addons.share import Share
from mesh_addons.split import Split


class Hooks(NamedTuple):
    """The hooks of all addons by event, in order, each of them guarded. Their names are mitmproxy's, but for
    `attempt`."""

    requestheaders: tuple[Hook, ...] = ()
    """The head of the request is there: all decisions are made here, bodies are streamed."""
    attempt: tuple[Hook, ...] = ()
    """Before every attempt is sent, the first one too. Not an event of mitmproxy. An answer that is given here stands
    for what the backend would say, and may be followed by another attempt: what an addon leaves in the flow must not
    pile up."""
    request: tuple[Hook, ...] = ()
    """The request has been read whole; its last bytes have not been sent yet."""
    responseheaders: tuple[Hook, ...] = ()
    response: tuple[Hook, ...] = ()
    """The answer has been read whole; its last bytes have not been sent yet."""
    error: tuple[Hook, ...] = ()
    """The flow ended without a whole answer."""


def outbound_addons(
    *,
    chance: Callable[[], float],
    sleep: Callable[[float], Awaitable[None]],
    now: Callable[[], float],
    copies: CopySink,
) -> tuple[object, ...]:
    """The addons of requests that leave a workload."""
    mirror = Mirror(chance, copies)
    return (
        Route(),  # first: everything else acts on the rule that it finds
        Cors(),  # a browser's question is answered before the request could go anywhere
        Redirect(),  # by what the client sent, before anything of it is changed
        Rewrite(),
        Filters(),  # the rule's header changes are part of what is copied and split
        mirror,  # before the split: a copy has nothing of a backend's own changes
        Session(now),  # before the split, which it goes before
        Split(chance),  # names the backend
        Share(mirror),  # the backend's own filters
        Fault(chance, sleep),  # in each attempt: it stands for what the chosen backend would do
    )


def hooks(addons: Sequence[object]) -> Hooks:
    """Collect the hooks of addons; every one of them fails closed."""
    return Hooks(*(tuple(_guarded(addons, event)) for event in Hooks._fields))


def _guarded(addons: Sequence[object], event: str) -> list[Hook]:
    return [
        fail_closed(hook, addon=str(getattr(addon, "name", type(addon).__name__)), event=event)
        for addon in addons
        if (hook := getattr(addon, event, None)) is not None
    ]
