"""HAProxy's messages in our log."""

from __future__ import annotations

import logging

import pytest

from proxy.agent.messages import say


@pytest.mark.parametrize(
    ("line", "level", "text"),
    [
        ("[ALERT]    (17) : Cannot bind socket", logging.ERROR, "Cannot bind socket"),
        ("[WARNING]  (17) : Exiting Master process...", logging.WARNING, "Exiting Master process..."),
        (
            "[WARNING]  (17) : Proxy h1:a:b:80 stopped (cumulated conns: FE: 0, BE: 1).",
            logging.DEBUG,
            "Proxy h1:a:b:80",
        ),
        ("[NOTICE]   (17) : CLI : New backend registered.", logging.DEBUG, "CLI : New backend registered."),
        ("something else", logging.INFO, "something else"),
    ],
)
def test_a_message_keeps_its_weight_unless_it_is_said_at_every_change(
    caplog: pytest.LogCaptureFixture, line: str, level: int, text: str
) -> None:
    with caplog.at_level(logging.DEBUG, logger="haproxy"):
        say(line)
    assert [(record.levelno, record.getMessage()[: len(text)]) for record in caplog.records] == [(level, text)]
