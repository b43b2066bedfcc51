"""A fake cluster: the shop, the webhooks of the chart, tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.cluster import SHOP, a_pod
from tests.support.control_plane import NAMESPACE
from tests.support.fake_kube import FakeKube, Token, fake_kube


@pytest.fixture
async def kube() -> AsyncIterator[FakeKube]:
    async with fake_kube() as server:
        await server.apply(*SHOP, a_pod("plain-1", "10.0.0.9", meshed=False))
        for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
            webhook = {"name": "one.heddle.dev", "clientConfig": {"service": {"name": "heddle-control-plane"}}}
            await server.apply({"kind": kind, "metadata": {"name": "heddle"}, "webhooks": [webhook]})
        server.tokens |= {
            "web": Token("shop", "web", "web-1", "uid-web-1"),
            "api": Token("shop", "api", "api-1", "uid-api-1"),
            "plain": Token("shop", "default", "plain-1", "uid-plain-1"),
            "reborn": Token("shop", "web", "web-1", "uid-of-an-earlier-pod"),
            "free": Token("shop", "web"),
            "foreign": Token("shop", "web", "web-1", "uid-web-1", audience="https://kubernetes.default.svc"),
            "control-plane": Token(NAMESPACE, "heddle-control-plane", "cp-0", "uid-cp-0"),
        }
        yield server
