"""The validating webhook, asked over HTTP as the API server asks."""

from __future__ import annotations

from typing import Any

from control_plane.admission.webhook import routes
from control_plane.index.store import Index
from tests.support.admission import a_review, serving

GOOD: dict[str, Any] = {
    "metadata": {"name": "api-v2", "namespace": "shop"},
    "spec": {"service": "api", "selector": {"matchLabels": {"version": "v2"}}},
}
BAD: dict[str, Any] = {**GOOD, "spec": {"service": "API", "selector": {"matchLabels": {}}}}


async def ask(obj: Any, **about: Any) -> dict[str, Any]:
    async with serving(routes(Index())) as client:
        answer = await client.post("/validate", json=a_review(obj, **{"kind": "ServiceSubset", **about}))
        assert answer.status == 200
        response: dict[str, Any] = (await answer.json())["response"]
    return response


async def test_a_good_object_goes_in_with_its_warnings() -> None:
    response = await ask(GOOD)
    assert response["allowed"]
    assert response["warnings"] == ["spec.service: Service shop/api does not exist (yet)"]
    assert "patch" not in response


async def test_a_wrong_object_is_refused_line_by_line() -> None:
    response = await ask(BAD)
    assert not response["allowed"]
    assert response["status"]["code"] == 422
    lines = response["status"]["message"].splitlines()
    assert [line.partition(": ")[0] for line in lines] == ["spec.service", "spec.selector.matchLabels"]


async def test_an_update_is_checked_and_a_deletion_is_not() -> None:
    assert not (await ask(BAD, operation="UPDATE"))["allowed"]
    assert (await ask(None, operation="DELETE"))["allowed"]


async def test_an_object_that_is_none_is_refused() -> None:
    assert not (await ask(None))["allowed"]
