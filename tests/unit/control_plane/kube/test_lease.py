"""Leader election, against the fake API server, with a clock of our own."""

from __future__ import annotations

import pytest

from control_plane.kube.client import KubeClient
from control_plane.kube.errors import Conflict, KubeError
from control_plane.kube.lease import DURATION_SECONDS, NAME, Election
from tests.support.fake_kube import FakeKube


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def two(client: KubeClient, clock: Clock) -> tuple[Election, Election]:
    return Election(client, "mesh", "a", monotonic=clock), Election(client, "mesh", "b", monotonic=clock)


async def test_the_first_leads_and_the_second_waits(client: KubeClient) -> None:
    one, other = two(client, Clock())
    await one.step()
    await other.step()
    assert (one.leading, other.leading) == (True, False)


async def test_a_leader_that_is_silent_is_followed(client: KubeClient, kube: FakeKube) -> None:
    clock = Clock()
    one, other = two(client, clock)
    await one.step()
    await other.step()
    clock.now += DURATION_SECONDS - 1
    await other.step()
    assert not other.leading
    clock.now += 2
    assert not one.leading, "it stops before another may begin"
    await other.step()
    assert other.leading
    lease = kube.get("Lease", "mesh", NAME)
    assert lease is not None
    assert lease["spec"]["leaseTransitions"] == 1


async def test_a_leader_that_renews_stays(client: KubeClient) -> None:
    clock = Clock()
    one, other = two(client, clock)
    for _ in range(20):
        await one.step()
        await other.step()
        clock.now += 2
    assert (one.leading, other.leading) == (True, False)


async def test_a_lease_given_back_is_free_at_once(client: KubeClient) -> None:
    one, other = two(client, Clock())
    await one.step()
    await one.release()
    assert not one.leading
    await other.step()
    assert other.leading


async def test_of_two_that_take_at_the_same_time_one_fails(client: KubeClient, kube: FakeKube) -> None:
    one, other = two(client, Clock())
    await one.step()
    lease = kube.get("Lease", "mesh", NAME)
    assert lease is not None
    with pytest.raises(Conflict):
        await client.post("/apis/coordination.k8s.io/v1/namespaces/mesh/leases", {"metadata": {"name": NAME}})
    stale = {**lease, "metadata": {**lease["metadata"], "resourceVersion": "0"}}
    with pytest.raises(Conflict):
        await client.put(f"/apis/coordination.k8s.io/v1/namespaces/mesh/leases/{NAME}", stale)
    assert not other.leading


async def test_without_an_answer_nobody_leads_for_long(client: KubeClient, kube: FakeKube) -> None:
    clock = Clock()
    one, _ = two(client, clock)
    await one.step()
    await kube.stop()
    with pytest.raises(KubeError):
        await one.step()
    assert one.leading
    clock.now += DURATION_SECONDS
    assert not one.leading
