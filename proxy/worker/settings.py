"""What the worker is told by its environment, and its limits: every one has a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of memory and time. Seconds, unless the name says otherwise."""

    connections: int = 4096
    """From HAProxy at once; the next ones are answered with 503 and closed."""
    head_seconds: float = 10.0
    """For a whole request head, from its first byte."""
    keep_alive_seconds: float = 3600.0
    """A downstream without a request. HAProxy closes what it no longer needs, within seconds; it must be first, or a
    request could meet a connection that is being closed."""
    stream_seconds: float = 3600.0
    """An exchange or tunnel in which no byte moves. HAProxy's timeouts are shorter; this only frees what they
    missed."""
    unread_body_bytes: int = 256 * 1024
    """Of a request that was answered before it was read: so much is thrown away, then the connection is closed."""
    unread_body_seconds: float = 5.0
    frontend_seconds: float = 2.0
    """A request for a frontend that is not in the snapshot waits so long for one that has it."""
    connect_seconds: float = 2.0
    """To the return socket, all attempts together: HAProxy may be starting again."""
    idle_upstreams: int = 256
    """Kept connections to the return socket. Their time is bounded by upstream_idle_seconds."""
    upstream_idle_seconds: float = 20.0
    """Shorter than HAProxy's `timeout http-keep-alive` on the return socket."""
    replay_bytes: int = 64 * 1024
    """Of one request's body, kept so that it can be sent again; a longer one is sent once."""
    replay_total_bytes: int = 8 * 1024 * 1024
    """Of all kept bodies together."""
    discarded_bytes: int = 64 * 1024
    """Of an answer that another attempt replaces: so much is read for the sake of its connection."""
    discard_seconds: float = 1.0
    copies_queued: int = 256
    """Mirror copies that wait."""
    copies_recorded_bytes: int = 8 * 1024 * 1024
    """Of the bodies that copies will have, while their requests are being read."""
    copies_queued_bytes: int = 4 * 1024 * 1024
    copies_at_once: int = 32
    """Mirror copies under way. A target that hangs holds this many connections and nothing else."""
    copy_seconds: float = 5.0
    """For one copy, from its start to the end of its answer."""
    control_bytes: int = 64 * 1024 * 1024
    """A line on the control socket."""
    control_seconds: float = 10.0
    sweep_seconds: float = 0.5
    """How often deadlines are looked at: they are late by at most this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    run_dir: Path = Path("/run/heddle")
    """Folder of the sockets."""
    log_level: str = "info"
    drain_seconds: float = 30.0
    """How long requests in flight may take after SIGTERM."""
    limits: Limits = field(default_factory=Limits)
    listener_fd: int | None = None
    """Inherited listening socket of HAProxy's side: its backlog holds connections while no worker runs, and while one
    has no configuration yet. None: the worker makes `worker.sock` itself and answers 503 until it is configured."""

    @property
    def worker_socket(self) -> Path:
        return self.run_dir / "worker.sock"

    @property
    def return_socket(self) -> Path:
        return self.run_dir / "return.sock"

    @property
    def control_socket(self) -> Path:
        return self.run_dir / "control.sock"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from the environment.

    Raises:
        ValueError: a variable cannot be read; all of them are named, one a line.
    """
    faults: list[str] = []
    level = environment.get("HEDDLE_LOG_LEVEL", "info")
    if level not in ("debug", "info", "warning", "error"):
        faults.append(f"HEDDLE_LOG_LEVEL={level!r} is not one of debug, info, warning, error")
    drain = environment.get("HEDDLE_DRAIN_SECONDS", "30")
    try:
        drain_seconds = float(drain)
    except ValueError:
        drain_seconds = -1.0
    if not 0 <= drain_seconds <= 86400:
        faults.append(f"HEDDLE_DRAIN_SECONDS={drain!r} is not a number of seconds between 0 and 86400")
    run_dir = Path(environment.get("HEDDLE_RUN_DIR", "/run/heddle"))
    if not run_dir.is_dir():
        faults.append(f"HEDDLE_RUN_DIR={str(run_dir)!r} is not a folder")
    listener = environment.get("HEDDLE_WORKER_LISTENER", "")
    if not (listener == "" or (listener.isascii() and listener.isdecimal())):
        faults.append(f"HEDDLE_WORKER_LISTENER={listener!r} is not the number of a descriptor")
    if faults:
        raise ValueError("\n".join(faults))
    fd = int(listener) if listener else None
    return Settings(run_dir=run_dir, log_level=level, drain_seconds=drain_seconds, listener_fd=fd)
