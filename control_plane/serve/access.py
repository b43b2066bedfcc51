"""Who is calling the control plane: the bearer token, as the API server reads it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from control_plane.kube.token_review import MAX_TOKEN, Caller

GOOD_SECONDS = 60.0
"""A token that was good is believed this long; a deleted pod's token works at most so much longer."""
BAD_SECONDS = 5.0
MAX_TOKENS = 8192
MAX_REVIEWS = 32
"""Questions to the API server at the same time."""

Review = Callable[[str], Awaitable[Caller | None]]


class Access:
    """Token reviews, remembered for a short time under the token's hash."""

    def __init__(self, review: Review, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._review = review
        self._monotonic = monotonic
        self._known: OrderedDict[bytes, tuple[float, Caller | None]] = OrderedDict()
        self._slots = asyncio.Semaphore(MAX_REVIEWS)

    async def caller(self, authorization: str) -> Caller | None:
        """Who sent this `Authorization` header; None: nobody we know.

        Raises:
            KubeError: the API server did not answer.
        """
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > MAX_TOKEN:
            return None
        key = hashlib.sha256(token.encode()).digest()
        known = self._known.get(key)
        if known is not None and known[0] > self._monotonic():
            return known[1]
        async with self._slots:
            caller = await self._review(token)
        self._known[key] = (self._monotonic() + (GOOD_SECONDS if caller else BAD_SECONDS), caller)
        self._known.move_to_end(key)
        while len(self._known) > MAX_TOKENS:
            self._known.popitem(last=False)
        return caller
