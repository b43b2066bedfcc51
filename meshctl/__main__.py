"""meshctl: installs and checks the Heddle service mesh, and shows what it runs."""

from __future__ import annotations

import argparse
import sys
from types import ModuleType
from typing import NoReturn

from meshctl.commands import Session, ca, check, demo, install, proxy, rollback, status, uninstall, version
from meshctl.errors import EXIT_INTERNAL, EXIT_USAGE, MeshctlError
from meshctl.names import NAMESPACE
from meshctl.output import Output

VERBS: tuple[tuple[str, ModuleType, str], ...] = (
    ("ca", ca, "make the mesh's certificate authority"),
    ("install", install, "install the mesh, or bring it to these charts and values"),
    ("upgrade", install, "bring an installed mesh to these charts; keeps the values given before"),
    ("rollback", rollback, "back to what ran before"),
    ("uninstall", uninstall, "remove the mesh"),
    ("check", check, "is everything as it should be? what to do if not"),
    ("status", status, "who is in the mesh, and what each sidecar runs"),
    ("proxy", proxy, "one sidecar from inside: status, config"),
    ("demo", demo, "the shop to try the mesh with"),
    ("version", version, "of this program, the control plane and the sidecars"),
)
EPILOG = """first steps:
  meshctl check --pre                 can it be installed here?
  meshctl ca init --dir mesh-ca       your certificate authority
  meshctl install --ca mesh-ca
  meshctl demo install
  meshctl check demo

exit codes: 0 as asked · 1 something is not as it should be · 64 wrong arguments · 69 no cluster, no Helm · 70 a bug
"""


class Parser(argparse.ArgumentParser):
    """With the exit code of meshctl for wrong arguments."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"{self.prog}: error: {message}\n")


def common_arguments() -> Parser:
    """Understood before and after the verb."""
    common = Parser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--kubeconfig", metavar="FILE", help="default: $KUBECONFIG, ~/.kube/config")
    common.add_argument("--context", metavar="NAME", help="of the kubeconfig; default: its current one")
    common.add_argument("-n", "--namespace", help=f"of the mesh (default: {NAMESPACE})")
    common.add_argument("-o", "--output", choices=["text", "json"], help="json: one object on stdout")
    common.add_argument("--color", choices=["auto", "always", "never"], help="default: auto")
    return common


def parser() -> Parser:
    common, raw = common_arguments(), argparse.RawDescriptionHelpFormatter
    root = Parser(prog="meshctl", parents=[common], description=__doc__, epilog=EPILOG, formatter_class=raw)
    verbs = root.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, module, text in VERBS:
        one = verbs.add_parser(name, parents=[common], help=text, description=module.__doc__, formatter_class=raw)
        one.set_defaults(common=[common], module=module)
        module.add(one)
    return root


def main(argv: list[str] | None = None) -> int:
    """Returns the exit code."""
    defaults = argparse.Namespace(kubeconfig=None, context=None, namespace=NAMESPACE, output="text", color="auto")
    options = parser().parse_args(argv, defaults)
    colour = {"auto": None, "always": True, "never": False}[options.color]
    output = Output(options.output == "json", colour)
    try:
        return int(options.module.run(Session(options, output)))
    except MeshctlError as error:
        output.fail(str(error), error.hint)
        output.result({"error": str(error), "hint": error.hint})
        return error.code
    except KeyboardInterrupt:
        output.fail("interrupted", "run the same command again: it goes on from where things are")
        return 130
    except Exception as error:
        # a bug: the traceback helps who mends it
        sys.excepthook(type(error), error, error.__traceback__)
        return EXIT_INTERNAL


if __name__ == "__main__":
    sys.exit(main())
