from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mesh_addons.chain import Hooks
from proxy.worker.control import Control
from proxy.worker.service import Service
from proxy.worker.settings import Limits
from proxy.worker.upstream import Pool

EXAMPLE = msgspec.json.decode((Path(__file__).parents[3] / "contract" / "workload-v1.json").read_bytes())


class Bench:
    """A control door whose calls are remembered."""

    def __init__(self) -> None:
        pool = Pool(Path("/nowhere"), most_idle=1, idle_seconds=1, connect_seconds=1)
        self.service = Service(Limits(), Hooks(), pool)
        self.called: list[str] = []
        self.control = Control(
            self.service, lambda: self.called.append("drain"), lambda: self.called.append("configured")
        )

    def ask(self, **message: object) -> dict[str, object]:
        return self.control.answer(msgspec.json.encode(message))


def test_a_good_snapshot_is_swapped_in() -> None:
    bench = Bench()
    assert bench.ask(op="config", config=EXAMPLE) == {"ok": True, "version": EXAMPLE["version"]}
    assert bench.service.frontends is not None
    assert set(bench.service.frontends) == {one["name"] for one in EXAMPLE["outbound"]["frontends"]}
    assert bench.ask(op="status")["version"] == EXAMPLE["version"]
    assert bench.called == ["configured"]


NONSENSE = (
    b"",
    b"{",
    b"[]",
    b'{"op":1}',
    b'{"op":"explode"}',
    b'{"op":"status","x":1}',
    b'{"op":"config"}',
    b'{"op":"config","config":{}}',
    b"\xff",
)


@pytest.mark.parametrize("line", NONSENSE)
def test_nonsense_is_answered_and_changes_nothing(line: bytes) -> None:
    bench = Bench()
    bench.ask(op="config", config=EXAMPLE)
    before = bench.service.frontends
    answer = bench.control.answer(line)
    assert answer["ok"] is False
    assert answer["violations"][0]["message"]
    assert bench.service.frontends is before


def test_counters_are_told_in_the_words_of_the_contract() -> None:
    bench = Bench()
    bench.service.counters.mirror_dropped = 3
    contract = (Path(__file__).parents[4] / "docs" / "contract.md").read_text()
    status = bench.ask(op="status")
    assert status["mirrorDropped"] == 3
    assert [name for name in status if name not in contract] == []


def test_drain_is_passed_on() -> None:
    bench = Bench()
    assert bench.ask(op="drain") == {"ok": True}
    assert bench.called == ["drain"]
