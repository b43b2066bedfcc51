from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

import pytest
from mitmproxy.http import HTTPFlow

from mesh_addons.guard import fail_closed
from tests.support.flows import answer, flow, frontends, settle


def broken(made: HTTPFlow) -> None:
    raise ValueError("secret " + made.request.path)


def broken_later(made: HTTPFlow) -> Awaitable[None]:
    async def later() -> None:
        await asyncio.sleep(0)
        broken(made)

    return later()


@pytest.mark.parametrize("hook", [broken, broken_later])
@pytest.mark.parametrize("event", ["requestheaders", "request", "responseheaders"])
def test_a_hook_that_raises_refuses_the_request(hook: object, event: str, caplog: pytest.LogCaptureFixture) -> None:
    made = answer(flow(frontends()))
    with caplog.at_level(logging.ERROR):
        settle(fail_closed(hook, addon="test", event=event)(made))  # type: ignore[arg-type]
    assert made.response is not None
    assert made.response.status_code == 500
    assert made.response.headers["x-mesh-error"] == "policy-failure"
    assert "ValueError" in caplog.text
    assert "test_guard.py" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("event", ["response", "error"])
def test_when_the_answer_is_on_its_way_the_flow_is_cut(event: str) -> None:
    made = answer(flow(frontends()))
    settle(fail_closed(broken, addon="test", event=event)(made))
    assert made.error is not None
    assert made.response is not None
    assert made.response.status_code == 200


def test_a_hook_that_works_is_left_alone() -> None:
    made = flow(frontends())
    assert fail_closed(lambda _flow: None, addon="test", event="requestheaders")(made) is None
    assert made.response is None


def test_cancellation_is_no_failure() -> None:
    made = flow(frontends())

    def cancelled(_flow: HTTPFlow) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        fail_closed(cancelled, addon="test", event="requestheaders")(made)
