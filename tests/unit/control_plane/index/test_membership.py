"""Which pods are in the mesh, who they are, how they are dialled."""

from __future__ import annotations

import pytest

from control_plane.index.membership import (
    consents_to_chaos,
    default_action,
    identity_of,
    mtls_mode,
    peer_identity,
)
from control_plane.index.store import Index
from control_plane.kinds.pod import Pod
from tests.support.cluster import a_mesh_config, a_namespace, a_pod, an_index

WEB = "spiffe://cluster.local/ns/shop/sa/web"


def the_pod(index: Index) -> Pod:
    found = index.pod("shop", "web-1")
    assert found is not None
    return found


def web(**labels: str) -> dict[str, object]:
    prefixed = {f"mesh.heddle.dev/{key}": value for key, value in labels.items()}
    excluded = {"mesh.heddle.dev/exclude-inbound-ports": "9000"}
    return a_pod("web-1", "10.0.0.1", account="web", labels=prefixed, annotations=excluded)


def test_identity_is_the_service_account() -> None:
    index = an_index(web())
    assert identity_of(index, the_pod(index)) == WEB
    renamed = an_index(web(), a_mesh_config(trustDomain="example.org"))
    assert identity_of(renamed, the_pod(renamed)) == "spiffe://example.org/ns/shop/sa/web"


@pytest.mark.parametrize(
    ("pod", "namespace", "mesh", "mode"),
    [
        ({}, {}, {}, "Strict"),
        ({}, {}, {"mtls": {"mode": "Permissive"}}, "Permissive"),
        ({}, {"mtls": "Disabled"}, {"mtls": {"mode": "Permissive"}}, "Disabled"),
        ({"mtls": "Strict"}, {"mtls": "Disabled"}, {"mtls": {"mode": "Permissive"}}, "Strict"),
        ({"mtls": "permissive"}, {}, {"mtls": {"mode": "Permissive"}}, "Strict"),
    ],
    ids=["default", "mesh", "namespace", "pod", "unreadable is strict"],
)
def test_mtls_mode(pod: dict[str, str], namespace: dict[str, str], mesh: dict[str, object], mode: str) -> None:
    index = an_index(web(**pod), a_namespace("shop", **namespace), a_mesh_config(**mesh))
    assert mtls_mode(index, the_pod(index)) == mode


@pytest.mark.parametrize(
    ("labels", "action"), [({}, "Allow"), ({"authorization": "Audit"}, "Audit"), ({"authorization": "yes"}, "Deny")]
)
def test_default_action(labels: dict[str, str], action: str) -> None:
    index = an_index(a_namespace("shop", **labels), a_mesh_config(authorization={"default": "Allow"}))
    assert default_action(index, "shop") == action


def test_whom_a_client_must_find() -> None:
    index = an_index(web(), a_namespace("shop"))
    pod = the_pod(index)
    assert peer_identity(index, pod, 8080) == WEB
    assert peer_identity(index, pod, 9000) is None, "excluded from capture"
    assert peer_identity(index, pod, 15020) is None, "the sidecar's own port"
    assert peer_identity(index, None, 8080) is None


def test_a_pod_without_sidecar_or_with_mtls_disabled_is_dialled_in_plain() -> None:
    plain = an_index(a_pod("web-1", "10.0.0.1", meshed=False))
    assert peer_identity(plain, the_pod(plain), 8080) is None
    disabled = an_index(web(mtls="Disabled"))
    assert peer_identity(disabled, the_pod(disabled), 8080) is None


def test_chaos_needs_consent() -> None:
    assert consents_to_chaos(an_index(a_namespace("shop", chaos="allowed")), "shop")
    assert not consents_to_chaos(an_index(a_namespace("shop", chaos="true")), "shop")
    assert not consents_to_chaos(an_index(), "shop")
