"""What people see (rich) and what programs read (JSON on stdout, nothing else)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

WIDEST = 100_000
"""Columns; more than any line has."""
GAP = 2
"""Between two columns of a table."""


class Output:
    """`json_wanted`: texts go to stderr only where they are a problem, and `result` prints the one JSON object."""

    def __init__(self, json_wanted: bool, colour: bool | None = None) -> None:
        self.json_wanted = json_wanted
        self.console = Console(force_terminal=colour, highlight=False, soft_wrap=True, emoji=False)
        self.errors = Console(force_terminal=colour, highlight=False, soft_wrap=True, emoji=False, stderr=True)

    def say(self, text: str) -> None:
        if not self.json_wanted:
            self.console.print(text)

    def plain(self, text: str) -> None:
        """Foreign text: nothing in it is markup."""
        if not self.json_wanted:
            self.console.print(text, markup=False)

    def step(self, text: str) -> None:
        """Progress of something that takes long."""
        (self.errors if self.json_wanted else self.console).print(f"[dim]{escape(text)}[/dim]")

    def warn(self, text: str) -> None:
        self.errors.print(f"[yellow]warning:[/yellow] {escape(text)}")

    def fail(self, message: str, hint: str = "") -> None:
        self.errors.print(f"[red]error:[/red] {escape(message)}")
        if hint:
            self.errors.print(f"  → {hint}", style="cyan", markup=False)

    def result(self, value: dict[str, Any]) -> None:
        if self.json_wanted:
            try:
                print(json.dumps(value, indent=2, sort_keys=False), flush=True)  # no colours, no wrapping
            except BrokenPipeError:
                self.console.on_broken_pipe()  # ends the program as it ends where texts meet a closed pipe

    def table(self, title: str, columns: list[str], rows: Sequence[Sequence[str | Text]]) -> None:
        """Strings are foreign text; a Text may have colours.

        Nothing is cut and no word is broken: on a terminal the last column takes the lines it needs, elsewhere a row
        is one line.
        """
        if self.json_wanted:
            return
        table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
        shown = [[Text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
        for column in columns[:-1]:
            table.add_column(column, no_wrap=True)
        table.add_column(columns[-1], no_wrap=not self.console.is_terminal)
        for row in shown:
            table.add_row(*row)
        table.width = self._width([[Text(name) for name in columns], *shown])
        self.console.print(table, soft_wrap=False, crop=False)

    def _width(self, rows: list[list[Text]]) -> int:
        """Of a table with these rows, in columns of the terminal; more than it has, where words would be broken."""
        unlimited = self.console.options.update(max_width=WIDEST)
        measured = [[self.console.measure(cell, options=unlimited) for cell in row] for row in rows]
        by_column: list[tuple[Measurement, ...]] = list(zip(*measured, strict=True))
        *names, last = by_column
        least = sum(max(one.maximum for one in column) + GAP for column in names)
        if not self.console.is_terminal:
            return max(least + one.maximum for one in last)
        return max(self.console.width, *(least + one.minimum for one in last))
