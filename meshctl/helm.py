"""The only door to Helm (through pyhelm3): releases are made, changed and removed here and nowhere else."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyhelm3
import pyhelm3.errors

from meshctl.errors import EXIT_UNAVAILABLE, MeshctlError

Values = dict[str, Any]
Progress = Callable[[], Coroutine[None, None, None]]
# pyhelm3 logs each command whole, with its token: nothing of that leaves this module.
logging.getLogger("pyhelm3.command").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Release:
    name: str
    namespace: str
    chart: str
    version: str
    revision: int
    status: str
    description: str


def find_executable(given: str | None) -> str:
    """--helm, else $HEDDLE_HELM, else PATH, else the newest one that Heddle's playbooks built. Raises MeshctlError."""
    wanted = given or os.environ.get("HEDDLE_HELM")
    if wanted:
        if shutil.which(wanted):
            return wanted
        raise MeshctlError(f"there is no Helm at {wanted}", "look at --helm and HEDDLE_HELM", EXIT_UNAVAILABLE)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "heddle" / "binaries" / "helm"
    built = max(cache.glob("*/helm"), key=_version, default=None)
    found = shutil.which("helm") or (str(built) if built else None)
    if not found:
        hint = "install Helm 3, give --helm PATH, or let the playbooks build it: ansible-playbook playbooks/cluster.yml"
        raise MeshctlError("Helm is not on PATH", hint, EXIT_UNAVAILABLE)
    return found


def _version(program: Path) -> list[int]:
    """Of a program in a folder that is named after its version."""
    return [int(number) for number in re.findall(r"\d+", program.parent.name)]


class Helm:
    """Releases of one cluster. Every call waits at most `timeout_seconds`."""

    def __init__(self, executable: str, kubeconfig: str | None, context: str | None, timeout_seconds: int) -> None:
        self.timeout_seconds = timeout_seconds
        self._client = pyhelm3.Client(
            executable=executable,
            kubeconfig=Path(kubeconfig) if kubeconfig else None,
            kubecontext=context,
            default_timeout=f"{timeout_seconds}s",
        )

    def find(self, name: str, namespace: str) -> Release | None:
        return self._run(self._find(name, namespace), f"release {namespace}/{name}")

    def ensure(
        self,
        name: str,
        namespace: str,
        chart: Path,
        values: Values,
        progress: Progress | None = None,
    ) -> tuple[Release, bool]:
        """Installs or upgrades, whole or not at all, and waits until it is ready.

        Returns the release and whether anything was changed: chart and values that are there already change nothing.
        """
        return self._run(self._ensure(name, namespace, chart, values, progress), f"release {namespace}/{name}")

    def would_change(self, name: str, namespace: str, chart: Path, values: Values) -> bool:
        """Whether `ensure` would do anything."""
        current = self.find(name, namespace)
        return current is None or current.status != "deployed" or current.description != describe(chart, values)

    def check_values(self, name: str, namespace: str, chart: Path, values: Values) -> None:
        """Nothing is asked of the cluster. Raises MeshctlError: the chart's schema does not allow the values."""

        async def render() -> None:
            try:
                found = await self._client.get_chart(chart)
                await self._client.template_resources(found, name, values, namespace=namespace)
            except pyhelm3.errors.Error as error:
                said = error.stderr.decode(errors="replace")
                # whatever else it says is of no meaning without the cluster: an older Helm takes it for an older one
                if "values don't meet the specifications" in said:
                    wrong = "; ".join(line[2:] for line in said.splitlines() if line.startswith("- "))
                    hint = f"the values of the chart, each with its meaning: {chart}/values.yaml"
                    raise MeshctlError(f"values of chart {chart.name}: {wrong or said.strip()}", hint) from error

        self._run(render(), f"chart {chart.name}")

    def values(self, name: str, namespace: str) -> Values:
        """What was given when the release was made ({} when there is none)."""

        async def read() -> Values:
            try:
                revision = await self._client.get_current_revision(name, namespace=namespace)
            except pyhelm3.errors.ReleaseNotFoundError:
                return {}
            return dict(await revision.values())

        return self._run(read(), f"release {namespace}/{name}")

    def rollback(self, name: str, namespace: str, revision: int | None) -> Release:
        async def back() -> Release:
            current = await self._client.get_current_revision(name, namespace=namespace)
            await current.release.rollback(revision, cleanup_on_fail=True, wait=True)
            found = await self._find(name, namespace)
            if found is None:
                raise MeshctlError(f"release {namespace}/{name} is gone after its rollback")
            return found

        return self._run(back(), f"release {namespace}/{name}")

    def uninstall(self, name: str, namespace: str) -> bool:
        async def remove() -> bool:
            if await self._find(name, namespace) is None:
                return False
            await self._client.uninstall_release(name, namespace=namespace, wait=True)
            return True

        return self._run(remove(), f"release {namespace}/{name}")

    def _run[T](self, work: Coroutine[None, None, T], what: str) -> T:
        async def bounded() -> T:
            # Helm has the same limit; it answers with a reason, so it goes first.
            return await asyncio.wait_for(work, self.timeout_seconds * 2 + 30)

        try:
            return asyncio.run(bounded())
        except pyhelm3.errors.ReleaseNotFoundError as error:
            raise MeshctlError(f"{what} does not exist", "meshctl install") from error
        except pyhelm3.errors.Error as error:
            raise MeshctlError(f"{what}: {error.stderr.decode(errors='replace').strip()}") from error
        except TimeoutError as error:
            raise MeshctlError(f"{what}: Helm did not end within {self.timeout_seconds * 2 + 30} s") from error

    async def _find(self, name: str, namespace: str) -> Release | None:
        for found in await self._client.list_release_definitions(all=True, namespace=namespace):
            if found["name"] == name:
                break
        else:
            return None
        chart, _, version = str(found["chart"]).rpartition("-")
        releases = await self._client.list_releases(all=True, namespace=namespace)
        release = next(one for one in releases if one.name == name)
        newest = list(await release.history(max_revisions=1))[-1]
        described = str(newest.description or "")
        return Release(name, namespace, chart, version, int(found["revision"]), str(found["status"]), described)

    async def _ensure(
        self, name: str, namespace: str, path: Path, values: Values, progress: Progress | None
    ) -> tuple[Release, bool]:
        chart = await self._client.get_chart(path)
        wanted = describe(path, values)
        current = await self._find(name, namespace)
        if current and current.chart != chart.metadata.name:
            raise MeshctlError(
                f"release {namespace}/{name} is of chart {current.chart}, not {chart.metadata.name}: it is not ours",
                f"choose another --namespace, or look at it with: helm -n {namespace} status {name}",
            )
        if current and current.status == "deployed" and current.description == wanted:
            return current, False
        if current and current.status.startswith(("pending", "uninstalling")):
            # an interrupted run left it half-way; Helm refuses to go on from there
            await self._client.get_proceedable_revision(name, namespace=namespace)
        watcher = asyncio.create_task(progress()) if progress else None
        try:
            await self._client.install_or_upgrade_release(
                name, chart, values, namespace=namespace, create_namespace=False, description=wanted, reset_values=True,
                atomic=True, cleanup_on_fail=True, wait=True,
            )  # fmt: skip
        finally:
            if watcher:
                watcher.cancel()
        made = await self._find(name, namespace)
        if made is None:
            raise MeshctlError(f"release {namespace}/{name} is gone after it was installed")
        return made, True


def describe(chart: Path, values: Values) -> str:
    """The release's description: a fingerprint of the chart's files and the values, by which a second run sees that
    nothing is to be done (a chart's version alone says too little while it is developed)."""
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for file in sorted(path for path in chart.rglob("*") if path.is_file()):
        digest.update(str(file.relative_to(chart)).encode() + b"\0" + file.read_bytes())
    return f"meshctl: chart and values sha256:{digest.hexdigest()[:16]}"
