"""meshctl proxy: one sidecar, from inside: what it really runs."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from typing import Any

from rich.markup import escape

from meshctl import behaviour, destinations, pods
from meshctl.client import Cluster
from meshctl.commands import Session
from meshctl.errors import EXIT_FAILED, EXIT_USAGE, MeshctlError
from meshctl.names import HEALTH_PORT, METRICS_PORT, PROXY
from meshctl.output import Output

EXAMPLES = """examples:
  meshctl proxy status shop/web-5d9c7        processes, certificate, connection, requests
  meshctl proxy status shop/deployment/web   any pod of it
  meshctl proxy config shop/deployment/web   routes, backends and who may call, as the sidecar got them
  meshctl proxy config shop/deployment/web --haproxy      the files that HAProxy runs on
  meshctl proxy config shop/deployment/web -o json | jq .config.inbound
"""
INSIDE = """
import glob, json, os, socket, sys
answer = {"config": None, "expires": None, "haproxy": {}, "worker": None, "files": {}, "processes": []}
for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
    try:
        words = open(f"/proc/{pid}/cmdline", "rb").read().decode(errors="replace").split("\\0")
        memory = next(l.split()[1] for l in open(f"/proc/{pid}/status") if l.startswith("VmRSS"))
    except (OSError, StopIteration):
        continue
    kind = "haproxy" if "haproxy" in words[0] else words[words.index("-m") + 1] if "-m" in words else ""
    if not kind.startswith(("haproxy", "proxy")):
        continue
    answer["processes"].append({"pid": pid, "name": kind, "memoryKiB": int(memory)})
    if answer["config"] is None and kind == "proxy":
        try:
            if "state" in os.readlink(f"/proc/{pid}/fd/11"):
                state = json.loads(os.pread(os.open(f"/proc/{pid}/fd/11", os.O_RDONLY), 1 << 26, 0) or b"{}")
                answer["config"], answer["expires"] = state.get("config"), state.get("expires")
        except (OSError, ValueError) as error:
            answer["problem"] = str(error)
def ask(path, text):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(5); s.connect(path); s.sendall(text.encode()); s.shutdown(socket.SHUT_WR)
        parts = []
        while part := s.recv(65536): parts.append(part)
        return b"".join(parts).decode(errors="replace")
try:
    info = ask("/run/heddle/admin.sock", "show info\\n")
    wanted = ("Version", "Uptime_sec", "CurrConns", "CumReq", "Maxconn", "Stopping")
    pairs = (line.partition(": ")[::2] for line in info.splitlines())
    answer["haproxy"] = {name: value for name, value in pairs if name in wanted}
except OSError as error:
    answer["haproxy"] = {"problem": str(error)}
if os.path.exists("/run/heddle/control.sock"):
    try:
        answer["worker"] = json.loads(ask("/run/heddle/control.sock", json.dumps({"op": "status"}) + "\\n"))
    except (OSError, ValueError) as error:
        answer["worker"] = {"problem": str(error)}
if "files" in sys.argv:
    for path in sorted(glob.glob("/run/heddle/**", recursive=True)):
        if os.path.isfile(path) and path.endswith((".cfg", ".map", ".lst")):
            answer["files"][path] = open(path, errors="replace").read(1 << 22)
print(json.dumps(answer))
"""
"""Runs in the sidecar's container, as its user: reads the last good snapshot (the supervisor's memory file, which holds
no key), asks HAProxy and the worker on their sockets. No file with a key is read: there is none."""


def add(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="proxy_verb", required=True, metavar="VERB")
    raw, common = argparse.RawDescriptionHelpFormatter, parser.get_default("common")
    for verb, text in (("status", "is it well?"), ("config", "what does it run?")):
        one = verbs.add_parser(verb, parents=common, help=text, epilog=EXAMPLES, formatter_class=raw)
        one.add_argument("target", metavar="NAMESPACE/POD", help="or NAMESPACE/deployment/NAME")
        if verb == "config":
            one.add_argument("--haproxy", action="store_true", help="the files that HAProxy runs on")


def run(session: Session) -> int:
    cluster, output = session.cluster(), session.output
    pod = find(cluster, session.options.target)
    if session.options.proxy_verb == "status":
        return status(cluster, output, pod)
    wants_files = session.options.haproxy
    inside = look_inside(cluster, pod, wants_files)
    if inside["config"] is None and not wants_files:
        raise MeshctlError(f"{pod.key} has no snapshot yet", f"kubectl -n {pod.namespace} logs {pod.name} -c {PROXY}")
    output.result({"pod": pod.key, "config": inside["config"], **({"files": inside["files"]} if wants_files else {})})
    if wants_files:
        for path, text in inside["files"].items():
            output.say(f"[bold]# {path}[/bold]")
            output.plain(text)
    else:
        show_config(output, inside["config"])
    return 0


def find(cluster: Cluster, target: str) -> pods.Pod:
    """`NS/POD`, `NS/KIND/NAME` of an owner. Raises MeshctlError."""
    namespace, _, rest = target.partition("/")
    if not rest:
        raise MeshctlError(f"{target}: write NAMESPACE/POD", code=EXIT_USAGE)
    owner = rest.lower().replace("deploy/", "deployment/", 1)
    found = [
        pod for pod in pods.running(pods.listed(cluster, namespace)) if pod.name == rest or pod.owner.lower() == owner
    ]
    if not found:
        raise MeshctlError(f"no running pod is {target}", f"kubectl -n {namespace} get pods")
    if not any(pod.meshed for pod in found):
        raise MeshctlError(f"{found[0].key} has no sidecar", "label its namespace, then restart it")
    return next(pod for pod in found if pod.meshed)


def look_inside(cluster: Cluster, pod: pods.Pod, files: bool = False) -> dict[str, Any]:
    argv = ["python3", "-c", INSIDE, *(["files"] if files else [])]
    done = cluster.execute(pod.namespace, pod.name, PROXY, argv)
    try:
        value: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise MeshctlError(f"{pod.key}: {done.stderr[-300:] or 'no answer'}") from error
    return value


def status(cluster: Cluster, output: Output, pod: pods.Pod) -> int:
    inside = look_inside(cluster, pod)
    ready, why = True, ""
    try:
        cluster.pod_get(pod.namespace, pod.name, HEALTH_PORT, "/readyz")
    except MeshctlError as error:
        ready, why = False, str(error)
    metrics = agent_metrics(cluster, pod)
    expires = datetime.fromtimestamp(inside["expires"], UTC) if inside.get("expires") else None
    version = (inside["config"] or {}).get("version", "")
    output.result(
        {
            "pod": pod.key,
            "ready": ready,
            "why": why,
            "configuration": version,
            "certificateExpires": expires.isoformat() if expires else None,
            "processes": inside["processes"],
            "haproxy": inside["haproxy"],
            "worker": inside["worker"],
            "metrics": metrics,
        }
    )
    mark = "[green]ready[/green]" if ready else f"[red]not ready[/red] {escape(why)}"
    output.say(f"[bold]{pod.key}[/bold] on {pod.node}: {mark}")
    output.say(f"identity       ns/{pod.namespace}/sa/{pod.service_account}")
    output.say(f"certificate    until {expires:%Y-%m-%d %H:%M} UTC" if expires else "certificate    none")
    output.plain(f"configuration  {version or 'none'}")
    rows = [[str(one["pid"]), one["name"], f"{one['memoryKiB'] / 1024:.0f} MiB"] for one in inside["processes"]]
    output.table("", ["PID", "PROCESS", "RESIDENT"], rows)
    output.plain(f"haproxy        {listed(inside['haproxy'])}")
    if inside["worker"]:
        output.plain(f"worker         {listed(inside['worker'])}")
    return 0 if ready else EXIT_FAILED


def listed(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def agent_metrics(cluster: Cluster, pod: pods.Pod) -> dict[str, float]:
    """The agent's and the worker's own series, without HAProxy's hundreds."""
    try:
        text = cluster.pod_get(pod.namespace, pod.name, METRICS_PORT, "/metrics")
    except MeshctlError:
        return {}
    lines = [line for line in text.splitlines() if line.startswith(("heddle_agent_", "heddle_worker_"))]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def show_config(output: Output, config: dict[str, Any]) -> None:
    outbound, inbound = config.get("outbound", {}), config.get("inbound", {})
    backends = {one["name"]: one for one in outbound.get("backends", [])}
    output.plain(f"version {config.get('version', '?')}, trust domain {config.get('trustDomain', '?')}\n")
    rows = [
        [
            one["name"],
            ", ".join(one.get("addresses", [])) or "headless",
            one["protocol"],
            one.get("engine", "native"),
            destinations.of_frontend(one, backends),
        ]
        for one in outbound.get("frontends", [])
    ]
    output.table("Outbound", ["SERVICE", "ADDRESS", "PROTOCOL", "ENGINE", "GOES TO"], rows)
    authorization = inbound.get("authorization", {})
    output.say(f"\nInbound: mTLS {inbound.get('mtls', 'Strict')}, default {authorization.get('default', 'Deny')}")
    allowed = [
        [one["name"], one.get("sourceName", ""), one.get("action") or f"{len(one.get('permissions', []))} permissions"]
        for one in authorization.get("intentions", [])
    ]
    output.table("", ["INTENTION", "SOURCE", "ACTION"], allowed)
    limits = [
        [one["name"], ", ".join(map(str, one.get("ports", []))) or "all", behaviour.of_limit(one)]
        for one in inbound.get("rateLimits", [])
    ]
    if limits:
        output.table("", ["RATE LIMIT", "PORTS", "REQUESTS"], limits)
