from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from mesh_policy import split

weights = st.lists(st.integers(0, 12), min_size=1, max_size=5).map(tuple)


def draw_many(shares: tuple[int, ...], state: split.State, count: int) -> tuple[Counter[int | None], split.State]:
    seen: Counter[int | None] = Counter()
    for _ in range(count):
        index, state = split.choose(shares, state)
        seen[index] += 1
    return seen, state


@given(weights, st.floats(0, 1, exclude_max=True), st.integers(0, 30))
def test_every_window_of_the_sum_of_weights_is_exact(shares: tuple[int, ...], draw: float, skip: int) -> None:
    total = sum(shares)
    state = split.start(shares, draw)
    _, state = draw_many(shares, state, skip)
    seen, after = draw_many(shares, state, total)
    assert {i: n for i, n in seen.items() if n} == {i: w for i, w in enumerate(shares) if w}
    assert after == state


@given(weights)
def test_credit_is_neither_made_nor_lost(shares: tuple[int, ...]) -> None:
    state: split.State = (0,) * len(shares)
    for _ in range(30):
        _, state = split.choose(shares, state)
        assert sum(state) == 0
        assert max(map(abs, state), default=0) <= sum(shares)


def test_seventy_thirty_over_ten_requests() -> None:
    seen, _ = draw_many((7, 3), split.start((7, 3), 0.42), 500)
    assert seen == {0: 350, 1: 150}


def test_a_weight_of_zero_gets_nothing_and_all_zero_gives_none() -> None:
    seen, _ = draw_many((0, 1, 0), (0, 0, 0), 10)
    assert seen == {1: 10}
    assert split.choose((0, 0), (0, 0)) == (None, (0, 0))
    assert split.choose((), ()) == (None, ())


@given(weights)
def test_reduced_weights_have_the_same_shares(shares: tuple[int, ...]) -> None:
    reduced = split.reduce(shares)
    assert all(a * sum(reduced) == b * sum(shares) for a, b in zip(shares, reduced, strict=True))


def test_weights_are_reduced_to_the_shortest_pattern() -> None:
    assert split.reduce((800_000, 200_000)) == (4, 1)
    assert split.reduce((0, 0)) == (0, 0)


def test_sidecars_begin_at_different_places() -> None:
    firsts = {split.choose((9, 1), split.start((9, 1), draw / 10))[0] for draw in range(10)}
    assert firsts == {0, 1}


def test_a_start_takes_bounded_time_whatever_the_weights() -> None:
    assert sum(split.start((999_999, 1_000_000), 0.999)) == 0
