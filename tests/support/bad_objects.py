"""The table of bad objects (tests/unit/control_plane/bad_objects.yaml), and the places of an object."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

Json = dict[str, Any]
Place = tuple[str | int, ...]
_TABLE: Json = yaml.safe_load((Path(__file__).parents[1] / "unit/control_plane/bad_objects.yaml").read_text())
GOOD: dict[str, Json] = {obj["kind"]: obj for obj in _TABLE["good"]}


class Bad(NamedTuple):
    """An object with one thing wrong."""

    kind: str
    at: str
    """The place: `spec.rules[0].name`."""
    value: Any
    """None: the field is taken away."""
    word: str = ""
    """What a message must hold beside the place."""
    condition: str = "Accepted"

    @property
    def object(self) -> Json:
        """The object itself."""
        return changed(GOOD[self.kind], place_of(self.at), self.value)

    def __str__(self) -> str:
        return f"{self.kind}-{self.at}-{self.value}"


def bad() -> list[Bad]:
    """What is refused."""
    return [Bad(kind, str(row[0]), *row[1:]) for kind, rows in _TABLE["bad"].items() for row in rows]


def lost() -> list[Bad]:
    """What leads nowhere."""
    return [
        Bad(kind, str(row[0]), row[1], row[3] if len(row) > 3 else "", row[2])
        for kind, rows in _TABLE["lost"].items()
        for row in rows
    ]


def of_another_type() -> list[Bad]:
    """Every value of the good objects replaced by one of a type that does not belong there."""
    return [
        Bad(kind, text_of(place), [["x"]] if isinstance(value, dict) else {"x": {}})
        for kind, obj in GOOD.items()
        for place, value in places(obj["spec"], ("spec",))
    ]


def place_of(at: str) -> Place:
    """`spec.rules[0].name` as keys and indexes."""
    parts = re.findall(r"([A-Za-z]+)|\[(\d+)\]", at)
    return tuple(name or int(index) for name, index in parts)


def text_of(place: Place) -> str:
    """The other way round."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def places(value: Any, at: Place) -> Iterator[tuple[Place, Any]]:
    """Every place below one, and the value there."""
    yield at, value
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in entries:
        yield from places(inner, (*at, name))


def changed(obj: Json, place: Place, value: Any) -> Json:
    """A copy with one place changed; None takes it away."""
    found = copy.deepcopy(obj)
    target: Any = found
    *way, last = place
    for part in way:
        target = target[part]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return found
