"""meshctl demo: the shop to try the mesh with."""

from __future__ import annotations

import argparse

from meshctl import charts
from meshctl.commands import Session, helm_arguments, values_arguments
from meshctl.names import DEMO_RELEASE, DEMO_RELEASE_NAMESPACE

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


def run(session: Session) -> int:
    options, output, helm = session.options, session.output, session.helm()
    if options.demo_verb == "uninstall":
        changed = helm.uninstall(DEMO_RELEASE, DEMO_RELEASE_NAMESPACE)
        output.result({"changed": changed})
        output.say(f"[green]ok[/green]: the shop {'is closed' if changed else 'was not there'}")
        return 0
    values = charts.read_values(options.values, options.set)
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
