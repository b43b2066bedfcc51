"""Snapshot in, configuration out: golden files, and what must hold for every configuration."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from mesh_policy.errors import InvalidConfig
from mesh_policy.snapshot import Backend, Endpoint, Frontend, HttpRoutes, Inbound, InboundPort, Outbound, WorkloadConfig
from proxy.engine.haproxy.render import render
from tests.support.sidecar.snapshots import ALL, CALLER, PLACE, STRICT

GOLDEN = Path(__file__).parents[3] / "golden" / "haproxy"


@pytest.mark.parametrize("name", ALL)
def test_golden(name: str, golden: Callable[[Path, str], None]) -> None:
    files = render(ALL[name], "ROOTS\n", PLACE).files()
    golden(GOLDEN / f"{name}.cfg", files["haproxy.cfg"])
    maps = (f"# {file}\n{text}" for file, text in sorted(files.items()) if file.endswith(".map"))
    golden(GOLDEN / f"{name}.maps", "\n".join(maps))


@pytest.mark.parametrize("name", ALL)
def test_every_tls_server_verifies_one_name_that_no_request_can_choose(name: str) -> None:
    """Without `no-sni-auto` HAProxy 3.4 verifies against the request's Host; with `sni` against that."""
    for line in render(ALL[name], "ROOTS\n", PLACE).text.splitlines():
        words = line.split()
        if words[:1] == ["server"] and "ssl" in words:
            assert "no-sni-auto" in words
            assert words[words.index("verify") + 1] == "required"
            assert re.fullmatch(r"[a-z0-9.-]+\.sa\.cluster\.local", words[words.index("verifyhost") + 1])
            assert "sni" not in words


@pytest.mark.parametrize("name", ALL)
def test_every_tls_listener_requires_a_certificate(name: str) -> None:
    binds = [line for line in render(ALL[name], "ROOTS\n", PLACE).text.splitlines() if line.startswith("  bind")]
    assert all("verify required" in line for line in binds if " ssl " in line)
    assert any(" ssl " in line for line in binds)


@pytest.mark.parametrize("name", ALL)
def test_every_section_names_its_defaults(name: str) -> None:
    """One that does not takes the last defaults there are, whatever they are for, and HAProxy warns at every reload."""
    lines = render(ALL[name], "ROOTS\n", PLACE).text.splitlines()
    sections = [line for line in lines if re.match(r"(?:frontend|backend|listen) ", line)]
    assert sections
    assert [line for line in sections if " from d-" not in line] == []


def test_rendering_is_pure() -> None:
    assert render(CALLER, "ROOTS\n", PLACE) == render(CALLER, "ROOTS\n", PLACE)


def test_an_endpoint_at_the_pod_s_own_address_is_dialled_in_plain() -> None:
    """Loopback is not captured: nobody would answer the handshake."""
    servers = render(CALLER, "ROOTS\n", PLACE).sections["h1:shop:v1_40subset:70"].servers
    assert list(servers.values()) == ["10.0.0.9:7070"]


def with_frontend(**changes: object) -> WorkloadConfig:
    frontend = msgspec.structs.replace(CALLER.outbound.frontends[0], **changes)
    return msgspec.structs.replace(CALLER, outbound=msgspec.structs.replace(CALLER.outbound, frontends=(frontend,)))


def with_endpoint(endpoint: Endpoint) -> WorkloadConfig:
    backend = Backend(name="a/b/1", protocol="http", endpoints=(endpoint,))
    return msgspec.structs.replace(STRICT, outbound=Outbound(backends=(backend,)))


REFUSED = {
    "a route for HAProxy alone": with_frontend(routes=HttpRoutes()),
    "bytes for the worker": with_frontend(engine="python", protocol="tcp"),
    "an address that is none": with_frontend(addresses=("10.0.0.1 x",)),
    "an IPv6 address": with_frontend(addresses=("fd00::1",)),
    "a port that is none": with_frontend(port=70000),
    "an endpoint that is a name": with_endpoint(Endpoint(ip="evil.example", port=80)),
    "an endpoint without port": with_endpoint(Endpoint(ip="10.0.0.1", port=0)),
    "an identity that is none": with_endpoint(Endpoint(ip="10.0.0.1", port=80, identity="spiffe://x/ns/a b/sa/c")),
    "an inbound port that is none": msgspec.structs.replace(STRICT, inbound=Inbound(ports=(InboundPort(port=-1),))),
    "a newline in a name": with_frontend(name="a\nbackend b"),
    "one address twice": msgspec.structs.replace(
        CALLER,
        outbound=msgspec.structs.replace(
            CALLER.outbound,
            frontends=(
                *CALLER.outbound.frontends,
                Frontend(name="x/y/80", addresses=("10.96.0.1",), port=80, protocol="http", backend="shop/api/80"),
            ),
        ),
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_expressed_is_refused(what: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        render(REFUSED[what], "ROOTS\n", PLACE).files()
    assert refused.value.violations
