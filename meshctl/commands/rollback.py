"""meshctl rollback: back to what ran before."""

from __future__ import annotations

import argparse

from meshctl.commands import Session, helm_arguments
from meshctl.errors import MeshctlError
from meshctl.names import RELEASE

EXAMPLES = """examples:
  meshctl rollback                 to the revision before this one
  meshctl rollback --revision 3    to a certain one (helm -n heddle-system history heddle)
The definitions (heddle-crds) stay: newer ones serve older control planes.
"""


def add(parser: argparse.ArgumentParser) -> None:
    helm_arguments(parser)
    parser.add_argument("--revision", type=int, default=None, help="default: the one before")
    parser.epilog = EXAMPLES


def run(session: Session) -> int:
    helm, output = session.helm(), session.output
    before = helm.find(RELEASE, session.namespace)
    if before is None:
        raise MeshctlError(f"there is no release {RELEASE} in {session.namespace}", "meshctl install")
    if before.revision == 1 and session.options.revision is None:
        raise MeshctlError("revision 1 is the first: there is nothing before it")
    output.step(f"from revision {before.revision} ({before.version}), ready within {session.options.timeout} s")
    after = helm.rollback(RELEASE, session.namespace, session.options.revision)
    output.result({"changed": True, "revision": after.revision, "version": after.version})
    output.say(f"[green]ok[/green]: {after.name} {after.version}, revision {after.revision}")
    output.say("next: meshctl check")
    return 0
