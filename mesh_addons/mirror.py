"""Copies of requests to other backends. A copy never delays the request; its failure is never seen by the caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from mitmproxy.http import HTTPFlow

from mesh_addons.flow_view import BodyCopy, Copy, MeshFlow, decided, mesh_flow
from mesh_addons.room import Room
from mesh_policy import mirror, snapshot
from mesh_policy.request import Fields


class RequestCopy(NamedTuple):
    """A request to be sent once more, its answer to be thrown away."""

    backend: str
    method: bytes
    path: bytes
    """Path and query."""
    fields: Fields
    body: bytes
    request_id: bytes
    http_version: bytes
    accepts_trailers: bool


class CopySink(Protocol):
    """Who sends copies: a bounded queue. Neither call waits or raises."""

    room: Room
    """For the bodies of requests that have not been read whole: one that finds no room there is not copied."""

    def send(self, copy: RequestCopy) -> None:
        """Take a copy, or drop and count it when there is no room."""

    def dropped(self, copies: int) -> None:
        """Count copies that cannot be made, since the body is too long or finds no room."""


class Mirror:
    """Sends copies of a share of the requests of a rule, when the request has been read whole. `record` does the same
    for one of its backends.

    Args:
        chance: a random number in [0, 1).
        sink: takes the copies.
    """

    name = "mesh_mirror"

    def __init__(self, chance: Callable[[], float], sink: CopySink) -> None:
        self._chance = chance
        self._sink = sink

    def requestheaders(self, flow: HTTPFlow) -> None:
        if decided(flow):
            return
        mesh = mesh_flow(flow)
        if mesh.rule is not None and mesh.rule.rule.mirrors:
            self.record(mesh.rule.rule.mirrors, flow, mesh)

    def record(self, mirrors: tuple[snapshot.Mirror, ...], flow: HTTPFlow, mesh: MeshFlow) -> None:
        """Copy the request as it is by now, when it will have been read whole."""
        data = flow.request.data
        chosen = mirror.copies(mirrors, [self._chance() for _ in mirrors])
        mesh.copies += [Copy(backend, data.path, data.headers.fields) for backend in chosen]
        if mesh.copies and mesh.copied_body is None:
            mesh.copied_body = BodyCopy(mirror.MAX_BODY_BYTES, self._sink.room)
            flow.request.stream = mesh.copied_body

    def request(self, flow: HTTPFlow) -> None:
        mesh = mesh_flow(flow)
        if not mesh.copies or mesh.copied_body is None or decided(flow):
            return
        body = mesh.copied_body.body
        mesh.copied_body.release()
        # Another addon that streams the body in its own way has taken our place: what we have is not the body.
        if body is None or flow.request.stream is not mesh.copied_body:
            self._sink.dropped(len(mesh.copies))
            return
        for copy in mesh.copies:
            self._sink.send(
                RequestCopy(
                    copy.backend,
                    flow.request.data.method,
                    copy.path,
                    copy.fields,
                    body,
                    mesh.request_id,
                    mesh.http_version,
                    mesh.accepts_trailers,
                )
            )
