"""meshctl demo: the shop to try the mesh with."""

from __future__ import annotations

import argparse

from meshctl import charts
from meshctl.checks import Category, Context
from meshctl.checks import run as run_checks
from meshctl.checks.control_plane import INSTALLED
from meshctl.checks.kubernetes import DEFINITIONS, GATEWAY
from meshctl.commands import Session, helm_arguments, values_arguments
from meshctl.errors import MeshctlError
from meshctl.names import DEMO_RELEASE, DEMO_RELEASE_NAMESPACE

NEEDED = (GATEWAY, DEFINITIONS, INSTALLED)
EXAMPLES = """examples:
  meshctl demo install                            namespaces shop, staging and street
  meshctl demo install --set split.v2=50          half of the requests to version 2
  meshctl demo install --set faults.enabled=true  faults for requests with x-chaos: on
  meshctl check demo                              the proofs
  meshctl demo uninstall
"""


def add(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="demo_verb", required=True, metavar="VERB")
    common = parser.get_default("common")
    raw = argparse.RawDescriptionHelpFormatter
    install = verbs.add_parser(
        "install", parents=common, help="install or change it", epilog=EXAMPLES, formatter_class=raw
    )
    helm_arguments(install)
    values_arguments(install)
    install.add_argument("--dry-run", action="store_true", help="only whether anything would change")
    helm_arguments(verbs.add_parser("uninstall", parents=common, help="remove it, with its namespaces"))


def refuse_without_mesh(session: Session) -> None:
    """Its routes and intentions need their definitions, its pods their sidecars. Raises MeshctlError."""
    context = Context(cluster=session.cluster(), namespace=session.namespace)
    for outcome in run_checks([Category("demo", "Demo", NEEDED)], context):
        if outcome.result == "failed":
            raise MeshctlError(f"{outcome.check.description}: no: {outcome.message}", outcome.check.hint)


def run(session: Session) -> int:
    options, output, helm = session.options, session.output, session.helm()
    if options.demo_verb == "uninstall":
        changed = helm.uninstall(DEMO_RELEASE, DEMO_RELEASE_NAMESPACE)
        output.result({"changed": changed})
        output.say(f"[green]ok[/green]: the shop {'is closed' if changed else 'was not there'}")
        return 0
    values = charts.read_values(options.values, options.set)
    refuse_without_mesh(session)
    chart = charts.find(options.charts, "demo")
    if options.dry_run:
        changed = helm.would_change(DEMO_RELEASE, DEMO_RELEASE_NAMESPACE, chart, values)
        output.result({"changed": changed, "dryRun": True})
        output.say(f"this would {'change the shop' if changed else 'change nothing'}")
        return 0
    output.step(f"the shop: ready within {options.timeout} s or rolled back")
    release, changed = helm.ensure(DEMO_RELEASE, DEMO_RELEASE_NAMESPACE, chart, values)
    output.result({"changed": changed, "revision": release.revision, "version": release.version})
    output.say(f"[green]ok[/green]: the shop is open, revision {release.revision}")
    output.say("next: meshctl status, meshctl check demo")
    return 0
