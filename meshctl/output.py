"""What people see (rich) and what programs read (JSON on stdout, nothing else)."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

WIDTH_OF_LOGS = 240


class Output:
    """`json_wanted`: texts go to stderr only where they are a problem, and `result` prints the one JSON object."""

    def __init__(self, json_wanted: bool, colour: bool | None = None) -> None:
        self.json_wanted = json_wanted
        self.console = Console(force_terminal=colour, highlight=False, soft_wrap=True)
        self.errors = Console(force_terminal=colour, highlight=False, soft_wrap=True, stderr=True)
        if not self.console.is_terminal:
            # a log or a pipe has no width: nothing is cut there
            self.console.width = WIDTH_OF_LOGS

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
            print(json.dumps(value, indent=2, sort_keys=False))  # no colours, no wrapping

    def table(self, title: str, columns: list[str], rows: list[list[str]]) -> None:
        if self.json_wanted:
            return
        table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column, overflow="fold", no_wrap=not self.console.is_terminal)
        for row in rows:
            table.add_row(*row)
        self.console.print(table)
