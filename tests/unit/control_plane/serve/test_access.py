"""Bearer tokens: asked once, believed for a while, and never kept in clear."""

from __future__ import annotations

import pytest

from control_plane.kube.errors import Unavailable
from control_plane.kube.token_review import Caller
from control_plane.serve.access import BAD_SECONDS, GOOD_SECONDS, MAX_TOKENS, Access

WEB = Caller("shop", "web", "web-1", "uid")


class Reviews:
    def __init__(self) -> None:
        self.asked: list[str] = []
        self.now = 0.0
        self.fails = False
        self.access = Access(self.review, lambda: self.now)

    async def review(self, token: str) -> Caller | None:
        self.asked.append(token)
        if self.fails:
            raise Unavailable("POST tokenreviews")
        return WEB if token.startswith("good") else None


async def test_a_good_token_is_asked_for_once_a_minute() -> None:
    reviews = Reviews()
    for _ in range(3):
        assert await reviews.access.caller("Bearer good") == WEB
    assert reviews.asked == ["good"]
    reviews.now = GOOD_SECONDS + 1
    await reviews.access.caller("bearer good")
    assert reviews.asked == ["good", "good"]


async def test_a_bad_token_is_remembered_for_a_moment() -> None:
    reviews = Reviews()
    for _ in range(2):
        assert await reviews.access.caller("Bearer bad") is None
    reviews.now = BAD_SECONDS + 1
    assert await reviews.access.caller("Bearer bad") is None
    assert reviews.asked == ["bad", "bad"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic good", "good", "Bearer " + "x" * 20_000])
async def test_what_is_no_bearer_token_is_not_asked(header: str) -> None:
    reviews = Reviews()
    assert await reviews.access.caller(header) is None
    assert reviews.asked == []


async def test_a_failure_is_not_remembered() -> None:
    reviews = Reviews()
    reviews.fails = True
    with pytest.raises(Unavailable):
        await reviews.access.caller("Bearer good")
    reviews.fails = False
    assert await reviews.access.caller("Bearer good") == WEB


async def test_memory_is_bounded_and_holds_no_token() -> None:
    reviews = Reviews()
    for i in range(MAX_TOKENS + 10):
        await reviews.access.caller(f"Bearer good-{i}")
    assert len(reviews.access._known) == MAX_TOKENS
    assert all(len(key) == 32 for key in reviews.access._known)
