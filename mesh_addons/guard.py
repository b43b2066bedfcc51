"""Addons fail closed: a hook that raises refuses the request. mitmproxy alone would log it and go on."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable

from mitmproxy.flow import Error
from mitmproxy.http import HTTPFlow

from mesh_addons.answer import refuse

Hook = Callable[[HTTPFlow], Awaitable[None] | None]
"""A hook of an addon: it acts at once, or returns an awaitable that the flow waits for."""

POLICY_FAILURE = "policy-failure"
_CAN_STILL_ANSWER = frozenset(("requestheaders", "request", "attempt", "responseheaders"))

logger = logging.getLogger(__name__)


def fail_closed(hook: Hook, *, addon: str, event: str) -> Hook:
    """The same hook, never raising: the request is answered with 500, or cut when its answer is on the way."""

    async def finish(pending: Awaitable[None], flow: HTTPFlow) -> None:
        try:
            await pending
        except Exception as error:
            _refuse(flow, addon, event, error)

    def guarded(flow: HTTPFlow) -> Awaitable[None] | None:
        try:
            pending = hook(flow)
        except Exception as error:
            _refuse(flow, addon, event, error)
            return None
        return None if pending is None else finish(pending, flow)

    return guarded


def _refuse(flow: HTTPFlow, addon: str, event: str, error: Exception) -> None:
    # The message of an exception may hold a header or a body: the log gets its type and place only.
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown place"
    logger.error("addon %s, hook %s: %s at %s; the request is refused", addon, event, type(error).__name__, place)
    if event in _CAN_STILL_ANSWER:
        refuse(flow, 500, POLICY_FAILURE)
    else:
        flow.error = Error(POLICY_FAILURE)
