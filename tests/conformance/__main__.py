"""`make conformance`: run the suite, stream what it says, print a table of its tests, keep the official report."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from control_plane.kinds.x_mesh import SUPPORTED_FEATURES
from tests.conformance.cluster import Kubectl, installed_channel, wait_until_gone, with_engine
from tests.conformance.results import Results, table
from tests.conformance.runs import Log, Run, revision, summary

SUITE_VERSION = "1.6.3"
LIMIT_SECONDS = 3600
PROFILES = ("MESH-HTTP", "MESH-GRPC")
LABELS = {"mesh.heddle.dev/inject": "enabled", "mesh.heddle.dev/authorization": "Allow"}
"""What a user's namespace would carry: sidecars, and callers that no intention names are let in."""


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "heddle"


def command(args: argparse.Namespace, report: Path) -> list[str]:
    """The suite's command line."""
    suite = cache() / "binaries/gateway-api-conformance" / SUITE_VERSION / "conformance"
    labels = ",".join(f"{name}={value}" for name, value in LABELS.items())
    flags = {
        "conformance-profiles": ",".join(PROFILES),
        "supported-features": ",".join(SUPPORTED_FEATURES),
        "namespace-labels": labels,
        "organization": "heddle",
        "project": "heddle",
        "url": "https://example.org/heddle",
        "version": args.version,
        "contact": "@heddle/maintainers",
        "report-output": str(report.resolve()),
    }
    chosen = ["-run-test", args.test] if args.test else []
    run = [str(suite), "-test.run", "^TestConformance$", "-test.v", f"-test.timeout={LIMIT_SECONDS}s"]
    return [*run, *(f"-{name}={value}" for name, value in flags.items()), *chosen]


def run(argv: list[str], log: Path, kubeconfig: str) -> Results:
    """Run the suite; its whole output goes to `log`, the name of each test to the terminal as it begins."""
    results = Results()
    env = os.environ | {"KUBECONFIG": kubeconfig}
    with (
        log.open("w") as kept,
        subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as suite,
    ):
        for line in suite.stdout or ():
            kept.write(line)
            results.read(line)
            if (name := results.started(line)) is not None:
                print(f"  {name}", flush=True)
    results.exit_code = suite.returncode
    return results


def one_run(args: argparse.Namespace, kubectl: Kubectl, report: Path) -> Run:
    """The whole suite once, from clean namespaces."""
    wait_until_gone(kubectl)
    began = datetime.now(UTC)
    started = time.monotonic()
    results = run(command(args, report), report.with_suffix(".log"), args.kubeconfig)
    if args.test:
        results.keep_only(args.test)
    print(table(results))
    return Run(began, time.monotonic() - started, results)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make conformance", description=__doc__)
    parser.add_argument("--kubeconfig", default=os.environ.get("KUBECONFIG", "/var/lib/heddle/kubeconfig"))
    parser.add_argument("--engine", choices=["auto", "python", "native"], help="as MeshConfig says, unless given")
    parser.add_argument(
        "--channel", choices=["standard", "experimental"], help="that must be installed; any, unless given"
    )
    parser.add_argument("--test", help="one test by its short name, for instance MeshTrafficSplit")
    parser.add_argument("--version", default="main", help="of the mesh, for the report")
    parser.add_argument("--output", type=Path, default=cache() / "conformance", help="folder of report and log")
    parser.add_argument(
        "--runs", type=int, help="so many whole runs, until the first that is not good, and a log of them"
    )
    parser.add_argument("--runs-output", type=Path, default=Path("docs/conformance"), help="folder of the log of runs")
    args = parser.parse_args()
    if args.runs is not None and args.runs < 1:
        parser.error(f"--runs is {args.runs}: 1 or more")
    return args


def main() -> int:
    args = arguments()
    kubectl = Kubectl(args.kubeconfig)
    found = installed_channel(kubectl)
    channel, version = found or ("none", "nothing")
    if version != f"v{SUITE_VERSION}" or args.channel not in {None, channel}:
        wanted = args.channel or "standard"
        print(f"The cluster has of the Gateway API: {version}, channel {channel}. Needed: v{SUITE_VERSION}, {wanted}.")
        print(f"ansible-playbook playbooks/gateway_api.yml -e gateway_api_channel={wanted} installs it.")
        return 64
    args.output.mkdir(parents=True, exist_ok=True)
    name = f"{channel}-{args.version}-{args.engine or 'default'}"
    report = args.output / f"{name}-report.yaml"
    log = None if args.runs is None else Log(args.runs_output / f"{name}-runs.log", name, revision())
    with with_engine(kubectl, args.engine):
        for number in range(1, (args.runs or 1) + 1):
            done = one_run(args, kubectl, report)
            if log is not None:
                log.add(number, done)
                print(f"run {number} of {args.runs}: {summary(done)}", flush=True)
            if not done.results.good:
                break
    if log is not None and done.results.good:
        shutil.copy(report, args.runs_output)
    print(f"report: {report}\nlog:    {report.with_suffix('.log')}{f'\nruns:   {log.path}' if log else ''}")
    return 0 if done.results.good else 1


if __name__ == "__main__":
    sys.exit(main())
