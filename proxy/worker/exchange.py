"""One request and its answer: hooks in their order, bodies streamed in both directions at the same time. How it is sent
is in `attempts`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mitmproxy.flow import Error
from mitmproxy.http import Headers, HTTPFlow, Response

from mesh_addons import filters
from mesh_addons.answer import ERROR_HEADER, error_response, for_call
from mesh_addons.flow_view import MeshFlow, attach
from mesh_addons.frontends import Frontends
from mesh_addons.guard import POLICY_FAILURE, Hook
from mesh_policy import timeouts
from mesh_policy.request import Fields
from proxy.worker.attempts import Attempts
from proxy.worker.flows import new_flow
from proxy.worker.head import RequestHead, ResponseHead
from proxy.worker.hooks import after, run_hooks
from proxy.worker.link import Pause
from proxy.worker.reply import Reply, safe_trailers, through_stream
from proxy.worker.service import Service
from proxy.worker.timers import Timers
from proxy.worker.tunnel import Tunnel
from proxy.worker.upstream import place

if TYPE_CHECKING:
    from proxy.worker.downstream import Downstream

logger = logging.getLogger(__name__)


class Exchange:
    """A request of one downstream. Its attempts get an answer of a server, or it answers by itself."""

    __slots__ = (
        "_answer_head", "_attempts", "_head", "_mesh", "_service", "_task", "answered", "client", "ended", "flow",
        "reply", "request_read", "timers", "tunnel",
    )  # fmt: skip

    def __init__(self, service: Service, client: Downstream, head: RequestHead) -> None:
        self._service = service
        self.client = client
        self._head = head
        self.reply = Reply(service, client, head)
        self._mesh: MeshFlow | None = None
        self._attempts: Attempts | None = None
        """None: nothing has been sent."""
        self._task: asyncio.Future[None] | None = None
        self.timers = Timers(self._late)
        self._answer_head: ResponseHead | None = None
        self.request_read = head.framing == 0
        """The whole request has come from the client."""
        self.answered = False
        """The whole answer has been sent to the client."""
        self.ended = False
        """Nothing more will happen."""
        self.tunnel: Tunnel | None = None
        """Upgraded: bytes are passed as they are."""
        self.flow: HTTPFlow = new_flow(client.connection, head.request, head.internal.get(b"id"))

    # --- the request

    def begin(self) -> None:
        """The head has been read."""
        service = self._service
        service.counters.requests += 1
        given = self._head.internal.get(b"frontend")
        if given is None:
            self.refuse(503, "no-frontend")
            return
        name = given.decode("latin-1")
        if service.frontends is None or name not in service.frontends:
            self.hold(self._wait_for_frontend(name))
        else:
            self._attach(service.frontends, name)

    async def _wait_for_frontend(self, name: str) -> Callable[[], None]:
        frontends = await self._service.wait_for_frontend(name)
        if frontends is not None:
            return lambda: self._attach(frontends, name)
        reason = "no-configuration" if self._service.frontends is None else "unknown-frontend"
        return lambda: self.refuse(503, reason)

    def _attach(self, frontends: Frontends, name: str) -> None:
        internal = self._head.internal
        mesh = self._mesh = self.reply.mesh = attach(self.flow, frontends, frontends[name])
        mesh.http_version = internal.get(b"version", b"1")
        mesh.accepts_trailers = self._head.accepts_trailers
        mesh.call = self._head.call
        if (request_id := internal.get(b"id")) is not None:
            mesh.request_id = request_id
        self.run(self._service.hooks.requestheaders, self._after_requestheaders)
        self._limit()  # an addon may hold the request: it counts too

    def _limit(self) -> None:
        if self._mesh is not None and self._mesh.rule is not None and not (self.answered or self.ended):
            self.timers.request(self._mesh.rule.rule.timeouts)

    def _after_requestheaders(self) -> None:
        if not self._settled():
            self._limit()
            self.run(self._service.hooks.request if self.request_read else (), self._begin_attempts)

    def _begin_attempts(self) -> None:
        if self._settled():
            return
        mesh = self._mesh
        if mesh is None or mesh.backend is None:
            self.refuse(500, "no-backend")
            return
        self._attempts = Attempts(self._service, self, self._head, mesh, mesh.backend)
        self._attempts.begin()

    def on_request_content(self, content: bytes, end: bool, trailers: Fields) -> None:
        """A piece of the request's body has been read; `end` exactly once."""
        self.request_read = end
        self.flow.request.data.timestamp_end = time.time()
        attempts = self._attempts
        if self.answered or attempts is None:
            return
        stream = self.flow.request.stream
        if callable(stream):
            content = through_stream(stream, content, end)
        if not end:
            attempts.content(content)
            return
        if trailers:
            self.flow.request.data.trailers = Headers(trailers)
        self.run(self._service.hooks.request, lambda: self._end_request(attempts, content))

    def _end_request(self, attempts: Attempts, content: bytes) -> None:
        if not self._settled():
            trailers = self.flow.request.data.trailers
            attempts.end(content, trailers.fields if trailers else ())

    # --- the answer, in the order of the wire

    def on_head(self, head: ResponseHead) -> None:
        self._answer_head = head
        self.flow.response = head.response
        self.run(self._service.hooks.responseheaders, lambda: self._after_responseheaders(head))

    def _after_responseheaders(self, head: ResponseHead) -> None:
        if self.failed():
            return
        if self.flow.response is not head.response:
            self.answer_here()
            return
        try:
            self.reply.head(head.response, head, request_read=self.request_read)
        except ValueError:
            self.unfit("response")

    def on_content(self, content: bytes, end: bool, trailers: Fields) -> None:
        response = self.flow.response
        if end and trailers and response is not None:
            response.data.trailers = Headers(trailers)
        if response is None or self.answered or self.ended:
            return
        response.data.timestamp_end = time.time()
        if callable(response.stream):
            content = through_stream(response.stream, content, end)
        if end:
            self.run(self._service.hooks.response, lambda: self._finish(response, content))
            return
        try:
            self.reply.content(content)
        except ValueError:
            self.unfit("response")

    def _finish(self, response: Response, content: bytes) -> None:
        if self.failed():
            return
        trailers = response.data.trailers
        try:
            self.reply.end(content, safe_trailers(trailers.fields) if trailers else ())
        except ValueError:
            self.unfit("response")
            return
        self._answered()

    def on_upgrade(self, head: ResponseHead) -> None:
        upstream = None if self._attempts is None else self._attempts.upstream
        if self._head.upgrade is None or not self.request_read or head.upgrade is None or upstream is None:
            self.on_lost("unexpected-upgrade")
            return
        self.flow.response = head.response
        self._service.counters.upgrades += 1
        self.timers.upgraded()
        self.tunnel = Tunnel(self.client, upstream, lambda: self.on_lost("tunnel-ended"))
        self.reply.upgrade(head.response, head.upgrade)
        self.client.begin_tunnel()

    # --- answers of the worker itself

    def refuse(self, status: int, reason: str) -> None:
        """Answer in the backend's place; if an answer has begun, cut it."""
        self.flow.response = error_response(status, reason)
        self.answer_here()

    def unfit(self, what: str) -> None:
        logger.error("an addon made a %s head that cannot be sent; the request is refused", what)
        self.refuse(500, POLICY_FAILURE)

    def _settled(self) -> bool:
        """An addon has answered or failed, or the exchange is over: the request goes no further."""
        if self.failed() or self.answered:
            return True
        response = self.flow.response
        if response is None or (self._answer_head is not None and response is self._answer_head.response):
            return False  # a server may answer before it has read the whole request
        self.answer_here()
        return True

    def failed(self) -> bool:
        if not self.ended and self.flow.error is not None:
            self._service.counters.policy_failures += 1
            self.abort(self.flow.error.msg)
        return self.ended

    def answer_here(self) -> None:
        """Send `flow.response`, which no server gave."""
        response = self.flow.response
        if response is None or self.reply.started:
            self.abort("answer-cut")  # too late to say anything else
            return
        self._drop()
        for_client = for_call(response) if self._head.call else None
        if for_client is not None:
            response = self.flow.response = for_client
        if self._mesh is not None:
            filters.change_answer(self.flow)
        counters = self._service.counters
        counters.answered_here += 1
        counters.policy_failures += (ERROR_HEADER, POLICY_FAILURE.encode()) in response.data.headers.fields
        try:
            self.reply.whole(response, request_read=self.request_read, refused_call=for_client is not None)
        except ValueError:
            logger.error("an addon made an answer that cannot be sent; the connection is cut")
            self.abort(POLICY_FAILURE)
            return
        self._answered()

    def _answered(self) -> None:
        self.answered = True
        self.flow.live = False
        self.timers.stop()
        self._drop()
        self.client.on_answered(self)
        if self._task is not None:
            self._stop_waiting()

    # --- the end by force

    def on_lost(self, reason: str) -> None:
        """The server's connection ended, and no attempt follows."""
        self._drop()
        if self.ended or self.answered:
            return
        if self.tunnel is not None:
            self.client.close()
            self.abort(reason)
            return
        self._service.counters.upstream_failures += 1
        self.refuse(502, reason)

    def _late(self, reason: str) -> None:
        """A limit of the rule has passed: another attempt, 504, or the end of an answer that has begun."""
        if self._attempts is None or not self._attempts.late(reason):
            self.too_late(reason)

    def too_late(self, reason: str) -> None:
        """504, or the end of an answer that has begun."""
        self._service.counters.timeouts += 1
        self.refuse(timeouts.STATUS, reason)

    def _stop_waiting(self) -> None:
        """There is an answer: what was waited for does not matter any more."""
        waiting, self._task = self._task, None
        if waiting is not None:
            asyncio.get_running_loop().call_soon(waiting.cancel)  # not at once: as in `abort`
            self.client.release_hold()

    def abort(self, reason: str) -> None:
        """End both sides at once: an answer that was cut must never look complete."""
        if self.ended:
            return
        self.ended = True
        self.flow.live = False
        self.timers.stop()
        if self._task is not None:
            # Not at once: a task that never ran would leave the addon's coroutine without anyone who awaits it.
            asyncio.get_running_loop().call_soon(self._task.cancel)
        self._drop()
        self.client.abort()
        if self.answered:
            return
        self.flow.error = self.flow.error or Error(reason)
        for hook in self._service.hooks.error:
            pending = hook(self.flow)
            if pending is not None:
                self._task = asyncio.ensure_future(pending)

    def _drop(self) -> None:
        if self._mesh is not None and self._mesh.copied_body is not None:
            self._mesh.copied_body.release()
        if self._attempts is not None:
            self._attempts.drop()

    # --- waiting

    def on_client_writable(self, writable: bool) -> None:
        """The client takes no more, or again."""
        if self._attempts is not None and self._attempts.upstream is not None:
            self._attempts.upstream.stop_reading(Pause.PEER, not writable)

    def run(self, hooks: tuple[Hook, ...], then: Callable[[], None]) -> None:
        """Call hooks in order, then go on; while one waits neither side is read."""
        pending = run_hooks(hooks, self.flow)
        if pending is None:
            then()
        else:
            self.hold(after(pending, then))

    @property
    def waiting(self) -> bool:
        """An addon is asked, a connection is made, or a pause is on."""
        return self._task is not None

    def hold(self, waiting: Awaitable[Callable[[], None]]) -> None:
        """Wait, then do what it gives. What was waited for before does not matter any more."""
        self.client.hold()
        if self._attempts is not None and self._attempts.upstream is not None:
            self._attempts.upstream.hold()
        if self._task is not None:
            asyncio.get_running_loop().call_soon(self._task.cancel)
        self._task = asyncio.ensure_future(self._resume_after(waiting))

    async def _resume_after(self, waiting: Awaitable[Callable[[], None]]) -> None:
        try:
            then = await waiting
            if self._task is not asyncio.current_task():
                return  # it was late: something else has been decided meanwhile
            self._task = None
            if not self.ended:
                then()
        except Exception as error:
            logger.error("request given up: %s at %s", type(error).__name__, place(error))
            self._task = None
            self.abort("worker-failure")
        if self._task is None:
            if self._attempts is not None and self._attempts.upstream is not None:
                self._attempts.upstream.release_hold()
            self.client.release_hold()
