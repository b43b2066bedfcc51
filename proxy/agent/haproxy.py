"""HAProxy as a running process: applied configurations, reloads without a lost connection, restarts, adoption.

Every configuration that HAProxy is started with has a folder of its own, `gen/N`, so that what runs can always be
started again. Changes by the Runtime API are written to these files first.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from mesh_policy.errors import InvalidConfig, Violation
from mesh_policy.snapshot import WorkloadConfig
from proxy.agent import generation_files
from proxy.agent.backoff import PROCESS
from proxy.agent.messages import start_with_messages
from proxy.agent.processes import Process
from proxy.agent.retired import Retired
from proxy.engine.haproxy import runtime_api
from proxy.engine.haproxy.difference import Command, difference
from proxy.engine.haproxy.render import render
from proxy.engine.haproxy.rendering import Place, Rendered, Section
from proxy.engine.haproxy.runtime_api import RuntimeApiError

logger = logging.getLogger(__name__)

READY_TIMEOUT_SECONDS = 10.0
CHECK_TIMEOUT_SECONDS = 20.0
SECONDS_PER_MEGABYTE = 5.0
"""More for each megabyte of configuration: 2,000 Services of 10 endpoints are 9 MB, and took 8.4 s to start and 6 s to
check where nothing else was running."""
STEADY_SECONDS = 10.0
IDENTITY_ATTEMPTS = 12
"""In a quarter of a minute, where each fails at once."""


class Haproxy:
    """The one HAProxy of this sidecar. Calls are serialised: one change at a time."""

    def __init__(
        self, program: str, run_dir: Path, pod_ip: str, identity_fd: int, *, nameservers: tuple[str, ...] = ()
    ) -> None:
        self._program = program
        self._run_dir = run_dir
        self._pod_ip = pod_ip
        self._identity_fd = identity_fd
        self._nameservers = nameservers
        self._lock = asyncio.Lock()
        self._generation = 0
        self._rendered: Rendered | None = None
        self._lingering: set[str] = set()
        """Servers and backends not deleted yet, for the connections they still have, as subjects of commands: they get
        no new ones, and are perhaps wanted again."""
        self._process: Process | None = None
        self._retired = Retired()
        self._watch: asyncio.Task[None] | None = None
        self._stopping = False
        self.restarts = 0
        self.reloads = 0
        self.runtime_changes = 0

    @property
    def running(self) -> bool:
        """A process is up and answered."""
        return self._process is not None and not self._process.ended.is_set()

    @property
    def socket(self) -> Path:
        """The Runtime API."""
        return self._run_dir / "admin.sock"

    async def adopt(self) -> bool:
        """Takes over the process that a former agent left. False: there is none."""
        try:
            info = await runtime_api.info(self.socket)
            generation = int(Path(info["description"]).name)
            process = Process(int(info["Pid"]))
        except (RuntimeApiError, KeyError, ValueError, ProcessLookupError):
            return False
        self._generation = generation
        self._follow(process)
        self._retired.adopt(self._run_dir, process.pid)
        logger.info("took over HAProxy %d, generation %d", process.pid, generation)
        return True

    async def apply(self, config: WorkloadConfig, trust_bundle: str) -> None:
        """Makes HAProxy run this configuration; when it raises, what ran before still runs.

        Raises:
            InvalidConfig: it cannot be rendered, or HAProxy refuses it.
        """
        async with self._lock:
            before = self._rendered
            if self.running and await self._apply_running(config, trust_bundle):
                return
            try:
                await self._reload(config, trust_bundle)
            except InvalidConfig:
                self._take_back(before)
                await self._keep_listening()
                raise

    @property
    def sections(self) -> Mapping[str, Section]:
        """Backends and servers of the configuration that runs; empty: none does."""
        return self._rendered.sections if self._rendered is not None and self.running else {}

    async def set_maintenance(self, wanted: Mapping[tuple[str, str], bool]) -> None:
        """Takes servers (section and name) out, or back in. Ones that the configuration does not have are left alone:
        they are on their way out for good.

        Raises:
            RuntimeApiError: HAProxy does not answer, or refuses it.
        """
        async with self._lock:
            for (section, server), out in wanted.items():
                if section in self.sections and server in self.sections[section].servers:
                    command = f"set server {section}/{server} state {'maint' if out else 'ready'}"
                    if answer := await runtime_api.ask(self.socket, command):
                        raise RuntimeApiError(f"{command}: {answer}")

    async def set_identity(self, pem: str) -> None:
        """The identity's memory file has a new content: the running process takes it as well, without a reload. One
        that is too busy is asked again for a while: with the old certificate it would end in some hours.

        Raises:
            RuntimeApiError: HAProxy refused it; it still has the old one.
        """
        for failures in range(1, IDENTITY_ATTEMPTS):
            try:
                return await self._set_identity(pem)
            except RuntimeApiError as error:
                logger.warning("the new certificate is not in use yet: %s", error)
                await asyncio.sleep(PROCESS.wait_seconds(failures, 0.0))
        return await self._set_identity(pem)

    async def _set_identity(self, pem: str) -> None:
        async with self._lock:
            if not self.running or self._rendered is None:
                return
            name = self._place(self._generation).certificate
            answer = await runtime_api.ask(self.socket, f"set ssl cert {name} <<\n{pem.strip()}\n")
            if "Transaction" not in answer:
                raise RuntimeApiError(f"set ssl cert: {answer}")
            answer = await runtime_api.ask(self.socket, f"commit ssl cert {name}", 30.0)
            if "Success" not in answer:
                raise RuntimeApiError(f"commit ssl cert: {answer}")

    async def drain(self, timeout_seconds: float) -> None:
        """Waits until no request is in flight, at most this long, then stops the process."""
        self._stopping = True
        process = self._process
        if process is None:
            return
        deadline = time.monotonic() + timeout_seconds
        while not process.ended.is_set() and time.monotonic() < deadline:
            try:
                if await runtime_api.requests_in_flight(self.socket) == 0:
                    break
            except RuntimeApiError as error:
                logger.warning("cannot see the requests in flight: %s", error)
                break
            await process.wait(0.1)
        process.send(signal.SIGUSR1)
        await process.wait(0.5)
        await process.stop(2.0)

    # --- changing ---------------------------------------------------------------------------------

    async def _apply_running(self, config: WorkloadConfig, trust_bundle: str) -> bool:
        """By the Runtime API where that is possible."""
        place = self._place(self._generation)
        folder = Path(place.files_dir)
        new = render(config, trust_bundle, place)
        commands = self._commands(folder, new, place)
        if commands is None:
            return False
        if not commands:
            self._rendered = new
            return True
        generation_files.begin(folder)
        try:
            generation_files.write(folder, new)
        except InvalidConfig:
            generation_files.finish(folder)
            raise
        self._rendered = new
        if await self._run(commands):
            generation_files.finish(folder)
            return True
        return False

    def _commands(self, folder: Path, new: Rendered, place: Place) -> list[Command] | None:
        """None: only a reload makes this run."""
        if not generation_files.finished(folder):
            return None  # nobody knows what exactly runs
        if self._rendered is not None:
            return difference(self._rendered, new, place)
        # Taken over: what runs is what the files say, since every change is written to them first.
        return [] if generation_files.same(folder, new) else None

    def _take_back(self, before: Rendered | None) -> None:
        """A change was begun by the Runtime API and could not be finished by a reload either: if HAProxy has to be
        started again, then with what ran before. The next change is a reload."""
        if before is None or before is self._rendered:
            return
        self._rendered = before
        try:
            generation_files.write(Path(self._place(self._generation).files_dir), before)
        except InvalidConfig as error:
            logger.error("the files stay those of a refused snapshot: %s", error)

    async def _keep_listening(self) -> None:
        """The process of a reload that failed may have told the running one to stop, which then serves what it has, for
        an hour perhaps, and takes nothing new: another one takes its place, with the same files."""
        before = self._process
        if before is None or before.ended.is_set() or await self._listens(before):
            return
        logger.error("HAProxy %d does not listen any more", before.pid)
        try:
            process = await self._start(Path(self._place(self._generation).files_dir), before)
        except InvalidConfig as error:
            logger.error("HAProxy does not come back: %s", error)
            return
        self.restarts += 1
        self._lingering = set()
        self._follow(process)
        self._retired.add(before)

    async def _listens(self, process: Process) -> bool:
        """It answers, and has not been told to stop."""
        try:
            info = await runtime_api.info(self.socket)
        except RuntimeApiError:
            return False
        return info.get("Pid") == str(process.pid) and info.get("Stopping") == "0"

    async def _run(self, commands: list[Command]) -> bool:
        for command in commands:
            try:
                answer = await runtime_api.ask(self.socket, command.text)
            except RuntimeApiError as error:
                logger.warning("reload instead: %s", error)
                return False
            good = answer.startswith(command.expect) if command.expect else not answer
            if not good and command.fallible:
                self._lingering.add(command.subject)
            elif not good and command.subject in self._lingering:
                self._lingering.discard(command.subject)
            elif not good:
                logger.warning("reload instead: %r answered %r", command.text.split("\n")[0][:80], answer[:200])
                return False
        self.runtime_changes += 1
        return True

    async def _reload(self, config: WorkloadConfig, trust_bundle: str) -> None:
        generation = self._generation + 1
        place = self._place(generation)
        rendered = render(config, trust_bundle, place)
        folder = Path(place.files_dir)
        before = self._process if self.running else None
        try:
            generation_files.write(folder, rendered)
            await self._check(folder)
            process = await self._start(folder, before)
        except InvalidConfig:
            generation_files.remove(folder)
            raise
        self._generation, self._rendered, self._lingering = generation, rendered, set()
        self.reloads += 1
        self._follow(process)
        if before is not None:
            self._retired.add(before)
        for old in folder.parent.iterdir():
            if old.name.isdecimal() and int(old.name) < generation - 1:
                generation_files.remove(old)

    async def _check(self, folder: Path) -> None:
        """`haproxy -c`: what it says becomes the violations."""
        checked = await asyncio.create_subprocess_exec(
            self._program,
            *("-c", "-f", str(folder / "haproxy.cfg")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            pass_fds=(self._identity_fd,),
        )
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS + _more(folder)):
                output, _ = await checked.communicate()
        except TimeoutError as error:
            checked.kill()
            raise InvalidConfig((Violation("haproxy", "did not finish to check the configuration"),)) from error
        if checked.returncode != 0:
            alerts = [line for line in output.decode(errors="replace").splitlines() if "[ALERT]" in line][:20]
            raise InvalidConfig(tuple(Violation("haproxy", _readable(line)) for line in alerts or ["refused"]))

    async def _start(self, folder: Path, old: Process | None) -> Process:
        """Starts HAProxy and waits for it. With `old`: takes its listening sockets over, if it has them, and lets it
        finish."""
        argv = [self._program, "-f", str(folder / "haproxy.cfg")]
        if old is not None:
            if await self._listens(old):
                argv += ["-x", str(self.socket)]
            argv += ["-sf", str(old.pid)]
        try:
            process = await start_with_messages(argv)
        except OSError as error:
            raise InvalidConfig((Violation("haproxy", f"cannot be started: {error}"),)) from error
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS + _more(folder)
        while time.monotonic() < deadline and not await process.wait(0.01):
            try:
                if (await runtime_api.info(self.socket)).get("Pid") == str(process.pid):
                    return process
            except RuntimeApiError:
                continue
        await process.stop(1.0)
        message = (
            f"ended with {process.exit_code} at its start" if process.exit_code is not None else "did not get ready"
        )
        raise InvalidConfig((Violation("haproxy", message),))

    # --- watching ---------------------------------------------------------------------------------

    def _follow(self, process: Process) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._process = process
        self._watch = asyncio.create_task(self._restart_when_gone(process), name="haproxy")

    async def _restart_when_gone(self, process: Process) -> None:
        failures = 0
        while True:
            since = time.monotonic()
            await process.ended.wait()
            async with self._lock:
                # A reload holds the lock until it has followed the new process, which ends this watch: the old one's
                # end was asked for and is no news.
                pass
            if self._stopping:
                return
            failures = 1 if time.monotonic() - since > STEADY_SECONDS else failures + 1
            logger.error("HAProxy %d ended with %s", process.pid, process.exit_code)
            process = await self._start_again(failures)
            self._process = process

    async def _start_again(self, failures: int) -> Process:
        while True:
            self.restarts += 1
            if failures > 1:
                await asyncio.sleep(PROCESS.wait_seconds(failures - 1, 0.0))
            async with self._lock:
                try:
                    process = await self._start(Path(self._place(self._generation).files_dir), None)
                    self._lingering = set()
                    return process
                except InvalidConfig as error:
                    logger.error("HAProxy does not come back: %s", error)
                    failures += 1

    def _place(self, generation: int) -> Place:
        folder = self._run_dir / "gen" / str(generation)
        return Place(str(self._run_dir), str(folder), self._identity_fd, self._pod_ip, self._nameservers)


def _more(folder: Path) -> float:
    """Seconds that a large configuration takes more."""
    try:
        return (folder / "haproxy.cfg").stat().st_size / 1e6 * SECONDS_PER_MEGABYTE
    except OSError:
        return 0.0


def _readable(line: str) -> str:
    return line.partition(" : ")[2].strip() or line.strip()
