"""One request and its answer: hooks in their order, bodies streamed in both directions at the same time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

from mitmproxy.connection import Server
from mitmproxy.flow import Error
from mitmproxy.http import Headers, HTTPFlow, Response

from mesh_addons.answer import ERROR_HEADER, error_response
from mesh_addons.flow_view import MeshFlow, attach
from mesh_addons.guard import POLICY_FAILURE, Hook
from mesh_policy.request import Fields
from proxy.worker.body import CHUNKED, UNTIL_CLOSE, chunk, last_chunk
from proxy.worker.head import RequestHead, ResponseHead, write_request, write_response
from proxy.worker.link import Pause
from proxy.worker.service import Service
from proxy.worker.upstream import Upstream, place

if TYPE_CHECKING:
    from proxy.worker.downstream import Downstream

logger = logging.getLogger(__name__)

_SERVER = Server(address=None)
"""HAProxy chooses the server: every flow shows the same empty one."""
_RETRIED_METHODS = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE"))
"""Idempotent (RFC 9110 9.2.2): may be sent again when a kept connection turned out to be closed."""
_FORBIDDEN_TRAILERS = frozenset((b"transfer-encoding", b"content-length", b"host", b"connection", b"trailer", b"te"))


class Exchange:
    """A request of one downstream. It borrows an upstream, or answers by itself."""

    __slots__ = (
        "_answer_head",
        "_client",
        "_framing",
        "_head",
        "_held_head",
        "_mesh",
        "_service",
        "_task",
        "_tunnel_ends",
        "_upstream",
        "answered",
        "ended",
        "flow",
        "keep_alive",
        "request_read",
        "request_sent",
        "started",
        "tunnel",
    )

    def __init__(self, service: Service, client: Downstream, head: RequestHead) -> None:
        self._service = service
        self._client = client
        self._head = head
        self._mesh: MeshFlow | None = None
        self._upstream: Upstream | None = None
        self._task: asyncio.Task[None] | None = None
        self._answer_head: ResponseHead | None = None
        self._held_head: Response | None = None
        """A head that waits for the body: an answer of gRPC that may consist of nothing else."""
        self._framing = 0
        """Of the answer as it is sent."""
        self.request_read = head.framing == 0
        """The whole request has come from the client."""
        self.request_sent = False
        """Something of the request's body has been sent: it cannot be sent again."""
        self.started = False
        """The head of the final answer has been sent to the client."""
        self.answered = False
        """The whole answer has been sent to the client."""
        self.ended = False
        """Nothing more will happen."""
        self.tunnel = False
        self._tunnel_ends = 0
        self.keep_alive = head.keep_alive
        """Another request may come on this connection after the answer."""
        self.flow = flow = HTTPFlow(client.connection, _SERVER, True)
        flow.request = head.request

    # --- the request

    def begin(self) -> None:
        """The head has been read."""
        service, internal = self._service, self._head.internal
        service.counters.requests += 1
        name = internal.get(b"frontend")
        if service.frontends is None or name is None:
            self.refuse(503, "no-configuration" if service.frontends is None else "no-frontend")
            return
        frontend = service.frontends.get(name.decode("latin-1"))
        if frontend is None:
            self.refuse(503, "unknown-frontend")
            return
        mesh = self._mesh = attach(self.flow, service.frontends, frontend)
        mesh.http_version = internal.get(b"version", b"1")
        mesh.accepts_trailers = self._head.accepts_trailers
        if (request_id := internal.get(b"id")) is not None:
            mesh.request_id = request_id
            self.flow.id = request_id.decode("latin-1")
        self._run(service.hooks.requestheaders, self._after_requestheaders)

    def _after_requestheaders(self) -> None:
        if self._settled():
            return
        if self.request_read:
            self._run(self._service.hooks.request, self._connect)
        else:
            self._connect()

    def _connect(self) -> None:
        if self._settled():
            return
        if self._mesh is None or self._mesh.backend is None:
            self.refuse(500, "no-backend")
            return
        upstream = self._service.pool.take()
        if upstream is not None:
            self._send_head(upstream)
        else:
            self._hold(self._connect_anew())

    async def _connect_anew(self) -> Callable[[], None]:
        try:
            upstream = await self._service.pool.connect()
        except OSError:
            self._service.counters.upstream_failures += 1
            return lambda: self.refuse(503, "upstream-unavailable")
        if self.ended:
            upstream.abort()
        return lambda: self._send_head(upstream)

    def _send_head(self, upstream: Upstream) -> None:
        head, mesh = self._head, self._mesh
        if mesh is None or mesh.backend is None:
            raise AssertionError  # _connect refused it
        internal = [
            (b"x-mesh-internal-backend", mesh.backend.encode()),
            (b"x-mesh-internal-version", mesh.http_version),
        ]
        if mesh.request_id:
            internal.append((b"x-mesh-internal-id", mesh.request_id))
        try:
            data = write_request(head, tuple(internal))
        except ValueError:
            upstream.close()
            self._fail_policy("request head")
            return
        self._upstream = upstream
        upstream.begin(self, head.request.data.method)
        upstream.sent_all = self.request_read
        if self._client.full:
            upstream.pause(Pause.PEER)
        upstream.write(data)

    def on_request_content(self, content: bytes, end: bool, trailers: Fields) -> None:
        """A piece of the request's body has been read; `end` exactly once."""
        if self.answered or self._upstream is None:
            self.request_read = self.request_read or end
            return
        stream = self.flow.request.stream
        if callable(stream):
            content = _through(stream, content, end)
        if not end:
            self._send_content(content)
            return
        self.request_read = True
        if trailers:
            self.flow.request.data.trailers = Headers(_safe_trailers(trailers))
        self._run(self._service.hooks.request, lambda: self._send_tail(content))

    def _send_content(self, content: bytes) -> None:
        if self._upstream is not None and content:
            self.request_sent = True
            self._upstream.write(chunk(content) if self._head.framing == CHUNKED else content)

    def _send_tail(self, content: bytes) -> None:
        if self._settled() or self._upstream is None:
            return
        self._send_content(content)
        self.request_sent = True
        if self._head.framing == CHUNKED:
            trailers = self.flow.request.data.trailers
            self._upstream.write(last_chunk(_safe_trailers(trailers.fields) if trailers else ()))
        self._upstream.sent_all = True

    # --- the answer (Borrower)

    def on_informational(self, response: Response) -> None:
        if self._head.request.data.http_version == b"HTTP/1.1":
            self._client.write(write_response(response, None, ()))

    def on_head(self, head: ResponseHead) -> None:
        self._answer_head = head
        self.flow.response = head.response
        self._run(self._service.hooks.responseheaders, self._after_responseheaders)

    def _after_responseheaders(self) -> None:
        head = self._answer_head
        if head is None or self._failed():
            return
        response = self.flow.response
        if response is not head.response:
            self._answer_here()
            return
        if head.framing >= 0:
            self._framing = head.framing
            self._write_head(response, head.declared)
        else:
            self._framing = CHUNKED if self._head.request.data.http_version == b"HTTP/1.1" else UNTIL_CLOSE
            if any(name.lower() == b"grpc-status" for name, _ in response.data.headers.fields):
                # HAProxy can say "no body" on HTTP/2 only when it knows it with the head: gRPC clients insist on that.
                self._held_head = response
            else:
                self._write_head(response, self._framing)

    def on_content(self, content: bytes, end: bool, trailers: Fields) -> None:
        if end:
            self._upstream = None
            response = self.flow.response
            if trailers and response is not None:
                response.data.trailers = Headers(_safe_trailers(trailers))
        response = self.flow.response
        if response is None or self.answered:
            return
        if callable(response.stream):
            content = _through(response.stream, content, end)
        if end:
            self._run(self._service.hooks.response, lambda: self._finish(content))
        else:
            self._pass(content)

    def _pass(self, content: bytes) -> None:
        if self._held_head is not None:
            response, self._held_head = self._held_head, None
            self._write_head(response, self._framing)
        self._client.touch()
        self._client.write(chunk(content) if self._framing == CHUNKED else content)

    def _finish(self, content: bytes) -> None:
        response = self.flow.response
        if self._failed() or response is None:
            return
        trailers = _safe_trailers(response.data.trailers.fields) if response.data.trailers else ()
        if self._held_head is not None and not content and not trailers:
            self._held_head, self._framing = None, 0
            self._write_head(response, 0)
        else:
            self._pass(content)
            if self._framing == CHUNKED:
                self._client.write(last_chunk(trailers))
        self._answered()

    def _write_head(self, response: Response, declared: int | None) -> None:
        extra: list[tuple[bytes, bytes]] = []
        if self._mesh is not None:
            extra += _log_fields(self._mesh)
        if self._framing == UNTIL_CLOSE or (self._head.expects_continue and not self.request_read):
            self.keep_alive = False
        if not self.keep_alive or self._service.draining:
            extra.append((b"connection", b"close"))
        elif self._head.request.data.http_version == b"HTTP/1.0":
            extra.append((b"connection", b"keep-alive"))
        try:
            data = write_response(response, declared, tuple(extra))
        except ValueError:
            self._fail_policy("response head")
            return
        self.started = True
        self._client.write(data)

    # --- upgrades

    def on_upgrade(self, head: ResponseHead) -> None:
        if self._head.upgrade is None or not self.request_read or head.upgrade is None:
            self.on_lost("unexpected-upgrade", untouched=False)
            return
        self.flow.response = head.response
        extra = ((b"connection", b"upgrade"), (b"upgrade", head.upgrade))
        self._service.counters.upgrades += 1
        self.tunnel = self.started = True
        self._client.write(write_response(head.response, None, extra))
        self._client.begin_tunnel()

    def on_tunnel(self, data: bytes) -> None:
        self._client.touch()
        if data:
            self._client.write(data)
        else:
            self._client.end_tunnel()
            self._end_of_direction()

    def send_tunnel(self, data: bytes) -> None:
        """Bytes of the client after an upgrade; empty: it sends no more."""
        if self._upstream is None:
            return
        if data:
            self._upstream.write(data)
            return
        if not self._upstream.closed and self._upstream.transport.can_write_eof():
            self._upstream.transport.write_eof()
        self._end_of_direction()

    def _end_of_direction(self) -> None:
        self._tunnel_ends += 1
        if self._tunnel_ends == 2:
            self.on_lost("tunnel-ended", untouched=False)

    # --- answers of the worker itself

    def refuse(self, status: int, reason: str) -> None:
        """Answer in the backend's place; if an answer has begun, cut it."""
        if self.started:
            self.abort(reason)
            return
        self.flow.response = error_response(status, reason)
        self._answer_here()

    def _fail_policy(self, what: str) -> None:
        logger.error("an addon made a %s that cannot be sent; the request is refused", what)
        self._service.counters.policy_failures += 1
        self.refuse(500, POLICY_FAILURE)

    def _settled(self) -> bool:
        """An addon has answered or failed, or the exchange is over: the request goes no further."""
        if self._failed() or self.answered:
            return True
        response = self.flow.response
        if response is None or (self._answer_head is not None and response is self._answer_head.response):
            return False  # a server may answer before it has read the whole request
        if self.started:
            self.abort(POLICY_FAILURE)  # too late to say no
        else:
            self._answer_here()
        return True

    def _failed(self) -> bool:
        if self.ended:
            return True
        if self.flow.error is not None:
            self._service.counters.policy_failures += 1
            self.abort(self.flow.error.msg)
        return self.ended

    def _answer_here(self) -> None:
        """Send `flow.response`, which no server gave."""
        response = self.flow.response
        if response is None or self.started:
            self.abort("no-answer")
            return
        self._drop_upstream()
        self._held_head = None
        counters = self._service.counters
        counters.answered_here += 1
        counters.policy_failures += (ERROR_HEADER, POLICY_FAILURE.encode()) in response.data.headers.fields
        body = response.raw_content or b""
        status = response.data.status_code
        bodiless = status < 200 or status in (204, 304)
        self._write_head(response, None if bodiless else len(body))
        if not self.started or self.ended:
            return
        if self._head.request.data.method != b"HEAD" and not bodiless:
            self._client.write(body)
        self._answered()

    def _answered(self) -> None:
        self.answered = True
        self.flow.live = False
        self._drop_upstream()
        self._client.on_answered(self)

    # --- the end by force

    def on_lost(self, reason: str, *, untouched: bool) -> None:
        self._drop_upstream()
        if self.ended or self.answered:
            return
        if self.tunnel:
            self._client.close()
            self.abort(reason)
            return
        method = self._head.request.data.method
        if untouched and not self.started and not self.request_sent and method in _RETRIED_METHODS:
            self._service.counters.retries += 1
            self._hold(self._connect_anew())
            return
        self._service.counters.upstream_failures += 1
        self.refuse(502, reason)

    def abort(self, reason: str) -> None:
        """End both sides at once: an answer that was cut must never look complete."""
        if self.ended:
            return
        self.ended = True
        self.flow.live = False
        self.flow.error = self.flow.error or Error(reason)
        if self._task is not None:
            self._task.cancel()
        self._drop_upstream()
        self._client.abort()
        if self.answered:
            return
        for hook in self._service.hooks.error:
            pending = hook(self.flow)
            if pending is not None:
                self._task = asyncio.ensure_future(_wait(pending))

    def _drop_upstream(self) -> None:
        upstream, self._upstream = self._upstream, None
        if upstream is not None:
            upstream.abandon()
            self._client.resume(Pause.PEER)

    # --- waiting

    def on_writable(self, writable: bool) -> None:
        """The upstream takes no more, or again."""
        if writable:
            self._client.resume(Pause.PEER)
        else:
            self._client.pause(Pause.PEER)

    def on_client_writable(self, writable: bool) -> None:
        """The client takes no more, or again."""
        if self._upstream is None:
            return
        if writable:
            self._upstream.resume(Pause.PEER)
        else:
            self._upstream.pause(Pause.PEER)

    def _run(self, hooks: tuple[Hook, ...], then: Callable[[], None]) -> None:
        """Call hooks in order, then go on; while one waits neither side is read."""
        flow = self.flow
        for index, hook in enumerate(hooks):
            pending = hook(flow)
            if pending is not None:
                self._hold(self._run_rest(pending, hooks[index + 1 :], then))
                return
        then()

    async def _run_rest(
        self, pending: Awaitable[None], hooks: tuple[Hook, ...], then: Callable[[], None]
    ) -> Callable[[], None]:
        await pending
        for hook in hooks:
            following = hook(self.flow)
            if following is not None:
                await following
        return then

    def _hold(self, waiting: Awaitable[Callable[[], None]]) -> None:
        self._client.pause(Pause.HOOK)
        if self._upstream is not None:
            self._upstream.pause(Pause.HOOK)
        self._task = asyncio.ensure_future(self._resume_after(waiting))

    async def _resume_after(self, waiting: Awaitable[Callable[[], None]]) -> None:
        try:
            then = await waiting
            self._task = None
            if not self.ended:
                then()
        except Exception as error:
            logger.error("request given up: %s at %s", type(error).__name__, place(error))
            self.abort("worker-failure")
        if self._task is None:
            if self._upstream is not None:
                self._upstream.release_hold()
            self._client.release_hold()


async def _wait(pending: Awaitable[None]) -> None:
    await pending


def _through(stream: Callable[[bytes], Iterable[bytes] | bytes], content: bytes, end: bool) -> bytes:
    """A `stream` function of mitmproxy: called with every piece and at the end with nothing."""
    pieces = [stream(content)] if content else []
    if end:
        pieces.append(stream(b""))
    return b"".join(piece if isinstance(piece, bytes) else b"".join(piece) for piece in pieces)


def _safe_trailers(trailers: Fields) -> Fields:
    return tuple(
        (name, value)
        for name, value in trailers
        if name.lower() not in _FORBIDDEN_TRAILERS and not name.lower().startswith(b"x-mesh-")
    )


def _log_fields(mesh: MeshFlow) -> list[tuple[bytes, bytes]]:
    """For HAProxy's access log, which takes them out again."""
    fields: list[tuple[bytes, bytes]] = []
    if mesh.rule is not None:
        fields.append((b"x-mesh-internal-route", mesh.rule.rule.route.encode()))
        fields.append((b"x-mesh-internal-rule", mesh.rule.rule.name.encode()))
    if mesh.faults:
        fields.append((b"x-mesh-internal-fault", ",".join(mesh.faults).encode()))
    return fields
