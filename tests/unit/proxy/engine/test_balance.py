"""Classes of backends, and what a server's line says for the choice of an endpoint."""

from __future__ import annotations

import msgspec
import pytest

from mesh_policy.snapshot import Backend, Balance, Endpoint, HashOn, Outbound, WorkloadConfig
from proxy.engine.haproxy.difference import difference
from proxy.engine.haproxy.render import render
from proxy.engine.haproxy.rendering import Rendered
from tests.support.sidecar.snapshots import PLACE, STRICT

HASHED = Balance(algorithm="ConsistentHash", hash_on=HashOn(header="x-user"))


def config(balance: Balance, zone: str = "a", protocol: str = "http") -> WorkloadConfig:
    endpoints = tuple(Endpoint(ip=f"10.1.0.{number}", port=80, zone=where) for number, where in enumerate("abb", 1))
    backend = Backend(name="s/api/80", protocol=protocol, endpoints=endpoints, balance=balance)  # type: ignore[arg-type]
    return msgspec.structs.replace(
        STRICT,
        workload=msgspec.structs.replace(STRICT.workload, zone=zone),
        outbound=msgspec.structs.replace(STRICT.outbound, backends=(backend,)),
    )


def rendered(balance: Balance, zone: str = "a", protocol: str = "http") -> Rendered:
    return render(config(balance, zone, protocol), "ROOTS\n", PLACE)


@pytest.mark.parametrize(
    ("balance", "protocol", "name", "rule"),
    [
        (Balance(), "http", "d-http-least-request", "balance random(2)"),
        (Balance(algorithm="RoundRobin"), "http", "d-http-round-robin", "balance roundrobin"),
        (Balance(algorithm="Random"), "tcp", "d-tcp-random", "balance random(1)"),
        (HASHED, "http", "d-http-hash-header-x-user", "balance hash req.fhdr(x-user)"),
        (HASHED, "tcp", "d-tcp-least-request", "balance random(2)"),
        (
            Balance(algorithm="ConsistentHash", hash_on=HashOn(cookie="Id_1")),
            "http",
            "d-http-hash-cookie-Id_5f1",
            "balance hash req.cook(Id_1)",
        ),
        (
            Balance(algorithm="ConsistentHash", hash_on=HashOn(address=True)),
            "tcp",
            "d-tcp-hash-address",
            "balance hash str(10.0.0.9)",
        ),
    ],
)
def test_an_algorithm_is_a_class(balance: Balance, protocol: str, name: str, rule: str) -> None:
    found = rendered(balance, protocol=protocol)
    carrier = "tcp" if protocol == "tcp" else "h1"
    assert found.sections[f"{carrier}:s:api:80"].template == name
    section = found.static.split(f"\ndefaults {name} ")[1].split("\ndefaults ")[0]
    assert f"  {rule}\n" in section


def standby(found: Rendered) -> list[str]:
    servers = found.sections["h1:s:api:80"].servers.values()
    return sorted(one.split()[0] for one in servers if " backup" in one)


def test_other_zones_stand_by() -> None:
    assert standby(rendered(Balance(prefer_zone=True))) == ["10.1.0.2:80", "10.1.0.3:80"]
    assert standby(rendered(Balance(prefer_zone=False))) == []


def test_a_pod_that_does_not_know_its_zone_prefers_none() -> None:
    assert standby(rendered(Balance(prefer_zone=True), zone="")) == []


def test_only_rings_have_places() -> None:
    for balance, ring in ((Balance(), False), (HASHED, True), (Balance(algorithm="Random"), True)):
        servers = rendered(balance).sections["h1:s:api:80"].servers.values()
        assert all(("weight 16 hash-key addr-port" in one) is ring for one in servers)


def test_slow_start_is_a_part_of_the_server() -> None:
    servers = rendered(Balance(slow_start_seconds=1.5)).sections["h1:s:api:80"].servers.values()
    assert all(one.endswith(" slowstart 1500ms") for one in servers)


def test_classes_without_a_name_in_them_need_no_reload_for_a_new_backend() -> None:
    before = render(STRICT, "ROOTS\n", PLACE)
    for balance in (Balance(), Balance(algorithm="RoundRobin"), Balance(algorithm="Random", slow_start_seconds=9)):
        assert difference(before, rendered(balance, zone=STRICT.workload.zone), PLACE)
    assert difference(before, rendered(HASHED), PLACE) is None


def test_another_class_of_a_backend_is_a_reload() -> None:
    assert difference(rendered(Balance()), rendered(Balance(algorithm="RoundRobin")), PLACE) is None


def test_a_limit_of_silence_is_a_class_of_its_own_for_bytes_alone() -> None:
    backend = msgspec.structs.replace(config(Balance(), protocol="detect").outbound.backends[0], idle_seconds=1.5)
    found = render(msgspec.structs.replace(STRICT, outbound=Outbound(backends=(backend,))), "ROOTS\n", PLACE)
    assert found.sections["tcp:s:api:80"].template == "d-tcp-least-request-idle-1500"
    assert found.sections["h1:s:api:80"].template == "d-http-least-request"
    section = found.static.split("\ndefaults d-tcp-least-request-idle-1500 ")[1].split("\ndefaults ")[0]
    assert "  timeout tunnel 1500ms\n" in section
