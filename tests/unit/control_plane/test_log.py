"""Log lines are JSON, one a line, with their fields."""

from __future__ import annotations

import json
import logging
import sys

from control_plane.log import JsonFormatter


def test_a_line_has_its_fields() -> None:
    record = logging.makeLogRecord(
        {"name": "x", "levelname": "INFO", "msg": "a\nb %s", "args": (1,), "pod": "shop/web"}
    )
    text = JsonFormatter().format(record)
    assert "\n" not in text
    found = json.loads(text)
    assert (found["message"], found["level"], found["logger"], found["pod"]) == ("a\nb 1", "info", "x", "shop/web")


def test_an_exception_is_one_line_too() -> None:
    try:
        raise ValueError("no")
    except ValueError:
        record = logging.makeLogRecord({"msg": "failed", "exc_info": sys.exc_info()})
    text = JsonFormatter().format(record)
    assert "\n" not in text
    assert "ValueError: no" in json.loads(text)["exception"]
