"""TLSRoute: what is malformed."""

from __future__ import annotations

import json

import pytest

from control_plane.kinds.registry import decode, violations
from control_plane.kinds.routes import unsupported
from control_plane.kinds.tls_route import TlsRoute
from tests.support.cluster import a_tls_route, to


def wrong(*hostnames: str) -> list[str]:
    obj = a_tls_route("web", "web", to("web", 443), hostnames=list(hostnames))
    route = decode("TLSRoute", json.dumps(obj).encode())
    assert isinstance(route, TlsRoute)
    assert unsupported(route) == ()
    return [violation.path for violation in violations("TLSRoute", route)]


def test_names_and_wildcards() -> None:
    assert wrong("a.example", "*.b.example", "localhost", "xn--bcher-kva.example") == []


@pytest.mark.parametrize(
    "name",
    [
        *(
            "A.example",
            "",
            "*",
            "a.*.example",
            "*a.example",
            "a..example",
            "-a.example",
            "10.0.0.1",
            "x" * 254,
            "a_b.c",
        ),
        "x" * 64 + ".example",
        "*." + "a." * 15 + "example",
    ],
)
def test_what_is_no_server_name(name: str) -> None:
    assert wrong("a.example", name) == ["spec.hostnames[1]"]


def test_a_bound_on_names() -> None:
    assert wrong(*(f"a{i}.example" for i in range(1025))) == ["spec.hostnames"]
