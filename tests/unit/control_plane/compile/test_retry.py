"""Which attempts are followed by another one."""

from __future__ import annotations

from control_plane.compile.retry import retry
from control_plane.kinds.retry import RouteRetry
from mesh_policy.snapshot import Retry
from tests.support.policies import on_api, over_mesh


def test_without_a_word_there_is_none() -> None:
    assert retry(*over_mesh({})) is None


def test_a_policys_words_are_sorted_into_their_places() -> None:
    found = retry(
        *on_api(
            retry={
                "attempts": 2,
                "when": ["Unavailable", "503", "Timeout", "ConnectFailure"],
                "backoff": {"base": "50ms", "max": "1s"},
                "methods": ["POST", "GET"],
            }
        )
    )
    assert found == Retry(
        attempts=2,
        on=("ConnectFailure", "Timeout"),
        statuses=(503,),
        grpc_statuses=(14,),
        backoff_base_seconds=0.05,
        backoff_max_seconds=1.0,
        methods=("GET", "POST"),
    )


def test_defaults_are_safe() -> None:
    assert retry(*on_api(retry={})) == Retry()
    assert retry(*on_api(retry={"methods": "Idempotent"})) == Retry()
    every = retry(*on_api(retry={"methods": "All"}))
    assert every is not None and every.methods is None


def test_no_attempts_take_the_meshs_away() -> None:
    mesh = {"retry": {"attempts": 3}}
    assert retry(*over_mesh(mesh)) == Retry(attempts=3)
    assert retry(*over_mesh(mesh, retry={"attempts": 0})) is None


def test_a_routes_own_goes_before_the_policys() -> None:
    policy = on_api(retry={"attempts": 5, "methods": "All"})
    assert retry(*policy, RouteRetry()) == Retry()
    assert retry(*policy, RouteRetry(codes=(503, 500), attempts=2)) == Retry(attempts=2, statuses=(500, 503))


def test_a_routes_pause_is_the_least() -> None:
    found = retry(*on_api(retry={}), RouteRetry(backoff="100ms"))
    assert found == Retry(backoff_min_seconds=0.1, backoff_base_seconds=0.1, backoff_max_seconds=1.0)
    short = retry(*on_api(retry={}), RouteRetry(backoff="1ms"))
    assert short == Retry(backoff_min_seconds=0.001)
