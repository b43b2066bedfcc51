"""meshctl check: is the mesh as it should be, and if not, what to do next."""

from __future__ import annotations

import argparse

from rich.markup import escape

from meshctl.checks import (
    Category,
    Context,
    Outcome,
    certificates,
    control_plane,
    data_plane,
    demo,
    kubernetes,
    webhooks,
)
from meshctl.checks import run as run_checks
from meshctl.commands import Session
from meshctl.errors import EXIT_USAGE, MeshctlError
from meshctl.output import Output

EXAMPLES = """examples:
  meshctl check                       everything but the demo's proofs
  meshctl check --pre                 before the installation
  meshctl check --proxy               only the sidecars
  meshctl check demo                  proves with the shop what the mesh does (a few minutes)
  meshctl check demo-traffic          one category; `meshctl check --list` names them all
  meshctl check -o json               for programs; exit code 1 when something failed
"""
MESH = (
    kubernetes.CATEGORY,
    control_plane.CATEGORY,
    certificates.CATEGORY,
    webhooks.CATEGORY,
    data_plane.CATEGORY,
    data_plane.CONFIGURATION,
)
ALL = (kubernetes.PREFLIGHT, *MESH, *demo.CATEGORIES)
MARKS = {
    "ok": "[green]√[/green]",
    "warning": "[yellow]‼[/yellow]",
    "failed": "[red]×[/red]",
    "skipped": "[dim]-[/dim]",
}


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("category", nargs="*", help="names of categories; `demo` is all of the demo's")
    parser.add_argument("--pre", action="store_true", help="can the mesh be installed here?")
    parser.add_argument("--proxy", action="store_true", help="only the sidecars")
    parser.add_argument("--list", action="store_true", help="name all categories and checks, run none")
    parser.add_argument(
        "--only", action="append", default=[], metavar="CHECK", help="of these, only this check; repeatable"
    )
    parser.add_argument(
        "--marker", default="", help="text that the demo's requests carry (who captures packets seeks it)"
    )
    parser.epilog = EXAMPLES


def run(session: Session) -> int:
    options, output = session.options, session.output
    if options.list:
        return list_all(output)
    categories = narrowed(chosen(options.category, options.pre, options.proxy), options.only)
    context = Context(cluster=session.cluster(), namespace=session.namespace, marker=options.marker)
    outcomes: list[Outcome] = []
    title = ""
    for outcome in run_checks(categories, context):
        category = next(one for one in categories if one.name == outcome.category)
        if category.title != title:
            title = category.title
            output.say(f"\n[bold]{title}[/bold]\n{'-' * len(title)}")
        show(output, outcome)
        outcomes.append(outcome)
    failed = [outcome for outcome in outcomes if outcome.result == "failed"]
    output.result(to_json(categories, outcomes))
    warnings = sum(outcome.result == "warning" for outcome in outcomes)
    skipped = sum(outcome.result == "skipped" for outcome in outcomes)
    verdict = "[red]not as it should be[/red]" if failed else "[green]all is as it should be[/green]"
    passed = len(outcomes) - len(failed) - warnings - skipped
    output.say(f"\n{verdict}: {passed} passed, {warnings} warnings, {len(failed)} failed, {skipped} skipped")
    return max((outcome.code for outcome in outcomes), default=0)


def chosen(names: list[str], pre: bool, proxy: bool) -> list[Category]:
    """Raises MeshctlError for a name that is no category's."""
    if pre:
        return [kubernetes.PREFLIGHT]
    if proxy:
        return [data_plane.CATEGORY]
    if not names:
        return list(MESH)
    found: list[Category] = []
    for name in names:
        matching = [one for one in ALL if one.name == name or one.name.startswith(f"{name}-")]
        if not matching:
            known = ", ".join(one.name for one in ALL)
            raise MeshctlError(f"there is no category {name}", f"one of: demo, {known}", EXIT_USAGE)
        found += [one for one in matching if one not in found]
    return found


def narrowed(categories: list[Category], only: list[str]) -> list[Category]:
    if not only:
        return categories
    unknown = set(only) - {check.name for category in categories for check in category.checks}
    if unknown:
        raise MeshctlError(f"there is no check {', '.join(sorted(unknown))} here", "meshctl check --list", EXIT_USAGE)
    kept = [Category(one.name, one.title, tuple(c for c in one.checks if c.name in only)) for one in categories]
    return [category for category in kept if category.checks]


def show(output: Output, outcome: Outcome) -> None:
    detail = (
        f" [dim]({escape(outcome.message)})[/dim]" if outcome.message and outcome.result in ("ok", "skipped") else ""
    )
    output.say(f"{MARKS[outcome.result]} {escape(outcome.check.description)}{detail}")
    if outcome.result in ("failed", "warning"):
        output.say(f"    {escape(outcome.message)}\n    [cyan]→ {escape(outcome.check.hint)}[/cyan]")


def list_all(output: Output) -> int:
    output.result({"categories": [{"name": one.name, "checks": [check.name for check in one.checks]} for one in ALL]})
    rows = [[one.name, check.name, check.description] for one in ALL for check in one.checks]
    output.table("", ["category", "check", "what is true when it passes"], rows)
    return 0


def to_json(categories: list[Category], outcomes: list[Outcome]) -> dict[str, object]:
    return {
        "ok": all(outcome.result != "failed" for outcome in outcomes),
        "counts": {
            result: sum(outcome.result == result for outcome in outcomes)
            for result in ("ok", "warning", "failed", "skipped")
        },
        "categories": [
            {
                "name": category.name,
                "title": category.title,
                "checks": [outcome.to_json() for outcome in outcomes if outcome.category == category.name],
            }
            for category in categories
        ],
    }
