"""One module per verb: `add` describes its arguments, `run` does it and returns the exit code."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from meshctl.client import Cluster
from meshctl.helm import Helm, find_executable
from meshctl.output import Output


@dataclass(frozen=True, slots=True)
class Session:
    """What every verb gets: its arguments, where to print, and the cluster once it is needed."""

    options: argparse.Namespace
    output: Output

    @property
    def namespace(self) -> str:
        return str(self.options.namespace)

    def cluster(self) -> Cluster:
        return Cluster(self.options.kubeconfig, self.options.context)

    def helm(self) -> Helm:
        options = self.options
        return Helm(find_executable(options.helm), options.kubeconfig, options.context, options.timeout)


def helm_arguments(parser: argparse.ArgumentParser) -> None:
    """For verbs that change releases."""
    parser.add_argument(
        "--helm", metavar="PATH", help="the Helm 3 program (default: $HEDDLE_HELM, PATH, Heddle's cache)"
    )
    parser.add_argument(
        "--charts", metavar="FOLDER", help="folder with mesh-crds, mesh and demo (default: the source tree)"
    )
    parser.add_argument("--timeout", type=int, default=300, metavar="SECONDS", help="limit of waiting (default: 300)")


def values_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-f", "--values", action="append", default=[], metavar="FILE", help="YAML with values (-: stdin)"
    )
    parser.add_argument("--set", action="append", default=[], metavar="A.B=C", help="one value; repeatable, goes first")
