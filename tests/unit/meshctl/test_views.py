"""What status and proxy show, out of what pods and sidecars say."""

from __future__ import annotations

from meshctl import pods
from meshctl.commands import status
from tests.support.fake_cluster import a_pod


def test_a_pod_is_named_by_its_deployment() -> None:
    assert pods.parse(a_pod("shop", "web-abc-x", app="web")).owner == "Deployment/web"
    alone = {"metadata": {"namespace": "n", "name": "p"}, "spec": {}, "status": {}}
    assert pods.parse(alone).owner == "Pod/p"
    job = a_pod("shop", "x-1")
    job["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "x", "controller": True}]
    assert pods.parse(job).owner == "Job/x"


def test_a_pod_without_the_mark_is_not_meshed() -> None:
    assert pods.parse(a_pod("shop", "a-1")).meshed
    seen = pods.parse(a_pod("shop", "a-1", meshed=False))
    assert not seen.meshed
    assert seen.proxy_image == ""


def test_ending_pods_do_not_count_as_running() -> None:
    ending = a_pod("shop", "a-1")
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    found = [pods.parse(one) for one in (ending, a_pod("shop", "a-2"), a_pod("shop", "a-3", phase="Succeeded"))]
    assert [pod.name for pod in pods.running(found)] == ["a-2"]


def test_a_sidecar_tells_its_version_and_whether_it_hears_the_control_plane() -> None:
    info = 'heddle_agent_snapshot_info{version="sha256:0123456789abcdef"} 1'
    text = f'{info}\nheddle_agent_connected 1\nhaproxy_x{{a="b"}} 3\n'
    assert status.parse(text) == status.Sidecar("sha256:0123456789abcdef", True, True)
    assert status.parse("") == status.Sidecar("", False, True)


def test_a_row_shows_who_is_behind() -> None:
    members = [pods.parse(a_pod("shop", "a-1")), pods.parse(a_pod("shop", "a-2", meshed=False))]
    shown = status.row(members, {"shop/a-1": status.Sidecar("sha256:0123456789", True, True)})
    assert [str(cell) for cell in shown[1:4]] == ["Deployment/a", "1/2", "2/2"]
    assert str(shown[5]) == "01234567"
    assert str(status.row(members, {"shop/a-1": status.Sidecar()})[5]) == "? (1 silent)"
