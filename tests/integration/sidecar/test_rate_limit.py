"""How many requests `api` takes, counted with real sidecars."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import msgspec
import pytest

from mesh_policy.snapshot import (
    Authorization,
    HttpPermissionMatch,
    Inbound,
    Intention,
    Permission,
    RateLimit,
    SourceMatch,
    WorkloadConfig,
)
from tests.support.sidecar.access_log import logged
from tests.support.sidecar.applications import Application, exchange, get, http_echo
from tests.support.sidecar.mesh import API, API_IP, HTTP, THIEF, VIP, WEB, Mesh, api_config
from tests.support.sidecar.network import within
from tests.support.sidecar.pod import Pod


@pytest.fixture
def five(request: pytest.FixtureRequest) -> RateLimit:
    """Seven at once, then one every 12 s. Buckets live on in the next process by their limit's name."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)
    return RateLimit(name=f"shop/{name}", requests=5, per_seconds=60, burst=2)


@pytest.fixture
def limited_mesh(mesh: Mesh) -> Iterator[Mesh]:
    """Without limits afterwards, and without a kept connection to a process that has some."""
    yield mesh
    mesh.control_plane.apply(API, api_config())
    for pod in (mesh.web, mesh.thief):
        for _ in range(12):
            mesh.ask(get("/moves-on"), pod=pod)
    assert {mesh.ask(get("/moved")).status for _ in range(12)} == {200}


def limit(mesh: Mesh, *limits: RateLimit, callers: tuple[str, ...] = (WEB, THIEF)) -> None:
    """Makes `api` run on these limits. What counts nothing moves every kept connection to the process that has them."""
    permissions = (
        Permission(action="deny", http=HttpPermissionMatch(path_exact="/counts-nothing")),
        Permission(action="allow"),
    )
    intention = Intention(name="shop/api", source=SourceMatch(identities=callers), permissions=permissions)
    config: WorkloadConfig = api_config(intentions=(intention,))
    inbound: Inbound = msgspec.structs.replace(config.inbound, rate_limits=limits)
    mesh.control_plane.apply(API, msgspec.structs.replace(config, inbound=inbound))
    for pod in (mesh.web, mesh.thief):
        answers: list[int] = []
        while answers[-12:] != [403] * 12:
            assert len(answers) < 100, answers
            answers.append(mesh.ask(get("/counts-nothing"), pod=pod).status)


def statuses(mesh: Mesh, requests: int, *, pod: Pod | None = None, headers: str = "", port: int = HTTP) -> list[int]:
    """Of requests one after the other."""
    with (pod or mesh.web).connect((VIP if port == HTTP else API_IP, port)) as connection:
        return [exchange(connection, get("/", headers=headers)).status for _ in range(requests)]


def test_what_is_beyond_is_refused_and_told_when_to_come_back(limited_mesh: Mesh, five: RateLimit) -> None:
    limit(limited_mesh, five)
    assert statuses(limited_mesh, 10) == [200] * 7 + [429] * 3
    answer = limited_mesh.ask(get("/refused"))
    assert answer.status == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 12
    assert answer.headers["x-mesh-error"] == "rate-limited"
    assert logged(limited_mesh.api, "/refused")["reason"] == five.name


def test_one_bucket_for_all(limited_mesh: Mesh, five: RateLimit) -> None:
    limit(limited_mesh, five)
    assert statuses(limited_mesh, 7) == [200] * 7
    assert statuses(limited_mesh, 1, pod=limited_mesh.thief) == [429]


def test_a_bucket_for_each_caller(limited_mesh: Mesh, five: RateLimit) -> None:
    limit(limited_mesh, msgspec.structs.replace(five, by="Caller"))
    for pod in (limited_mesh.web, limited_mesh.thief):
        assert statuses(limited_mesh, 8, pod=pod) == [200] * 7 + [429]


def test_a_bucket_for_each_value_of_a_header_and_one_for_none(limited_mesh: Mesh, five: RateLimit) -> None:
    by_tenant = msgspec.structs.replace(five, by="Header", header="x-tenant")
    limit(limited_mesh, by_tenant)
    for headers in ("x-tenant: a\r\n", "x-tenant: b\r\n", "x-tenant: -\r\n", "", f"x-tenant: {'x' * 4000}\r\n"):
        assert statuses(limited_mesh, 8, headers=headers) == [200] * 7 + [429], headers


def test_who_may_not_call_takes_nothing_from_those_who_may(limited_mesh: Mesh, five: RateLimit) -> None:
    limit(limited_mesh, five, callers=(WEB,))
    assert statuses(limited_mesh, 10, pod=limited_mesh.thief) == [403] * 10
    assert statuses(limited_mesh, 8) == [200] * 7 + [429]


@pytest.mark.parametrize("order", [1, -1])
def test_what_one_limit_refuses_costs_nothing_in_another(limited_mesh: Mesh, order: int, five: RateLimit) -> None:
    two = msgspec.structs.replace(five, name=f"{five.name}-two", requests=2, burst=0, by="Header", header="x-tenant")
    limit(limited_mesh, *(five, two)[::order])
    assert statuses(limited_mesh, 10, headers="x-tenant: a\r\n") == [200] * 2 + [429] * 8
    assert statuses(limited_mesh, 2, headers="x-tenant: b\r\n") == [200] * 2
    assert statuses(limited_mesh, 2, headers="x-tenant: c\r\n") == [200] * 2
    assert statuses(limited_mesh, 2, headers="x-tenant: d\r\n") == [200, 429]


def test_other_ports_are_not_limited(limited_mesh: Mesh, five: RateLimit) -> None:
    other = Application(limited_mesh.api.listener(9091), http_echo("other"))
    try:
        limit(limited_mesh, msgspec.structs.replace(five, ports=(HTTP,)))
        assert statuses(limited_mesh, 20, port=9091) == [200] * 20
        assert statuses(limited_mesh, 8) == [200] * 7 + [429]
    finally:
        other.close()


def test_the_long_run_rate(limited_mesh: Mesh) -> None:
    """As fast as it goes for two seconds: what is taken is the bucket and the rate, whatever was refused between."""
    limit(limited_mesh, RateLimit(name="shop/limits", requests=60))
    taken = asked = 0
    with limited_mesh.web.connect((VIP, HTTP)) as connection:
        began = time.monotonic()
        while (passed := time.monotonic() - began) < 2.0:
            taken += exchange(connection, get("/")).status == 200
            asked += 1
    assert asked > 2 * taken, "too slow a machine to ask for more than is allowed"
    assert abs(taken - (60 + 60 * passed)) < 6


def test_a_bucket_outlives_a_reload(limited_mesh: Mesh, five: RateLimit) -> None:
    limit(limited_mesh, five)
    assert statuses(limited_mesh, 8) == [200] * 7 + [429]
    process = limited_mesh.api.process("haproxy")
    limit(limited_mesh, five, RateLimit(name="shop/aside", requests=1000, ports=(9999,)))
    assert limited_mesh.api.process("haproxy") != process
    assert statuses(limited_mesh, 3) == [429] * 3


def test_callers_without_a_certificate_share_a_bucket_of_their_own(limited_mesh: Mesh, five: RateLimit) -> None:
    inbound = msgspec.structs.replace(
        api_config().inbound,
        mtls="Permissive",
        authorization=Authorization(default="Allow"),
        rate_limits=(msgspec.structs.replace(five, by="Caller"),),
    )
    limited_mesh.control_plane.apply(API, api_config(inbound=inbound))
    with within(limited_mesh.network.name):
        strangers = [socket.create_connection((API_IP, HTTP), 5) for _ in range(2)]
    answers = [exchange(one, get("/")).status for one in strangers for _ in range(4)]
    for one in strangers:
        one.close()
    assert answers == [200] * 7 + [429]
    # One with a certificate has its own; a kept connection may lead to the process before, which denies it.
    mine = [limited_mesh.ask(get("/"), pod=limited_mesh.thief).status for _ in range(20)]
    assert (mine.count(200), mine[-1]) == (7, 429)
