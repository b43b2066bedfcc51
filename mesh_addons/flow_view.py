"""Between a mitmproxy flow and the rules: what a rule sees of it, and what the addons decided on it so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from mitmproxy.http import HTTPFlow, Response

from mesh_addons.frontends import Frontends, PreparedFrontend
from mesh_addons.room import Kept
from mesh_policy.filters import HeaderChange
from mesh_policy.request import Fields, RequestView
from mesh_policy.route import PreparedBackend, PreparedRule
from mesh_policy.session import Place, Token

_KEY = "heddle"


@dataclass(slots=True, eq=False)
class MeshFlow:
    """What the mesh knows of one flow, kept in its metadata."""

    frontends: Frontends
    """The snapshot that this flow started with."""
    frontend: PreparedFrontend
    request_id: bytes = b""
    """HAProxy's; empty: none was given."""
    http_version: bytes = b"1"
    """What the client spoke: `1` or `2`. The return leg speaks the same."""
    call: bool = False
    """The client speaks gRPC: it did so when the request came, whatever rules have changed of it."""
    accepts_trailers: bool = False
    """`TE: trailers` came with the request."""
    rule: PreparedRule | None = None
    prefix: bytes | None = None
    """What the rule's match matched of the path, as long as it is there; None: no prefix."""
    backend: str | None = None
    """Where the request goes; None until an addon has chosen."""
    session: Token | None = None
    """The session that the request belongs to, if its rule has sessions."""
    pinned: Place | None = None
    """Where that session is: the share that is chosen, and the endpoint that the first attempt goes to."""
    endpoint: str = ""
    """`IP:PORT` that answered; empty: none did."""
    share: PreparedBackend | None = None
    """The rule's backend that was chosen, with its own filters."""
    response_changes: list[HeaderChange] = field(default_factory=list)
    """In the order in which they are applied to the answer: the backend's, then the rule's."""
    changed_answer: Response | None = None
    """The answer to which they have been applied."""
    attempts: int = 0
    """How many attempts have begun."""
    faults: tuple[str, ...] = ()
    """Names of the faults that acted on any attempt, for the access log."""
    bytes_per_second: int | None = None
    """The body of this attempt's answer comes no faster. None: as fast as it can."""
    copies: list[Copy] = field(default_factory=list)
    """The copies that are made of this request."""
    copied_body: BodyCopy | None = None
    """The body that all copies have."""


class Copy(NamedTuple):
    """A copy of a request, but for its body."""

    backend: str
    path: bytes
    """Path and query."""
    fields: Fields


class BodyCopy(Kept):
    """Records a streamed body up to a limit, and passes it on unchanged (a `stream` function of mitmproxy)."""

    __slots__ = ()

    def __call__(self, data: bytes) -> bytes:
        self.add(data)
        return data

    @property
    def body(self) -> bytes | None:
        """The whole body so far; None when it was longer than the limit, or there was no room for it."""
        return self.read() if self.whole else None


def attach(flow: HTTPFlow, frontends: Frontends, frontend: PreparedFrontend) -> MeshFlow:
    """Begin: called once per flow, before any hook."""
    mesh = MeshFlow(frontends, frontend)
    flow.metadata[_KEY] = mesh
    return mesh


def mesh_flow(flow: HTTPFlow) -> MeshFlow:
    """What `attach` put there."""
    mesh: MeshFlow = flow.metadata[_KEY]
    return mesh


def decided(flow: HTTPFlow) -> bool:
    """Someone has answered or ended this flow: the other addons leave it alone."""
    return flow.response is not None or flow.error is not None or not flow.live


def fields_of(flow: HTTPFlow) -> Fields:
    """The request's header fields as bytes."""
    return flow.request.data.headers.fields


def request_view(flow: HTTPFlow) -> RequestView:
    """The request as the rules see it."""
    data = flow.request.data
    path, _, query = data.path.partition(b"?")
    return RequestView(data.method, path, query, data.headers.fields)
