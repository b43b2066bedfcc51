"""meshctl ca init: the mesh's certificate authority, kept by the operator."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape

from meshctl import ca
from meshctl.commands import Session

EXAMPLES = """examples:
  meshctl ca init --dir ~/mesh-ca                 make root and intermediate
  meshctl install --ca ~/mesh-ca                  give the intermediate to the control plane
  meshctl ca init --dir ~/mesh-ca --ensure        in scripts: make it unless it is there
"""


def add(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="ca_verb", required=True, metavar="VERB")
    init = verbs.add_parser(
        "init",
        parents=parser.get_default("common"),
        help="make a root and an intermediate (P-256); never overwrites",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    init.add_argument(
        "--dir", required=True, metavar="FOLDER", help="where it is kept: outside of the cluster, backed up"
    )
    init.add_argument("--trust-domain", default="cluster.local", help="for the names of the two certificates")
    init.add_argument("--ensure", action="store_true", help="a complete authority that is there is left as it is")


def run(session: Session) -> int:
    options, output = session.options, session.output
    made = ca.init(Path(options.dir).expanduser(), options.trust_domain, datetime.now(UTC), options.ensure)
    output.result(
        {
            "changed": made.changed,
            "directory": str(made.directory),
            "root": {"subject": made.root.subject, "notAfter": made.root.not_after.isoformat()},
            "intermediate": {"subject": made.intermediate.subject, "notAfter": made.intermediate.not_after.isoformat()},
        }
    )
    done = "made" if made.changed else "kept"
    output.say(f"[green]{done}[/green] the certificate authority in {escape(str(made.directory))}")
    output.table(
        "",
        ["file", "what it is", "where it belongs"],
        [
            ["root.key", "signs intermediates; never enters the cluster", "offline, backed up, 0600"],
            ["root.crt", f"until {made.root.not_after:%Y-%m-%d}", "anywhere"],
            ["intermediate.key", "signs the sidecars' certificates", "the Secret heddle-ca, and a backup, 0600"],
            ["intermediate.crt", f"until {made.intermediate.not_after:%Y-%m-%d}", "the Secret heddle-ca"],
            ["ca.crt", "the roots that sidecars trust", "the Secret heddle-ca"],
        ],
    )
    output.plain(f"next: meshctl install --ca {made.directory}")
    return 0
