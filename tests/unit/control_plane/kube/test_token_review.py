"""Token reviews."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from control_plane.kube.client import KubeClient
from control_plane.kube.token_review import Caller, review
from tests.support.fake_kube import FakeKube, Token, fake_kube


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    async with fake_kube() as server:
        server.tokens["good"] = Token("shop", "web", "web-1", "uid-1")
        server.tokens["free"] = Token("shop", "web")
        server.tokens["other"] = Token("shop", "web", "web-1", "uid-1", audience="https://kubernetes.default.svc")
        yield server


async def test_who_is_calling_is_the_api_servers_word(client: KubeClient) -> None:
    assert await review(client, "good") == Caller("shop", "web", "web-1", "uid-1")
    assert await review(client, "free") == Caller("shop", "web", "", "")


@pytest.mark.parametrize("token", ["", "bad", "other", "ü", "x" * 20_000])
async def test_what_is_no_token_for_us(client: KubeClient, token: str) -> None:
    assert await review(client, token) is None


@pytest.mark.parametrize("token", ["", "ü", "x" * 20_000])
async def test_nonsense_never_reaches_the_api_server(client: KubeClient, kube: FakeKube, token: str) -> None:
    await review(client, token)
    assert kube.requests == []
