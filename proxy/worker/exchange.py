"""One request and its answer: hooks in their order, bodies streamed in both directions at the same time."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mitmproxy.connection import Server
from mitmproxy.flow import Error
from mitmproxy.http import Headers, HTTPFlow, Response

from mesh_addons.answer import ERROR_HEADER, error_response
from mesh_addons.flow_view import MeshFlow, attach
from mesh_addons.frontends import Frontends
from mesh_addons.guard import POLICY_FAILURE, Hook
from mesh_policy import timeouts
from mesh_policy.request import Fields
from proxy.worker.body import CHUNKED, chunk, last_chunk
from proxy.worker.head import RequestHead, ResponseHead, internal_fields, write_request
from proxy.worker.hooks import after, run_hooks
from proxy.worker.link import Pause
from proxy.worker.reply import Reply, safe_trailers, through_stream
from proxy.worker.service import Service
from proxy.worker.timers import Timers
from proxy.worker.tunnel import Tunnel
from proxy.worker.upstream import Upstream, place

if TYPE_CHECKING:
    from proxy.worker.downstream import Downstream

logger = logging.getLogger(__name__)

_SERVER = Server(address=None)
"""HAProxy chooses the server: every flow shows the same empty one."""
_RETRIED_METHODS = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))
"""Idempotent (RFC 9110 9.2.2): may be sent again when a kept connection turned out to be closed."""


class Exchange:
    """A request of one downstream. It borrows an upstream (as its Borrower), or answers by itself."""

    __slots__ = (
        "_answer_head", "_body_sent", "_client", "_head", "_mesh", "_service", "_task", "_timers", "_upstream",
        "answered", "ended", "flow", "reply", "request_read", "tunnel",
    )  # fmt: skip

    def __init__(self, service: Service, client: Downstream, head: RequestHead) -> None:
        self._service = service
        self._client = client
        self._head = head
        self.reply = Reply(service, client, head)
        self._mesh: MeshFlow | None = None
        self._upstream: Upstream | None = None
        self._task: asyncio.Future[None] | None = None
        self._timers = Timers(self._late)
        self._answer_head: ResponseHead | None = None
        self._body_sent = False
        """Something of the request's body has been sent: it cannot be sent again."""
        self.request_read = head.framing == 0
        """The whole request has come from the client."""
        self.answered = False
        """The whole answer has been sent to the client."""
        self.ended = False
        """Nothing more will happen."""
        self.tunnel: Tunnel | None = None
        """Upgraded: bytes are passed as they are."""
        self.flow = flow = HTTPFlow(client.connection, _SERVER, True)
        flow.request = head.request

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
            self._hold(self._wait_for_frontend(name))
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
        if (request_id := internal.get(b"id")) is not None:
            mesh.request_id = request_id
            self.flow.id = request_id.decode("latin-1")
        self._run(self._service.hooks.requestheaders, self._after_requestheaders)
        if mesh.rule is not None and not (self.answered or self.ended):  # a fault may hold the request: it counts too
            self._timers.request(mesh.rule.rule.timeouts)

    def _after_requestheaders(self) -> None:
        if not self._settled():
            self._run(self._service.hooks.request if self.request_read else (), self._attempt)

    def _attempt(self) -> None:
        if not self._settled():
            self._run(self._service.hooks.attempt, self._connect)

    def _connect(self) -> None:
        if self._settled():
            return
        if self._mesh is None or self._mesh.backend is None:
            self.refuse(500, "no-backend")
            return
        upstream = self._service.pool.take()
        if upstream is not None:
            self._send_head(upstream, self._mesh, self._mesh.backend)
        else:
            self._hold(self._connect_anew(self._mesh, self._mesh.backend))

    async def _connect_anew(self, mesh: MeshFlow, backend: str) -> Callable[[], None]:
        try:
            upstream = await self._service.pool.connect()
        except OSError:
            self._service.counters.upstream_failures += 1
            return lambda: self.refuse(503, "upstream-unavailable")
        if self.ended or self.answered:
            upstream.abort()
        return lambda: self._send_head(upstream, mesh, backend)

    def _send_head(self, upstream: Upstream, mesh: MeshFlow, backend: str) -> None:
        head = self._head
        try:
            data = write_request(head, internal_fields(backend, mesh.http_version, mesh.request_id))
        except ValueError:
            upstream.close()
            self._unfit("request")
            return
        self._upstream = upstream
        upstream.begin(self, head.request.data.method, mesh.bytes_per_second)
        upstream.sent_all = self.request_read
        if self._client.full:
            upstream.pause(Pause.PEER)
        upstream.write(data)
        if mesh.rule is not None:
            self._timers.backend(mesh.rule.rule.timeouts)

    def on_request_content(self, content: bytes, end: bool, trailers: Fields) -> None:
        """A piece of the request's body has been read; `end` exactly once."""
        self.request_read = end
        self.flow.request.data.timestamp_end = time.time()
        if self.answered or self._upstream is None:
            return
        stream = self.flow.request.stream
        if callable(stream):
            content = through_stream(stream, content, end)
        if not end:
            self._send_content(content)
            return
        if trailers:
            self.flow.request.data.trailers = Headers(trailers)
        self._run(self._service.hooks.request, lambda: self._send_tail(content))

    def _send_content(self, content: bytes) -> None:
        if self._upstream is not None and content:
            self._body_sent = True
            self._upstream.write(chunk(content) if self._head.framing == CHUNKED else content)

    def _send_tail(self, content: bytes) -> None:
        if self._settled() or self._upstream is None:
            return
        self._send_content(content)
        self._body_sent = True
        if self._head.framing == CHUNKED:
            trailers = self.flow.request.data.trailers
            self._upstream.write(last_chunk(safe_trailers(trailers.fields) if trailers else ()))
        self._upstream.sent_all = True

    # --- the answer, in the order of the wire

    def on_informational(self, response: Response) -> None:
        self.reply.informational(response)

    def on_head(self, head: ResponseHead) -> None:
        self._answer_head = head
        self.flow.response = head.response
        self._run(self._service.hooks.responseheaders, lambda: self._after_responseheaders(head))

    def _after_responseheaders(self, head: ResponseHead) -> None:
        if self._failed():
            return
        if self.flow.response is not head.response:
            self._answer_here()
            return
        try:
            self.reply.head(head.response, head, request_read=self.request_read)
        except ValueError:
            self._unfit("response")

    def on_content(self, content: bytes, end: bool, trailers: Fields) -> None:
        response = self.flow.response
        if end:
            self._upstream = None
            self._client.resume(Pause.PEER)
            if trailers and response is not None:
                response.data.trailers = Headers(trailers)
        if response is None or self.answered or self.ended:
            return
        response.data.timestamp_end = time.time()
        if callable(response.stream):
            content = through_stream(response.stream, content, end)
        if end:
            self._run(self._service.hooks.response, lambda: self._finish(response, content))
            return
        try:
            self.reply.content(content)
        except ValueError:
            self._unfit("response")

    def _finish(self, response: Response, content: bytes) -> None:
        if self._failed():
            return
        trailers = response.data.trailers
        try:
            self.reply.end(content, safe_trailers(trailers.fields) if trailers else ())
        except ValueError:
            self._unfit("response")
            return
        self._answered()

    def on_upgrade(self, head: ResponseHead) -> None:
        if self._head.upgrade is None or not self.request_read or head.upgrade is None or self._upstream is None:
            self.on_lost("unexpected-upgrade", untouched=False)
            return
        self.flow.response = head.response
        self._service.counters.upgrades += 1
        self._timers.stop()
        self.tunnel = Tunnel(self._client, self._upstream, lambda: self.on_lost("tunnel-ended", untouched=False))
        self.reply.upgrade(head.response, head.upgrade)
        self._client.begin_tunnel()

    def on_tunnel(self, data: bytes) -> None:
        if self.tunnel is not None:
            self.tunnel.to_client(data)

    # --- answers of the worker itself

    def refuse(self, status: int, reason: str) -> None:
        """Answer in the backend's place; if an answer has begun, cut it."""
        self.flow.response = error_response(status, reason)
        self._answer_here()

    def _unfit(self, what: str) -> None:
        logger.error("an addon made a %s head that cannot be sent; the request is refused", what)
        self.refuse(500, POLICY_FAILURE)

    def _settled(self) -> bool:
        """An addon has answered or failed, or the exchange is over: the request goes no further."""
        if self._failed() or self.answered:
            return True
        response = self.flow.response
        if response is None or (self._answer_head is not None and response is self._answer_head.response):
            return False  # a server may answer before it has read the whole request
        self._answer_here()
        return True

    def _failed(self) -> bool:
        if not self.ended and self.flow.error is not None:
            self._service.counters.policy_failures += 1
            self.abort(self.flow.error.msg)
        return self.ended

    def _answer_here(self) -> None:
        """Send `flow.response`, which no server gave."""
        response = self.flow.response
        if response is None or self.reply.started:
            self.abort("answer-cut")  # too late to say anything else
            return
        self._drop_upstream()
        counters = self._service.counters
        counters.answered_here += 1
        counters.policy_failures += (ERROR_HEADER, POLICY_FAILURE.encode()) in response.data.headers.fields
        try:
            self.reply.whole(response, request_read=self.request_read)
        except ValueError:
            logger.error("an addon made an answer that cannot be sent; the connection is cut")
            self.abort(POLICY_FAILURE)
            return
        self._answered()

    def _answered(self) -> None:
        self.answered = True
        self.flow.live = False
        self._timers.stop()
        self._drop_upstream()
        self._client.on_answered(self)

    # --- the end by force

    def on_lost(self, reason: str, *, untouched: bool) -> None:
        self._drop_upstream()
        if self.ended or self.answered:
            return
        if self.tunnel is not None:
            self._client.close()
            self.abort(reason)
            return
        mesh = self._mesh
        retriable = untouched and not self._body_sent and self._head.request.data.method in _RETRIED_METHODS
        if retriable and mesh is not None and mesh.backend is not None:
            self._service.counters.retries += 1
            self._hold(self._connect_anew(mesh, mesh.backend))
            return
        self._service.counters.upstream_failures += 1
        self.refuse(502, reason)

    def _late(self, reason: str) -> None:
        """A limit of the rule has passed: 504, or the end of an answer that has begun."""
        self._service.counters.timeouts += 1
        waiting, self._task = self._task, None
        self.refuse(timeouts.STATUS, reason)
        if waiting is not None:
            asyncio.get_running_loop().call_soon(waiting.cancel)  # not at once: as in `abort`
            self._client.release_hold()

    def abort(self, reason: str) -> None:
        """End both sides at once: an answer that was cut must never look complete."""
        if self.ended:
            return
        self.ended = True
        self.flow.live = False
        self._timers.stop()
        if self._task is not None:
            # Not at once: a task that never ran would leave the addon's coroutine without anyone who awaits it.
            asyncio.get_running_loop().call_soon(self._task.cancel)
        self._drop_upstream()
        self._client.abort()
        if self.answered:
            return
        self.flow.error = self.flow.error or Error(reason)
        for hook in self._service.hooks.error:
            pending = hook(self.flow)
            if pending is not None:
                self._task = asyncio.ensure_future(pending)

    def _drop_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.abandon()
            self._client.resume(Pause.PEER)

    # --- waiting

    def on_writable(self, writable: bool) -> None:
        self._client.stop_reading(Pause.PEER, not writable)

    def on_client_writable(self, writable: bool) -> None:
        """The client takes no more, or again."""
        if self._upstream is not None:
            self._upstream.stop_reading(Pause.PEER, not writable)

    def _run(self, hooks: tuple[Hook, ...], then: Callable[[], None]) -> None:
        """Call hooks in order, then go on; while one waits neither side is read."""
        pending = run_hooks(hooks, self.flow)
        if pending is None:
            then()
        else:
            self._hold(after(pending, then))

    def _hold(self, waiting: Awaitable[Callable[[], None]]) -> None:
        self._client.hold()
        if self._upstream is not None:
            self._upstream.hold()
        self._task = asyncio.ensure_future(self._resume_after(waiting))

    async def _resume_after(self, waiting: Awaitable[Callable[[], None]]) -> None:
        try:
            then = await waiting
            if self.answered:
                return  # it was late: the client has its answer, and may have asked again
            self._task = None
            if not self.ended:
                then()
        except Exception as error:
            logger.error("request given up: %s at %s", type(error).__name__, place(error))
            self._task = None
            self.abort("worker-failure")
        if self._task is None:
            if self._upstream is not None:
                self._upstream.release_hold()
            self._client.release_hold()
