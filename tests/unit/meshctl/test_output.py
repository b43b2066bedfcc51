"""What a person sees on a terminal, and what comes out of a pipe."""

from __future__ import annotations

import pytest
from rich.text import Text

from meshctl.output import Output

LONG = "some words that together are longer than forty columns"


def table(capsys: pytest.CaptureFixture[str], *row: str | Text, colour: bool) -> list[str]:
    """Lines of a table of one row, without its head."""
    Output(json_wanted=False, colour=colour).table("", ["NAME", "SAYS"], [row])
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()[1:]]


def test_foreign_text_is_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    assert table(capsys, "~ /v[a-z]+[/]", ":smile: [red]", colour=False) == ["~ /v[a-z]+[/]  :smile: [red]"]


def test_in_a_pipe_a_row_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert table(capsys, "n" * 300, LONG * 10, colour=False) == ["n" * 300 + "  " + LONG * 10]


def test_on_a_narrow_terminal_names_stay_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    name = "kubernetes-version-of-a-cluster"
    lines = table(capsys, name, LONG, colour=True)
    assert len(lines) > 1
    assert " ".join(line.replace(name, "").strip() for line in lines) == LONG


def test_json_is_alone_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(json_wanted=True)
    output.say("x")
    output.table("", ["NAME"], [["a"]])
    output.step("y")
    output.result({"a": "[red]"})
    assert capsys.readouterr().out == '{\n  "a": "[red]"\n}\n'
