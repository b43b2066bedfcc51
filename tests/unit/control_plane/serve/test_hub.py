"""Who gets which snapshot."""

from __future__ import annotations

import asyncio
import json

from control_plane.compile.workload import Compiler
from control_plane.kinds.meta import Ref
from control_plane.serve.acks import Ack
from control_plane.serve.hub import Hub, Mailbox
from control_plane.serve.metrics import Metrics
from mesh_policy.errors import Violation
from mesh_policy.schema import missing
from mesh_policy.wire import encode
from tests.support.cluster import API_SERVICE, SHOP, WEB, a_policy, a_service, an_index, put
from tests.support.older import SLOW_START, without

KEY = ("shop", "web-1")


def a_hub() -> Hub:
    index = an_index(*SHOP)
    return Hub(index, Compiler(index), Metrics())


async def lines(mailbox: Mailbox) -> list[dict[str, object]]:
    return [json.loads(line) for line in await mailbox.take(10)]


async def test_the_first_snapshot_waits_in_the_mailbox() -> None:
    (line,) = await lines(a_hub().open(KEY))
    assert line["type"] == "snapshot"


async def test_only_the_newest_snapshot_is_kept() -> None:
    mailbox = Mailbox()
    for version in ("1", "2", "3"):
        mailbox.put_snapshot(version, version.encode())
    assert await mailbox.take(10) == [b"3"]


async def test_a_change_is_sent() -> None:
    hub = a_hub()
    running = asyncio.ensure_future(hub.run())
    mailbox = hub.open(KEY)
    await mailbox.take(10)
    hub.changed(put(hub.index, a_service("new", "10.96.1.1")))
    (line,) = await lines(mailbox)
    assert "shop/new/80" in json.dumps(line)
    running.cancel()


async def test_a_pod_that_is_gone_has_its_stream_closed() -> None:
    hub = a_hub()
    running = asyncio.ensure_future(hub.run())
    mailbox = hub.open(KEY)
    await mailbox.take(10)
    hub.changed(hub.index.delete(Ref("Pod", *KEY)))
    assert await mailbox.take(10) == []
    assert mailbox.closed
    running.cancel()


async def test_an_older_stream_of_the_pod_ends_and_its_end_does_not_end_the_newer() -> None:
    hub = a_hub()
    old, new = hub.open(KEY), hub.open(KEY)
    assert old.closed
    hub.leave(KEY, old)
    hub.trust_changed(b"roots")
    assert b"roots" in await new.take(10)


async def test_nothing_to_send_is_told_by_silence() -> None:
    hub = a_hub()
    mailbox = hub.open(KEY)
    await mailbox.take(10)
    assert await mailbox.take(0) == []


async def test_a_young_pod_is_waited_for() -> None:
    index = an_index()
    hub = Hub(index, Compiler(index), Metrics())
    waiting = asyncio.ensure_future(hub.meshed_pod(KEY, "uid-web-1", 10))
    await asyncio.sleep(0)
    hub.changed(put(index, WEB))
    found = await waiting
    assert found is not None
    assert found.key == KEY
    assert await hub.meshed_pod(KEY, "another-uid", 0) is None


async def test_a_replica_that_ends_opens_no_stream() -> None:
    hub = a_hub()
    before = hub.open(KEY)
    hub.close()
    assert before.closed
    assert hub.open(("shop", "api-1")).closed


async def test_the_last_word_counts() -> None:
    hub = a_hub()
    hub.took(KEY, Ack("shop/web-1", "sha256:1", False, (Violation("a", "b"),)))
    hub.took(KEY, Ack("shop/web-1", "sha256:2", True))
    assert [ack.version for ack in hub.acks()] == ["sha256:2"]


async def test_an_older_sidecar_is_sent_what_it_knows() -> None:
    index = an_index(*SHOP, a_policy("p", targets=[API_SERVICE], loadBalancing={"slowStart": "10s"}))
    hub = Hub(index, Compiler(index), Metrics())
    (whole,) = await hub.open(KEY).take(10)
    (less,) = await hub.open(KEY, missing(without(SLOW_START, "WorkloadConfig.accessLog"))).take(10)
    assert b"slowStartSeconds" in whole
    assert b"slowStartSeconds" not in less
    assert b"accessLog" in whole
    assert b"accessLog" not in less


async def test_what_a_sidecar_would_refuse_for_its_size_is_not_sent() -> None:
    """It would cut the stream for it, and ask again at once."""
    index = an_index(*SHOP)
    config = Compiler(index).compile(KEY)
    assert config is not None
    hub = Hub(index, Compiler(index), Metrics(), most_bytes=len(encode(config)))
    assert len(await hub.open(KEY).take(10)) == 1
    put(index, a_service("new", "10.96.1.1"))
    mailbox = hub.open(KEY)
    assert await mailbox.take(0) == []
    assert not mailbox.closed
    index.delete(Ref("Service", "shop", "new"))
    assert len(await hub.open(KEY).take(10)) == 1
