"""Limits of a rule's requests."""

from __future__ import annotations

from typing import Any

import pytest

from control_plane.compile.timeouts import idle_seconds, timeouts
from control_plane.kinds.timeouts import HttpTimeouts
from mesh_policy.snapshot import Timeouts
from tests.support.policies import on_api, over_mesh


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (None, None),
        (HttpTimeouts(), None),
        (HttpTimeouts(request="0s", backend_request="0s"), None),
        (HttpTimeouts(request="2s"), Timeouts(request_seconds=2.0)),
        (HttpTimeouts(request="0s", backend_request="250ms"), Timeouts(backend_seconds=0.25)),
    ],
)
def test_zero_and_nothing_are_no_limit(spec: HttpTimeouts | None, expected: Timeouts | None) -> None:
    assert timeouts(*over_mesh({}), spec) == expected


POLICY: dict[str, Any] = {"request": "2s", "backendRequest": "500ms", "idle": "1m"}


def test_a_policy_gives_all_three() -> None:
    assert timeouts(*on_api(timeouts=POLICY)) == Timeouts(request_seconds=2.0, backend_seconds=0.5, idle_seconds=60.0)


def test_a_routes_own_go_before_and_silence_is_the_policys() -> None:
    found = timeouts(*on_api(timeouts=POLICY), HttpTimeouts(request="9s"))
    assert found == Timeouts(request_seconds=9.0, idle_seconds=60.0)


def test_a_policy_takes_the_meshs_away() -> None:
    mesh = {"timeouts": {"request": "5s"}}
    assert timeouts(*over_mesh(mesh)) == Timeouts(request_seconds=5.0)
    assert timeouts(*over_mesh(mesh, timeouts={"request": "0s"})) is None


def test_silence_alone_is_what_connections_of_bytes_have() -> None:
    assert idle_seconds(*on_api(timeouts=POLICY)) == 60.0
    assert idle_seconds(*on_api(timeouts={"idle": "0s"})) is None
    assert idle_seconds(*over_mesh({})) is None
