"""Snapshots that cannot run, and changes under load."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import ExitStack

import pytest
from msgspec import structs

from mesh_policy import wire
from mesh_policy.snapshot import (
    AccessLog,
    Frontend,
    HttpPermissionMatch,
    HttpRoutes,
    Intention,
    Match,
    Permission,
    Redirect,
    RouteEntry,
    Rule,
    SourceMatch,
)
from proxy.agent.retired import MAX_RETIRED
from tests.support.sidecar.applications import exchange, get
from tests.support.sidecar.load import load
from tests.support.sidecar.mesh import (
    API,
    DETECT,
    HTTP,
    ROUTED_VIP,
    VIP,
    WEB,
    Mesh,
    api_config,
    caller_config,
    with_more_backends,
)
from tests.support.sidecar.waiting import BACK_SECONDS, until


def test_a_snapshot_that_does_not_decode_is_refused_and_the_last_good_one_stays(mesh: Mesh) -> None:
    good = wire.encode(wire.stamp(caller_config("web")))
    exponential = Permission(action="allow", http=HttpPermissionMatch(path_regex="(a*)*b"))
    some = Intention(name="shop/web", source=SourceMatch(identities=(API,)), permissions=(exponential,))
    inbound = api_config(intentions=(some,)).inbound
    for bad in (
        wire.encode(wire.stamp(structs.replace(caller_config("web"), inbound=inbound))),
        b"{}",
        b'{"wireVersion":99}',
        good[:-1] + b',"unknown":1}',
        good.replace(b'"port":8080', b'"port":"x"'),
    ):
        count = len(mesh.control_plane.acks)
        mesh.control_plane.push_raw(WEB, bad)
        until(lambda n=count: len(mesh.control_plane.acks) > n, 5, "an answer")  # type: ignore[misc]
        who, ack = mesh.control_plane.acks[-1]
        assert (who, ack["accepted"], ack["version"]) == (WEB, False, wire.version_of(bad))
        assert ack["violations"]
        mesh.works()


def test_a_configuration_that_cannot_be_written_is_refused(changing_mesh: Mesh) -> None:
    mesh = changing_mesh
    intention = Permission(action="allow", http=HttpPermissionMatch(path_exact="/a\nbackend evil"))
    some = Intention(name="shop/api", source=SourceMatch(identities=(WEB,)), permissions=(intention,))
    ack = mesh.control_plane.apply(API, api_config(intentions=(some,)))
    assert (ack["accepted"], len(ack["violations"])) == (False, 1)
    mesh.works()


def test_a_configuration_that_haproxy_refuses_is_refused(changing_mesh: Mesh) -> None:
    """More words in one rule than HAProxy takes: nothing but HAProxy itself knows that limit."""
    mesh = changing_mesh
    methods = tuple(f"M{i}" for i in range(200))
    long = Permission(action="allow", http=HttpPermissionMatch(methods=methods))
    some = Intention(name="shop/api", source=SourceMatch(identities=(WEB,)), permissions=(long,))
    ack = mesh.control_plane.apply(API, api_config(intentions=(some,)))
    assert not ack["accepted"]
    assert ack["violations"][0]["path"] == "haproxy"
    mesh.works()
    assert mesh.control_plane.apply(API, api_config())["accepted"]


@pytest.mark.parametrize("vip", [VIP, ROUTED_VIP], ids=["native", "python"])
def test_changes_by_the_runtime_api_under_load_drop_nothing(changing_mesh: Mesh, vip: str) -> None:
    mesh = changing_mesh
    before = mesh.web.process("haproxy")
    with load(mesh, vip) as seen:
        for round_ in range(10):
            assert mesh.control_plane.apply(WEB, with_more_backends(round_ % 3))["accepted"]
    assert not seen.errors
    assert set(seen.statuses) == {200}
    assert len(seen.statuses) > 50
    assert mesh.web.process("haproxy") == before, "no reload was needed"


@pytest.mark.parametrize("vip", [VIP, ROUTED_VIP], ids=["native", "python"])
def test_reloads_on_both_sides_under_load_drop_nothing(changing_mesh: Mesh, vip: str) -> None:
    mesh = changing_mesh
    before = mesh.web.process("haproxy"), mesh.api.process("haproxy")
    with load(mesh, vip) as seen:
        for round_ in range(5):
            log = AccessLog(sample_percent=50 + round_)
            web, api = (structs.replace(one, access_log=log) for one in (caller_config("web"), api_config()))
            assert mesh.control_plane.apply(WEB, web)["accepted"]
            assert mesh.control_plane.apply(API, api)["accepted"]
    assert not seen.errors
    assert set(seen.statuses) == {200}
    assert len(seen.statuses) > 50
    after = mesh.web.process("haproxy"), mesh.api.process("haproxy")
    assert after[0] != before[0]
    assert after[1] != before[1]


def test_processes_that_were_replaced_are_few_whatever_connections_they_keep(changing_mesh: Mesh) -> None:
    """Each reload leaves a process with one connection; a new agent counts those of the former one too."""
    mesh = changing_mesh

    def reload(sample_percent: int) -> None:
        config = structs.replace(caller_config("web"), access_log=AccessLog(sample_percent=sample_percent))
        assert mesh.control_plane.apply(WEB, config)["accepted"]

    def echoes(connection: socket.socket) -> bool:
        try:
            connection.sendall(b"x")
            return connection.recv(1) == b"x"
        except OSError:
            return False

    def haproxies() -> int:
        return sum("haproxy" in arguments[0] for _, arguments in mesh.web.processes())

    with ExitStack() as kept:
        connections = []
        for percent in range(1, MAX_RETIRED + 1):
            connections.append(kept.enter_context(mesh.web.connect((VIP, DETECT))))
            assert echoes(connections[-1])
            reload(percent)
        assert all(echoes(one) for one in connections)
        os.kill(mesh.web.process("agent"), signal.SIGKILL)
        until(lambda: b" 200 " in mesh.web.health("/readyz")[:20], BACK_SECONDS, "the new agent")
        connections.append(kept.enter_context(mesh.web.connect((VIP, DETECT))))
        assert echoes(connections[-1])
        reload(MAX_RETIRED + 1)
        until(lambda: haproxies() == MAX_RETIRED + 1, BACK_SECONDS, "the end of the oldest")
        assert [echoes(one) for one in connections] == [False] + [True] * MAX_RETIRED


def test_a_route_that_comes_and_goes_counts_on_a_connection_that_was_there_before(changing_mesh: Mesh) -> None:
    plain = caller_config("web")
    first, *others = plain.outbound.frontends
    answers = Rule(route="HTTPRoute/shop/new", redirect=Redirect(status=307))
    routes = HttpRoutes(entries=(RouteEntry(match=Match(), rule=0),), rules=(answers,))
    routed = structs.replace(first, routes=routes, engine="python")
    with_route = structs.replace(plain, outbound=structs.replace(plain.outbound, frontends=(routed, *others)))
    with changing_mesh.web.connect((VIP, HTTP)) as connection:
        for config, status in ((plain, 200), (with_route, 307), (plain, 200)):
            assert changing_mesh.control_plane.apply(WEB, config)["accepted"]
            assert exchange(connection, get("/kept")).status == status


def test_a_new_address_is_served_within_a_second(changing_mesh: Mesh) -> None:
    mesh = changing_mesh
    new = Frontend(name="shop/new/80", addresses=("10.96.0.99",), port=80, protocol="http", backend=f"shop/api/{HTTP}")
    began = time.monotonic()
    assert mesh.control_plane.apply(WEB, caller_config("web", extra=(new,)))["accepted"]
    assert mesh.ask(get("/new"), vip="10.96.0.99", port=80).status == 200
    assert time.monotonic() - began < 1.0


def test_a_change_brings_listeners_back_that_were_given_up(changing_mesh: Mesh) -> None:
    """As a new process leaves it that told the old one to stop and then did not get ready."""
    mesh = changing_mesh
    before = mesh.web.process("haproxy")
    with mesh.web.connect((VIP, DETECT)) as kept:
        kept.sendall(b"x")
        assert kept.recv(1) == b"x"
        os.kill(before, signal.SIGUSR1)
        until(lambda: not listens(mesh), BACK_SECONDS, "it listens no more")
        config = structs.replace(caller_config("web"), access_log=AccessLog(sample_percent=50))
        assert mesh.control_plane.apply(WEB, config)["accepted"]
        assert mesh.ask(get("/")).status == 200
        kept.sendall(b"y")
        assert kept.recv(1) == b"y"
    assert mesh.web.process("haproxy") != before


def listens(mesh: Mesh) -> bool:
    try:
        with mesh.web.connect((VIP, HTTP)):
            return True
    except OSError:
        return False
