from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mesh_policy.mirror import copies
from mesh_policy.snapshot import Mirror


def test_each_mirror_has_a_share_of_its_own() -> None:
    mirrors = (Mirror(backend="a", percent=50), Mirror(backend="b"), Mirror(backend="c", percent=0))
    assert copies(mirrors, [0.49, 0.999, 0.0]) == ("a", "b")
    assert copies(mirrors, [0.5, 0.0, 0.0]) == ("b",)


@given(st.floats(0, 100), st.integers(1, 400))
def test_evenly_spread_draws_give_the_share(percent: float, count: int) -> None:
    sent = sum(len(copies((Mirror(backend="a", percent=percent),), [i / count])) for i in range(count))
    assert abs(sent - count * percent / 100) <= 1
