"""Where the other replicas are."""

from __future__ import annotations

from control_plane.runtime.peers import replicas
from tests.support.cluster import a_pod, a_service, a_slice, an_index

ONE = a_pod("cp-1", "10.0.0.1", namespace="mesh", meshed=False)
TWO = a_pod("cp-2", "10.0.0.2", namespace="mesh", meshed=False)
SERVICE = a_service(
    "cp", "10.96.0.1", {"name": "https", "port": 443}, {"name": "hooks", "port": 9443}, namespace="mesh"
)
OWN = ("10.0.0.1", 8443)


def test_all_but_this_one_on_the_port_of_the_sidecars() -> None:
    hooks = a_slice("cp", ONE, TWO, namespace="mesh", port=9443, name="hooks", slice="hooks")
    index = an_index(SERVICE, a_slice("cp", ONE, TWO, namespace="mesh", port=8443, name="https"), hooks)
    assert replicas(index, "mesh", "cp", OWN) == (("10.0.0.2", 8443),)


def test_one_that_is_not_ready_is_not_asked() -> None:
    gone = a_slice("cp", TWO, namespace="mesh", port=8443, name="https", conditions={"ready": False})
    assert replicas(an_index(SERVICE, gone), "mesh", "cp", OWN) == ()


def test_without_the_service_there_is_nobody() -> None:
    assert replicas(an_index(), "mesh", "cp", OWN) == ()
