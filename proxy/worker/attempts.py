"""The attempts of one request: it is sent to its backend, and again where the rule and the budget allow it.

What decides is known with the head of an answer at the latest. Until then nothing of the answer has been passed on, so
another attempt can take its place; from then on the answer is the client's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from mitmproxy.http import Response

from mesh_addons.answer import ERROR_HEADER
from mesh_addons.flow_view import MeshFlow
from mesh_addons.guard import POLICY_FAILURE
from mesh_policy import deadline, retry, timeouts
from mesh_policy.request import Fields
from mesh_policy.retry import Outcome
from mesh_policy.snapshot import Failure
from proxy.worker.discard import Discard
from proxy.worker.head import RequestHead, ResponseHead, internal_fields, write_request
from proxy.worker.link import Pause
from proxy.worker.replay import NO_BODY, Outgoing
from proxy.worker.reply import safe_trailers
from proxy.worker.service import Service
from proxy.worker.upstream import RESET, Upstream

if TYPE_CHECKING:
    from proxy.worker.exchange import Exchange

OVER_BUDGET = "retry-budget-exhausted"
_FAILURES: dict[bytes, Failure] = {b"connect": "ConnectFailure", b"reset": "Reset", b"timeout": "Timeout"}
"""What the return leg says of an answer that no server gave. Its other words (`circuit`, `no-endpoint`) mean that
another attempt would find the same."""
_TIMEOUT = b"timeout"


class Attempts:
    """Sends one request (as the Borrower of an upstream), and hands the answer that counts to the exchange."""

    __slots__ = (
        "_backend", "_begun", "_body", "_exchange", "_fields", "_handed_on", "_head", "_mesh", "_passed_on", "_retry",
        "_round", "_service", "_watched", "upstream",
    )  # fmt: skip

    def __init__(self, service: Service, exchange: Exchange, head: RequestHead, mesh: MeshFlow, backend: str) -> None:
        self._service = service
        self._exchange = exchange
        self._head = head
        self._mesh = mesh
        self._backend = backend
        self._retry = None if mesh.rule is None else mesh.rule.rule.retry
        room = None if self._retry is None else service.room
        self._body = Outgoing(head.framing, room, service.limits.replay_bytes) if head.framing else NO_BODY
        self._begun = 0.0 if self._retry is None else asyncio.get_running_loop().time()
        self._fields = head.request.data.headers.fields
        """As they are before an attempt changes them."""
        self._watched = exchange.timers.watches_silence
        """Silence has a limit."""
        self._passed_on = False
        """An answer is on its way to the client: no attempt follows."""
        self._handed_on: str | None = None
        """The limit of this attempt that HAProxy knows, and is to say when it passes."""
        self._round = 0
        """Changes when an upstream that is being connected is no longer wanted."""
        self.upstream: Upstream | None = None
        service.budgets.original(backend)

    # --- one attempt

    def begin(self) -> None:
        """The next attempt, or the first."""
        mesh, exchange = self._mesh, self._exchange
        mesh.attempts += 1
        if mesh.attempts > 1:
            self._head.request.data.headers.fields = self._fields
        exchange.timers.attempt()
        exchange.run(self._service.hooks.attempt, self._after_hooks)

    def _after_hooks(self) -> None:
        exchange = self._exchange
        if exchange.failed():
            return
        response = exchange.flow.response
        if response is None:
            self._connect()
            return
        fields = response.data.headers.fields
        outcome = retry.outcome(response.data.status_code, None, fields, call=self._mesh.call)
        if (ERROR_HEADER, POLICY_FAILURE.encode()) in fields or not self._follow(outcome):
            exchange.answer_here()

    def _connect(self) -> None:
        upstream = self._service.pool.take()
        if upstream is not None:
            self._send(upstream)
        else:
            self._exchange.hold(self._connect_anew())

    async def _connect_anew(self) -> Callable[[], None]:
        wanted = self._round
        try:
            upstream = await self._service.pool.connect()
        except OSError:
            return self._unreachable
        if wanted != self._round:
            upstream.abort()
        return lambda: self._send(upstream)

    def _unreachable(self) -> None:
        self._service.counters.upstream_failures += 1
        if not self._follow(self._no_answer(503, "ConnectFailure")):
            self._exchange.refuse(503, "upstream-unavailable")

    def _send(self, upstream: Upstream) -> None:
        head, mesh, exchange = self._head, self._mesh, self._exchange
        data = head.request.data
        left = exchange.timers.left()
        if left is not None or mesh.attempts > 1:
            elapsed = asyncio.get_running_loop().time() - self._begun if mesh.attempts > 1 else 0.0
            data.headers.fields = deadline.show(data.headers.fields, left, elapsed)
        if self._body.begun:  # nobody waits for 100 any more
            fields = data.headers.fields
            data.headers.fields = tuple(field for field in fields if field[0].lower() != b"expect")
        try:
            # What failed at the endpoint of a session is not tried there once more.
            endpoint = mesh.pinned.endpoint if mesh.pinned is not None and mesh.attempts == 1 else ""
            # What a fault has taken of the limit is not the endpoint's silence.
            limit = None if mesh.faults else exchange.timers.of_endpoint()
            self._handed_on, seconds = (None, None) if limit is None else limit
            internal = internal_fields(self._backend, mesh.http_version, mesh.request_id, endpoint, seconds)
            written = write_request(head, internal)
        except ValueError:
            upstream.close()
            exchange.unfit("request")
            return
        self.upstream = upstream
        upstream.begin(self, data.method, mesh.bytes_per_second)
        upstream.sent_all = self._body.ended
        if exchange.client.full:
            upstream.pause(Pause.PEER)
        upstream.write(written + self._body.again() if self._body.begun else written)
        if self._watched:
            exchange.client.touch()
            exchange.timers.silence(lambda: exchange.client.touched)

    # --- the body

    def content(self, content: bytes) -> None:
        """A piece of the request's body."""
        data = self._body.add(content)
        if self.upstream is not None:
            self.upstream.write(data)

    def end(self, content: bytes, trailers: Fields) -> None:
        """The last piece."""
        data = self._body.finish(content, safe_trailers(trailers) if trailers else ())
        if self.upstream is not None:
            self.upstream.write(data)
            self.upstream.sent_all = True

    # --- its outcome

    def _no_answer(self, status: int, failure: Failure | None) -> Outcome:
        """Nobody has answered; `status` is what the client would get."""
        return retry.outcome(status, failure, call=self._mesh.call)

    def _may_follow(self, outcome: Outcome) -> bool:
        """The rule wants another attempt after this one, and the request can be sent again."""
        rule = self._retry
        return (
            rule is not None
            and self._body.kept
            and self._mesh.attempts <= rule.attempts
            and retry.wanted(rule, outcome)
            and retry.safe(rule, outcome, self._head.request.data.method, self._fields)
            # An addon that holds the end of the body is asked once.
            and not (self.upstream is not None and self._exchange.waiting)
        )

    def _follow(self, outcome: Outcome) -> bool:
        """See to it that another attempt follows, if it may. False: this outcome is what the client gets."""
        rule, exchange, service = self._retry, self._exchange, self._service
        if rule is None or not self._may_follow(outcome):
            return False
        pause = retry.pause(rule, self._mesh.attempts, service.chance())
        left = exchange.timers.request_left()
        if left is not None and pause >= left:
            return False  # there would be no time for it
        if not service.budgets.take(self._backend):
            service.counters.retries_over_budget += 1
            status = service.budgets.over_status(self._backend)
            if status is not None:
                exchange.refuse(status, OVER_BUDGET)
            return status is not None
        service.counters.retries += 1
        exchange.timers.stop_attempt()
        exchange.flow.response = None
        self._leave()
        exchange.hold(self._wait(pause))
        return True

    async def _wait(self, seconds: float) -> Callable[[], None]:
        await asyncio.sleep(seconds)
        return self.begin

    def late(self, reason: str) -> bool:
        """A limit has passed during this attempt. False: it was the last one.

        An endpoint that hangs is HAProxy's to give up: what the worker closes would look like a caller that gave up.
        """
        if self._passed_on:
            return False
        upstream = self.upstream
        silent = reason == self._handed_on and upstream is not None and upstream.sent_all
        return (silent and self._exchange.timers.grace(reason)) or self._another(reason)

    def _another(self, reason: str) -> bool:
        """Another attempt follows this one, which a limit has ended. After that of the request there is no time."""
        return reason == timeouts.BACKEND and self._follow(self._no_answer(timeouts.STATUS, "Timeout"))

    def _over(self, reason: str) -> None:
        """This limit has passed: another attempt or 504."""
        if not self._another(reason):
            self._exchange.too_late(reason)

    def _leave(self) -> None:
        """This attempt has failed: its answer is for nobody."""
        upstream, self.upstream = self.upstream, None
        self._round += 1
        if upstream is None:
            return
        if upstream.answering and upstream.sent_all and self._mesh.bytes_per_second is None:
            upstream.borrower = Discard(upstream, self._service.limits)
        else:
            upstream.abandon()
        self._exchange.client.resume(Pause.PEER)

    def drop(self) -> None:
        """The exchange is over, or answers by itself."""
        self._body.release()
        self._round += 1
        upstream, self.upstream = self.upstream, None
        if upstream is not None:
            upstream.abandon()
            self._exchange.client.resume(Pause.PEER)

    # --- what the upstream says, in the order of the wire

    def on_informational(self, response: Response) -> None:
        if self._watched:
            self._exchange.client.touch()
        self._exchange.reply.informational(response)

    def on_head(self, head: ResponseHead) -> None:
        if self._watched:
            self._exchange.client.touch()
        passed = self._handed_on if head.failure == _TIMEOUT else None
        if passed is not None or (passed := self._exchange.timers.put_off) is not None:
            self._over(passed)  # whatever comes after the limit is too late: it would only be cut
            return
        if self._retry is not None:
            fields = head.response.data.headers.fields
            never = head.failure is not None and head.failure not in _FAILURES
            failure = _FAILURES.get(head.failure or b"")
            outcome = retry.outcome(head.response.data.status_code, failure, fields, call=self._mesh.call)
            if not never and self._follow(outcome):
                return
            self._body.release()
        if head.failure is not None and self._mesh.call:
            reason = dict(head.response.data.headers.fields).get(ERROR_HEADER, RESET.encode()).decode("latin-1")
            self._leave()
            self._exchange.refuse(head.response.data.status_code, reason)
            return
        self._passed_on = True
        if self._mesh.rule is not None and self._mesh.rule.sessions is not None:
            self._mesh.endpoint = head.endpoint
        self._exchange.on_head(head)

    def on_content(self, content: bytes, end: bool, trailers: Fields) -> None:
        if end:
            self.upstream = None
            self._exchange.client.resume(Pause.PEER)
        self._exchange.on_content(content, end, trailers)

    def on_upgrade(self, head: ResponseHead) -> None:
        self._passed_on = True
        self._body.release()
        self._exchange.on_upgrade(head)

    def on_pause(self) -> None:
        self._exchange.reply.flush()

    def on_tunnel(self, data: bytes) -> None:
        if self._exchange.tunnel is not None:
            self._exchange.tunnel.to_client(data)

    def on_lost(self, reason: str, *, untouched: bool) -> None:
        exchange = self._exchange
        waiting = exchange.waiting
        self.upstream = None
        exchange.client.resume(Pause.PEER)
        if exchange.ended or exchange.answered:
            return
        if exchange.timers.put_off is not None and not self._passed_on:
            self._over(exchange.timers.put_off)
            return
        again = not waiting and (self._body.kept or not self._body.begun)
        if untouched and again and self._head.request.data.method in retry.IDEMPOTENT:
            self._service.counters.resent += 1  # a kept connection had gone stale: not an attempt that failed
            exchange.hold(self._connect_anew())
            return
        failure: Failure | None = "Reset" if reason == RESET else None
        if not self._passed_on and not waiting and self._follow(self._no_answer(502, failure)):
            return
        exchange.on_lost(reason)

    def on_writable(self, writable: bool) -> None:
        self._exchange.client.stop_reading(Pause.PEER, not writable)
