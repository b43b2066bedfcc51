"""PID 1 of the sidecar: starts the agent, starts it again, reaps, and passes SIGTERM on. Imports almost nothing.

It makes what outlives an agent and a worker, and inherits it to them: two memory files, the identity (key and
certificate, which HAProxy reads as `/proc/self/fd/10`) and the agent's memory (last good snapshot), which it never
reads; and the socket that HAProxy reaches the worker by: while there is no worker, connections wait in it.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

IDENTITY_FD = 10
STATE_FD = 11
WORKER_LISTENER_FD = 12
WORKER_BACKLOG = 4096
BAD_SETTINGS = 64
INTERNAL_ERROR = 70
FIRST_BACKOFF_SECONDS = 0.05
LONGEST_BACKOFF_SECONDS = 5.0
STEADY_SECONDS = 10.0
"""An agent that ran this long is not in a crash loop: the next start waits the shortest time again."""

_WAITED = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}


def main() -> int:
    """Runs until SIGTERM or SIGINT. Returns the agent's exit code (0: ended as asked)."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED)
    for name, number in (("identity", IDENTITY_FD), ("state", STATE_FD)):
        made = os.memfd_create(name)
        os.dup2(made, number, inheritable=True)
        os.close(made)
    _listen_for_the_worker(os.environ.get("HEDDLE_RUN_DIR") or "/run/heddle")
    backoff = FIRST_BACKOFF_SECONDS
    while True:
        started = time.monotonic()
        code, asked = _watch(_start())
        if asked or code in (0, BAD_SETTINGS):
            return code
        backoff = FIRST_BACKOFF_SECONDS if time.monotonic() - started > STEADY_SECONDS else backoff
        if signal.sigtimedwait({signal.SIGTERM, signal.SIGINT}, backoff) is not None:
            return 0
        backoff = min(backoff * 2, LONGEST_BACKOFF_SECONDS)


def _listen_for_the_worker(run_dir: str) -> None:
    """`worker.sock`, for its owner only, listening before anybody can connect."""
    os.makedirs(run_dir, mode=0o700, exist_ok=True)  # noqa: PTH103 - pathlib would cost this small process memory
    path = f"{run_dir}/worker.sock"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    # The folder outlives a container that is started again, and with it what was cut off half-way.
    if os.path.lexists(f"{path}.new"):
        os.unlink(f"{path}.new")  # noqa: PTH108 - as above
    before = os.umask(0o177)
    listener.bind(f"{path}.new")
    os.umask(before)
    listener.listen(WORKER_BACKLOG)
    os.replace(f"{path}.new", path)  # noqa: PTH105 - as above
    os.dup2(listener.fileno(), WORKER_LISTENER_FD, inheritable=True)
    listener.close()


def _start() -> int:
    arguments = [sys.executable, "-OO", "-m", "proxy.agent"]
    return os.posix_spawn(sys.executable, arguments, os.environ, setsigmask=())


def _watch(agent: int) -> tuple[int, bool]:
    """Until the agent ends. Returns its exit code and whether we were asked to stop."""
    asked = False
    while True:
        received = signal.sigwaitinfo(_WAITED).si_signo
        if received != signal.SIGCHLD:
            asked = True
            os.kill(agent, signal.SIGTERM)
            continue
        code = _reap(agent)
        if code is not None:
            return code, asked


def _reap(agent: int) -> int | None:
    """Collects every child that ended; processes whose agent died are children of PID 1."""
    code = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if pid == 0:
            return code
        if pid == agent:
            ended = os.waitstatus_to_exitcode(status)
            code = ended if ended >= 0 else INTERNAL_ERROR


if __name__ == "__main__":
    sys.exit(main())
