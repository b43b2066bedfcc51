"""RFC 6902, as much of it as the control plane uses: add, replace, remove, test. Strict where the RFC is."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any


def apply(document: Any, operations: Iterable[dict[str, Any]]) -> Any:
    """The patched copy of a document.

    Raises:
        KeyError, IndexError: a path leads nowhere.
        ValueError: a test fails, or an operation that the control plane has no business with.
    """
    result = copy.deepcopy(document)
    for operation in operations:
        *parents, last = (
            part.replace("~1", "/").replace("~0", "~") for part in operation["path"].removeprefix("/").split("/")
        )
        place = result
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]
        if operation["op"] == "remove":
            del place[int(last) if isinstance(place, list) else last]
        elif operation["op"] in ("add", "replace"):
            _put(place, last, operation)
        elif operation["op"] == "test":
            if (place[int(last)] if isinstance(place, list) else place[last]) != operation["value"]:
                raise ValueError(f"{operation['path']} is not {operation['value']!r}")
        else:
            raise ValueError(f"operation {operation['op']!r}")
    return result


def _put(place: Any, last: str, operation: dict[str, Any]) -> None:
    value = copy.deepcopy(operation["value"])
    if operation["op"] == "replace":
        _ = place[int(last)] if isinstance(place, list) else place[last]
    if not isinstance(place, list):
        place[last] = value
    elif operation["op"] == "replace":
        place[int(last)] = value
    elif last == "-":
        place.append(value)
    else:
        if int(last) > len(place):
            raise IndexError(operation["path"])
        place.insert(int(last), value)
