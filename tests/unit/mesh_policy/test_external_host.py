from __future__ import annotations

import pytest

from mesh_policy import external_host
from mesh_policy.snapshot import Backend, Endpoint


@pytest.mark.parametrize("name", ["example.org", "a", "xn--bcher-kva.example", "1.example.org", "a" * 63 + ".example"])
def test_names_of_hosts(name: str) -> None:
    assert external_host.refusal(name) is None


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "not a host name"),
        ("Example.org", "not a host name"),
        ("example.org.", "not a host name"),
        ("a..b", "not a host name"),
        ("-a.example", "not a host name"),
        ("a b", "not a host name"),
        ("a\n", "not a host name"),
        ("a" * 64 + ".example", "not a host name"),
        (".".join(["a" * 60] * 5), "not a host name"),
        ("127.0.0.1", "an address"),
        ("2130706433", "an address"),
        ("0x7f000001", "an address"),
        ("127.0x1", "an address"),
        ("localhost", "every pod itself"),
        ("a.localhost", "every pod itself"),
    ],
)
def test_what_is_no_host_for_copies(name: str, says: str) -> None:
    assert says in (external_host.refusal(name) or "")


@pytest.mark.parametrize(
    ("backend", "path"),
    [
        (Backend(name="b", hostname="127.0.0.1", external_port=80), "b.hostname"),
        (Backend(name="b", hostname="example.org"), "b.externalPort"),
        (Backend(name="b", hostname="example.org", external_port=65536), "b.externalPort"),
        (
            Backend(name="b", hostname="a.example", external_port=80, endpoints=(Endpoint(ip="10.0.0.1", port=1),)),
            "b.endpoints",
        ),
    ],
)
def test_a_backend_that_makes_no_sense_is_refused(backend: Backend, path: str) -> None:
    assert [violation.path for violation in external_host.check(backend, "b")] == [path]


def test_backends_of_the_cluster_are_no_concern_of_it() -> None:
    assert external_host.check(Backend(name="b"), "b") == []
    assert external_host.check(Backend(name="b", hostname="example.org", external_port=80), "b") == []
