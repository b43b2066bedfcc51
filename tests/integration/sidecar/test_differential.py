"""Two running sidecars decide on random requests exactly as the pure rules say.

Rules, backend, refusals, redirects, what the backend sees, authorization at the called side: all of it at once, over
the real way (capture, HAProxy, worker, return leg, mTLS, HAProxy, application) and in both versions of HTTP. The same
requests on every run; `DIFFERENTIAL_SEED=n` takes others, `DIFFERENTIAL_REQUESTS=n` more. A request that is decided
otherwise is made smaller as long as it still is, and shown with the seed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from mesh_policy import wire
from mesh_policy.identity import parse_spiffe_id
from mesh_policy.redirect import STATUS
from mesh_policy.request import Fields
from mesh_policy.snapshot import (
    Backend,
    Endpoint,
    Frontend,
    Inbound,
    InboundPort,
    Outbound,
    WorkloadConfig,
)
from tests.support.sidecar.either_version import Caller, Http1Caller, Http2Caller, Recorder
from tests.support.sidecar.expectation import Expectation, Outcome, Sent
from tests.support.sidecar.mesh import API, API_IP, DOMAIN, THIEF, WEB, Mesh, workload
from tests.support.sidecar.random_traffic import a_request, some_intentions, some_routes

SEED = int(os.environ.get("DIFFERENTIAL_SEED", "1"))
REQUESTS = int(os.environ.get("DIFFERENTIAL_REQUESTS", "10000"))
PER_SNAPSHOT = 200
PORTS = {f"shop/b{n}/80": 8090 + n for n in range(3)}
"""Backends, and the ports of the application `api` that stand for them."""
VIP = "10.96.0.30"
OF_THE_MESH = frozenset((b"x-request-id", b"x-mesh-peer", b"content-length", b"transfer-encoding", b"connection"))
"""What a backend sees beside the caller's fields; checked on their own."""
OF_A_RULE = ("no-backend", "no-weight", "invalid-backend")
TOLD = (b"location", b"vary", b"x-a", b"x-b", b"x-new", b"x-told", b"user-agent")


class World:
    """Two callers, one called pod, and what its applications saw."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.recorder = Recorder(mesh.api, PORTS)
        pods = ((mesh.web, parse_spiffe_id(WEB)), (mesh.thief, parse_spiffe_id(THIEF)))
        self.callers = tuple(kind(*pod, (VIP, 80)) for kind in (Http1Caller, Http2Caller) for pod in pods)

    def close(self) -> None:
        self.recorder.close()
        for caller in self.callers:
            caller.close()

    def configure(self, chance: random.Random) -> Expectation:
        """Give all three sidecars random snapshots."""
        routes = some_routes(chance, tuple(PORTS)) if chance.random() < 0.9 else None
        frontend = Frontend(
            name="shop/maze/80",
            addresses=(VIP,),
            port=80,
            protocol="http",
            backend="shop/b0/80",
            routes=routes,
            engine="native" if routes is None else "python",
        )
        authorization = some_intentions(chance, (WEB, THIEF))
        backends = tuple(
            Backend(name=name, protocol="http", endpoints=(Endpoint(ip=API_IP, port=port, identity=API),))
            for name, port in PORTS.items()
        )
        ports = tuple(InboundPort(port=port, protocol="http") for port in PORTS.values())
        direct = tuple(
            Frontend(name=name, addresses=(VIP,), port=port, protocol="http", backend=name)
            for name, port in PORTS.items()
        )
        outbound = Outbound(frontends=(frontend, *direct), backends=backends)
        inbound = Inbound(ports=ports, authorization=authorization)
        called = WorkloadConfig(workload=workload("api"), trust_domain=DOMAIN, inbound=inbound)
        calling = WorkloadConfig(workload=workload("web"), trust_domain=DOMAIN, outbound=outbound)
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._apply, (API, WEB, THIEF), (called, calling, calling)))
        self._end_kept_connections()
        return Expectation(frontend, authorization)

    def _end_kept_connections(self) -> None:
        """One more request of each is decided by the HAProxy of before a reload (ADR 0003)."""
        for caller in self.callers:
            caller.close()
            for port in PORTS.values():
                direct = type(caller)(caller.pod, caller.identity, (VIP, port))
                direct.ask(Sent(b"GET", b"/", ()))
                direct.close()

    def _apply(self, identity: str, config: WorkloadConfig) -> None:
        wire.decode(wire.encode(config))
        answer = self.mesh.control_plane.apply(identity, config)
        assert answer["accepted"], answer

    def happened(self, caller: Caller, sent: Sent) -> Outcome:
        """What the sidecars made of a request."""
        self.recorder.requests.clear()
        status, fields = caller.ask(sent)
        seen = self.recorder.requests
        reason = next((value.decode() for name, value in fields if name == b"x-mesh-error"), "")
        told = by_name(field for field in fields if field[0] in TOLD or field[0].startswith(b"access-control"))
        if not seen:
            return Outcome(status, reason, told)
        assert len(seen) == 1, "one request became several"
        backend, method, target, got = seen[0]
        self._check_fields_of_the_mesh(caller, got)
        kept = by_name(field for field in got if field[0] not in OF_THE_MESH)
        return Outcome(status, reason, told, backend, method, target, kept)

    @staticmethod
    def _check_fields_of_the_mesh(caller: Caller, seen: Fields) -> None:
        assert [value for name, value in seen if name == b"x-mesh-peer"] == [caller.identity.uri.encode()]
        assert len([value for name, value in seen if name == b"x-request-id"]) == 1


def by_name(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    return tuple(sorted(fields, key=lambda field: field[0]))


def same(expected: Outcome, found: Outcome) -> bool:
    """Refusals of a request that HAProxy cannot read have no reason; answers of the called side carry more fields."""
    if found.status != expected.status or found[3:5] != expected[3:5] or found.target != expected.target:
        return False
    if expected.backend is None:
        by_a_rule = expected.status in (204, 301, 302, 303, 307, 308) or expected.reason in OF_A_RULE
        told = expected.told == found.told or not by_a_rule
        return told and (found.reason == expected.reason or expected.status == 400)
    fields = tuple(field for field in expected.fields if field[0] not in OF_THE_MESH)
    return expected.told == found.told and fields == found.fields


def smaller(sent: Sent) -> Iterator[Sent]:
    """Requests with one thing less."""
    for index in range(len(sent.fields)):
        yield sent._replace(fields=sent.fields[:index] + sent.fields[index + 1 :])
    if sent.body:
        yield sent._replace(body=b"")
    path, question, query = sent.target.partition(b"?")
    if question:
        yield sent._replace(target=path)
        for part in query.split(b"&"):
            if part != query:
                yield sent._replace(target=path + question + part)
    segments = path.split(b"/")[1:]
    for index in range(len(segments) if len(segments) > 1 else 0):
        rest = segments[:index] + segments[index + 1 :]
        yield sent._replace(target=b"/" + b"/".join(rest) + question + query)
    if sent.host != b"api":
        yield sent._replace(host=b"api")


def shrunk(world: World, caller: Caller, expectation: Expectation, sent: Sent) -> Sent:
    for one in smaller(sent):
        if not same(expectation.of(caller.identity, caller.read(one)), world.happened(caller, one)):
            return shrunk(world, caller, expectation, one)
    return sent


@pytest.fixture
def world(changing_mesh: Mesh) -> Iterator[World]:
    with closing(World(changing_mesh)) as made:
        yield made


def test_sidecars_decide_as_the_rules_do(world: World) -> None:
    chance = random.Random(SEED)  # noqa: S311 - what is needed is the same on every run
    statuses: dict[int, int] = {}
    for number in range(REQUESTS):
        if number % PER_SNAPSHOT == 0:
            expectation = world.configure(chance)
        sent, caller = a_request(chance), chance.choices(world.callers, (3, 3, 1, 1))[0]
        expected = expectation.of(caller.identity, caller.read(sent))
        statuses[expected.status] = statuses.get(expected.status, 0) + 1
        if not same(expected, world.happened(caller, sent)):
            sent = shrunk(world, caller, expectation, sent)
            by_rules, by_sidecars = expectation.of(caller.identity, caller.read(sent)), world.happened(caller, sent)
            pytest.fail(
                f"seed {SEED}, request {number}, {type(caller).__name__} {caller.identity.service_account}:\n  {sent}\n"
                f"rules:    {by_rules}\nsidecars: {by_sidecars}"
            )
    print(f"seed {SEED}: {REQUESTS} requests, by status {dict(sorted(statuses.items()))}")
    if "DIFFERENTIAL_SEED" not in os.environ and REQUESTS >= 10_000:
        assert {200, 204, 400, 403, 404, 500, 503} <= statuses.keys(), statuses
        assert sum(statuses.get(status, 0) for status in STATUS) > REQUESTS / 100, statuses
        assert statuses[200] > REQUESTS / 10, statuses
