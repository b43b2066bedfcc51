"""Limits of a backend as data of HAProxy: the map, and `maxconn` of its servers."""

from __future__ import annotations

import msgspec
import pytest

from mesh_policy.snapshot import Backend, Balance, Circuit, Endpoint, WorkloadConfig
from proxy.engine.haproxy import circuit
from proxy.engine.haproxy.difference import difference
from proxy.engine.haproxy.render import render
from tests.support.sidecar.snapshots import PLACE, STRICT


@pytest.mark.parametrize(
    ("given", "h1", "h2", "tcp"),
    [
        (None, None, None, None),
        (Circuit(), None, None, None),
        (Circuit(max_connections=4), None, None, None),
        (Circuit(max_pending=4), None, None, None),
        (Circuit(max_requests=7), 7, 7, None),
        (Circuit(max_connections=4, max_pending=2), 6, 6, 6),
        (Circuit(max_connections=4, max_pending=0, max_requests=9), 4, 4, 4),
    ],
)
def test_how_many_may_be_under_way(given: Circuit | None, h1: int | None, h2: int | None, tcp: int | None) -> None:
    assert [circuit.limit(given, carrier) for carrier in ("h1", "h2", "tcp")] == [h1, h2, tcp]


@pytest.mark.parametrize(
    ("connections", "endpoints", "h1", "h2"),
    [(None, 3, 0, 0), (4, 0, 0, 0), (4, 1, 4, 4), (4, 3, 2, 2), (1, 5, 1, 1)],
)
def test_endpoints_share_the_connections(connections: int | None, endpoints: int, h1: int, h2: int) -> None:
    given = Circuit(max_connections=connections)
    assert circuit.per_endpoint(given, "h1", endpoints) == h1
    assert circuit.per_endpoint(given, "h2", endpoints) == h2


def config(given: Circuit | None, endpoints: int = 2) -> WorkloadConfig:
    backend = Backend(
        name="s/api/80",
        protocol="http",
        endpoints=tuple(Endpoint(ip=f"10.1.0.{number}", port=80) for number in range(1, endpoints + 1)),
        circuit=given,
    )
    return with_backend(backend)


def with_backend(backend: Backend) -> WorkloadConfig:
    return msgspec.structs.replace(STRICT, outbound=msgspec.structs.replace(STRICT.outbound, backends=(backend,)))


def commands(old: WorkloadConfig, new: WorkloadConfig) -> list[str]:
    found = difference(render(old, "ROOTS\n", PLACE), render(new, "ROOTS\n", PLACE), PLACE)
    assert found is not None, "a reload"
    return [" ".join(command.text.split()[:3]) for command in found]


def test_a_limit_comes_changes_and_goes_without_a_reload() -> None:
    limited, other = config(Circuit(max_requests=5)), config(Circuit(max_requests=6))
    path = "/run/heddle/gen/1/circuits.map"
    assert commands(config(None), limited) == [f"add map {path}"] * 2
    assert commands(limited, other) == [f"set map {path}"] * 2
    assert commands(other, config(None)) == [f"del map {path}"] * 2


def test_servers_keep_their_names_when_their_part_changes() -> None:
    """Two endpoints have 4 connections each; a third one comes, and each has 3."""
    two, three = config(Circuit(max_connections=8)), config(Circuit(max_connections=8), endpoints=3)
    found = commands(two, three)
    assert sum(text.startswith("set maxconn server") for text in found) == 4  # of h1 and h2
    assert sum(text.startswith("add server") for text in found) == 2
    assert not any(text.startswith("del server") for text in found)
    text = render(three, "ROOTS\n", PLACE).text
    assert text.count(" maxconn 3\n") == 6


@pytest.mark.parametrize(
    ("algorithm", "template"),
    [("LeastRequest", "least-of-all"), ("RoundRobin", "round-robin"), ("Random", "round-robin")],
)
def test_no_request_waits_at_a_full_endpoint_beside_a_free_one(algorithm: str, template: str) -> None:
    """`random` picks first and looks for room afterwards."""
    limited = Backend(
        name="s/api/80",
        balance=Balance(algorithm=algorithm),  # type: ignore[arg-type]
        circuit=Circuit(max_connections=1),
    )
    sections = render(with_backend(limited), "ROOTS\n", PLACE).sections
    assert {section.template for section in sections.values()} == {f"d-http-{template}", f"d-tcp-{template}"}
