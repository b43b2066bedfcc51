"""What the pure rules say about a request's whole way: the caller's sidecar, then the called one's.

Written from the rules alone, without a flow, an addon or HAProxy: a running pair of sidecars is compared with it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mesh_policy import authorization, cors, filters, redirect, rewrite, route
from mesh_policy.identity import SpiffeId
from mesh_policy.path import refusal, split_target
from mesh_policy.request import Fields, RequestView
from mesh_policy.snapshot import Authorization, Cors, Frontend, HeaderModifier, Redirect, Rewrite, Rule, WeightedBackend

_RESERVED = re.compile(rb"x[-_](mesh[-_](internal.*|peer)|forwarded[-_]client[-_]cert)\Z", re.IGNORECASE)
"""Fields that no application may say anything in: gone before anything reads them."""
_UNREADABLE = re.compile(rb"[^\x21-\x7e]")
"""HAProxy refuses such targets when it parses them."""
BLANKS = b" \t"


class Sent(NamedTuple):
    """A request as the application writes it."""

    method: bytes
    target: bytes
    fields: Fields
    """Without `Host`, whose value is `host`; values with the blanks around them."""
    host: bytes = b"api"
    body: bytes = b""

    def __str__(self) -> str:
        return repr(self.raw)

    @property
    def raw(self) -> bytes:
        length = ((b"content-length", b"%d" % len(self.body)),) if self.body else ()
        lines = [b"%b: %b" % one for one in ((b"Host", self.host), *self.fields, *length)]
        return b"\r\n".join([b"%b %b HTTP/1.1" % (self.method, self.target), *lines, b"", self.body])


class Outcome(NamedTuple):
    """What becomes of it."""

    status: int
    reason: str = ""
    """`x-mesh-error` of a refusal."""
    told: Fields = ()
    """Fields of the answer that the rule decides on, sorted: `location`, CORS."""
    backend: str | None = None
    """Who gets it."""
    method: bytes = b""
    target: bytes = b""
    fields: Fields = ()
    """As the backend sees them, sorted by name; names in lower case."""


class Expectation:
    """A frontend whose rules choose without chance (one backend with a weight), and who may call its backends."""

    def __init__(self, frontend: Frontend, inbound: Authorization) -> None:
        self._frontend = frontend
        self._inbound = inbound
        self._table = None if frontend.routes is None else route.prepare(frontend.routes)

    def of(self, peer: SpiffeId, sent: Sent) -> Outcome:
        """The outcome of one request."""
        if _UNREADABLE.search(sent.target):
            return Outcome(400)
        reason = refusal(sent.target)
        if reason is not None:
            return Outcome(400, reason)
        fields = tuple((name.lower(), value.strip(BLANKS)) for name, value in ((b"host", sent.host), *sent.fields))
        way = _Way(self._frontend.port, sent.method, sent.target, _unreserved(fields))
        if self._table is not None:
            found = route.find(self._table, way.view())
            if found is None:
                return Outcome(404, "route-not-found")
            answered = way.follow(found.rule.rule, found.prefix)
            if answered is not None:
                return answered
        return self._called(peer, way)

    def _called(self, peer: SpiffeId, way: _Way) -> Outcome:
        """At the called side: the same refusals once more (of what the caller's rules made), then authorization."""
        reason = refusal(way.target)
        if reason is not None:
            return Outcome(400, reason)
        way.fields = _unreserved(way.fields)
        if not authorization.decide(self._inbound, peer, way.view(), trust_domain=peer.trust_domain).allowed:
            return Outcome(403, "denied")
        backend = way.backend or self._frontend.backend
        seen = tuple((name.lower(), value) for name, value in way.fields)
        return Outcome(200, "", _sorted(way.told()), backend, way.method, way.target, _sorted(seen))


class _Way:
    """What becomes of one request on its way through a rule, then through its backend's filters."""

    def __init__(self, port: int, method: bytes, target: bytes, fields: Fields) -> None:
        self.method, self.target, self.fields = method, target, fields
        self.backend: str | None = None
        self._port = port
        self._prefix: bytes | None = None
        self._changes: list[filters.HeaderChange] = []

    def view(self) -> RequestView:
        """The request as it is now."""
        return RequestView(self.method, *split_target(self.target), self.fields)

    def told(self, fields: Fields = ()) -> Fields:
        """What the rule makes of an answer's fields; without any: what it adds to those of a backend that says
        nothing."""
        for change in self._changes:
            fields = change(fields)
        return fields

    def follow(self, rule: Rule, prefix: bytes | None) -> Outcome | None:
        """None: on to the backend. An answer of the mesh itself is changed as one of a backend would be."""
        self._prefix = prefix
        answered = self._decide(rule)
        return None if answered is None else answered._replace(told=_sorted(self.told(answered.told)))

    def _decide(self, rule: Rule) -> Outcome | None:
        # A browser's question is the chosen backend's where any of them has an answer of its own.
        each = any(one.cors is not None for one in rule.backends)
        answered = self._answered(None if each else rule.cors, rule.redirect)
        if rule.response_headers is not None:
            self._changes.append(filters.HeaderChange(rule.response_headers))
        if answered is not None:
            return answered
        self._rewrite(rule.rewrite)
        self._change(rule.request_headers)
        chosen = _chosen(rule)
        if isinstance(chosen, Outcome):
            return chosen
        self.backend = chosen.backend
        if chosen.response_headers is not None:
            self._changes.insert(0, filters.HeaderChange(chosen.response_headers))
        answered = self._answered((chosen.cors or rule.cors) if each else None, chosen.redirect)
        if answered is not None:
            return answered
        self._rewrite(chosen.rewrite)
        self._change(chosen.request_headers)
        return None

    def _answered(self, wanted: Cors | None, to: Redirect | None) -> Outcome | None:
        """A browser's question, or a redirect: the mesh answers."""
        if wanted is not None:
            if cors.is_preflight(self.view()):
                return Outcome(204, "", _sorted(cors.preflight(wanted, self.view())))
            self._changes.append(filters.HeaderChange(cors.answer(wanted, cors.allowed_origin(wanted, self.fields))))
        if to is None:
            return None
        place = redirect.location(to, self.view(), self._prefix, self._port)
        return Outcome(to.status, "", ((b"location", place),))

    def _rewrite(self, change: Rewrite | None) -> None:
        if change is None:
            return
        if change.path is not None:
            self.target = rewrite.changed_target(change.path, self.target, self._prefix)
            self._prefix = None
        if change.hostname is not None:
            self.fields = rewrite.changed_host(change.hostname, self.fields)

    def _change(self, modifier: HeaderModifier | None) -> None:
        if modifier is not None:
            self.fields = filters.HeaderChange(modifier)(self.fields)


def _chosen(rule: Rule) -> WeightedBackend | Outcome:
    invalid = 503 if rule.route.startswith("GRPCRoute/") else 500
    if not rule.backends:
        return Outcome(invalid, "no-backend")
    weighted = [one for one in rule.backends if one.weight > 0]
    if not weighted:
        return Outcome(503, "no-weight")
    assert len(weighted) == 1, "a rule with shares is a matter of chance"
    return weighted[0] if weighted[0].backend is not None else Outcome(invalid, "invalid-backend")


def _unreserved(fields: Fields) -> Fields:
    return tuple(field for field in fields if not _RESERVED.match(field[0]))


def _sorted(fields: Fields) -> Fields:
    """By name; values of one name stay in their order."""
    return tuple(sorted(((name.lower(), value) for name, value in fields), key=lambda field: field[0]))
