"""The rule of ejection: by example, and in any order of events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mesh_policy.snapshot import Outlier
from proxy.engine.haproxy import outlier
from proxy.engine.haproxy.outlier import Event, Seen, Watch

POLICY = Outlier(
    consecutive_errors=3, interval_seconds=10, base_ejection_seconds=30, max_ejection_seconds=70, max_ejected_percent=50
)
GOOD, BAD, NOTHING = Seen(good=1), Seen(bad=3), Seen()


class Backend:
    """A backend that is looked at again and again."""

    def __init__(self, policy: Outlier, *names: str) -> None:
        self.policy, self.names, self.watch, self.now = policy, list(names), Watch(), 0.0
        self.events: tuple[Event, ...] = ()
        self.look(0.0)

    def look(self, seconds: float, **seen: Seen) -> frozenset[str]:
        """So much later; endpoints that are not named had nothing to do. Returns who is out."""
        self.now += seconds
        every = {name: seen.get(name, NOTHING) for name in self.names}
        self.watch, self.events = outlier.look(self.policy, self.watch, every, self.now)
        return outlier.out(self.policy, self.watch)


def test_errors_in_a_row_eject_and_time_brings_back() -> None:
    backend = Backend(POLICY, "a", "b")
    assert backend.look(1, a=Seen(bad=2), b=GOOD) == set()
    assert backend.look(1, a=Seen(bad=1), b=GOOD) == {"a"}
    assert backend.events == (Event("a", 30, "3 errors in a row"),)
    assert backend.look(29.9) == {"a"}
    assert backend.look(0.1) == set()
    assert backend.events == (Event("a", 0, "its time is over"),)


def test_a_success_between_errors_ends_the_row() -> None:
    backend = Backend(POLICY, "a", "b")
    backend.look(1, a=Seen(bad=2))
    backend.look(1, a=Seen(good=1, bad=2))
    assert backend.look(1, a=Seen(bad=2)) == set()


def test_what_an_endpoint_did_before_it_was_out_is_forgotten_when_it_is_back() -> None:
    backend = Backend(POLICY, "a", "b")
    backend.look(1, a=BAD)
    backend.look(30, a=Seen(bad=2))
    assert backend.look(0.1, a=Seen(bad=2)) == set()


def test_each_ejection_is_longer_up_to_the_longest() -> None:
    backend = Backend(POLICY, "a", "b")
    seconds = []
    for _ in range(4):
        backend.look(1, a=BAD)
        seconds.append(backend.events[0].seconds)
        backend.look(seconds[-1])
    assert seconds == [30, 60, 70, 70]


def test_a_whole_good_interval_forgives_one_ejection() -> None:
    backend = Backend(POLICY, "a", "b")
    for _ in range(2):
        backend.look(1, a=BAD)
        backend.look(backend.events[0].seconds)
    for _ in range(3):
        backend.look(10, a=GOOD)
    backend.look(1, a=BAD)
    assert backend.events[0].seconds == 30


def test_an_interval_with_many_errors_forgives_nothing() -> None:
    backend = Backend(POLICY, "a", "b")
    backend.look(1, a=BAD)
    backend.look(30)
    for _ in range(3):
        backend.look(10, a=Seen(good=1, bad=2))
    backend.look(1, a=BAD)
    assert backend.events[0].seconds == 60


def test_the_rate_of_an_interval_ejects_when_there_were_enough_requests() -> None:
    policy = Outlier(consecutive_errors=0, success_rate_below=80, min_requests=10, interval_seconds=10)
    backend = Backend(policy, "few", "bad", "fair")
    bad = {"few": Seen(1, 8), "bad": Seen(7, 3), "fair": Seen(8, 2)}
    assert backend.look(5, **bad) == set(), "the interval is not over"
    assert backend.look(5) == {"bad"}
    assert backend.events[0].reason == "70.0 % of 10 requests went well"


def test_errors_do_not_add_up_over_intervals() -> None:
    backend = Backend(Outlier(consecutive_errors=0, success_rate_below=80, min_requests=10), "a", "b")
    for _ in range(5):
        assert backend.look(10, a=Seen(bad=9)) == set()


def test_a_single_endpoint_is_never_ejected() -> None:
    backend = Backend(POLICY, "a")
    assert [backend.look(1, a=BAD) for _ in range(5)] == [set()] * 5


def test_the_share_holds_and_who_found_no_room_follows_later() -> None:
    backend = Backend(POLICY, "a", "b", "c", "d", "e")
    assert backend.look(1, a=BAD, b=Seen(bad=9), c=Seen(bad=8)) == {"b", "c"}
    assert backend.look(30) == {"a"}


def test_one_of_two_may_be_out_whatever_the_share_is() -> None:
    backend = Backend(Outlier(max_ejected_percent=0), "a", "b")
    assert backend.look(1, a=Seen(bad=9), b=Seen(bad=9)) == {"a"}


def test_in_panic_all_are_used_until_enough_are_back() -> None:
    policy = Outlier(max_ejected_percent=100, panic_percent=50, base_ejection_seconds=30)
    backend = Backend(policy, "a", "b", "c")
    assert backend.look(1, a=Seen(bad=9)) == {"a"}
    assert backend.look(10, b=Seen(bad=9)) == set(), "one of three is left in: all are used"
    assert backend.watch.ejected == {"a", "b"}
    assert backend.look(20) == {"b"}, "a is back, and b still out"


def test_without_panic_the_last_one_stays_in() -> None:
    backend = Backend(Outlier(max_ejected_percent=100, panic_percent=0), "a", "b", "c")
    assert backend.look(1, a=Seen(bad=9), b=Seen(bad=9), c=Seen(bad=9)) == {"a", "b"}


def test_who_is_out_comes_back_when_the_others_leave() -> None:
    backend = Backend(POLICY, "a", "b", "c", "d")
    backend.look(1, a=BAD)
    backend.look(1, b=BAD)
    backend.names = ["a", "b"]
    assert backend.look(1) == {"b"}
    assert backend.events == (Event("a", 0, "too few others are left"),)
    backend.names = ["b"]
    assert backend.look(1) == set()


NAMES = ("a", "b", "c", "d", "e")
seen = st.builds(Seen, good=st.integers(0, 3), bad=st.integers(0, 6))
policies = st.builds(
    Outlier,
    consecutive_errors=st.integers(0, 5),
    success_rate_below=st.none() | st.floats(0, 100),
    min_requests=st.integers(1, 5),
    interval_seconds=st.floats(0.5, 20),
    base_ejection_seconds=st.floats(0.5, 40),
    max_ejection_seconds=st.floats(0.5, 90),
    max_ejected_percent=st.floats(0, 100),
    panic_percent=st.floats(0, 100),
)
looks = st.lists(
    st.tuples(st.floats(0, 30), st.dictionaries(st.sampled_from(NAMES), seen, min_size=0, max_size=5)), max_size=40
)


@given(policies, looks)
def test_in_any_order_of_events_ejection_does_no_harm(
    policy: Outlier, events: list[tuple[float, dict[str, Seen]]]
) -> None:
    watch, now = Watch(), 0.0
    for seconds, found in events:
        now += seconds
        before = watch
        watch, told = outlier.look(policy, watch, found, now)
        assert watch.records.keys() == found.keys()
        assert len(watch.ejected) <= outlier.allowed(policy, len(found))
        assert not found or len(outlier.out(policy, watch)) < len(found)
        assert outlier.out(policy, watch) in (watch.ejected, frozenset())
        for event in told:
            assert 0 <= event.seconds <= policy.max_ejection_seconds
            assert (
                event.seconds == 0
                or found[event.endpoint].bad > 0
                or before.records[event.endpoint].bad > 0
                or (before.records[event.endpoint].in_a_row > 0)
            ), "nobody is ejected without an error"
    watch, _ = outlier.look(policy, watch, dict.fromkeys(watch.records, Seen()), now + 1)
    watch, _ = outlier.look(policy, watch, dict.fromkeys(watch.records, Seen()), now + 200)
    watch, _ = outlier.look(policy, watch, dict.fromkeys(watch.records, Seen()), now + 400)
    watch, _ = outlier.look(policy, watch, dict.fromkeys(watch.records, Seen(good=1)), now + 600)
    watch, _ = outlier.look(policy, watch, dict.fromkeys(watch.records, Seen(good=1)), now + 800)
    assert watch.ejected == set(), "when all is well for long enough everybody is back"
