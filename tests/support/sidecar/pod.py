"""A pod: a network namespace with a captured application side and a real sidecar, in the image's root filesystem.

The sidecar runs as in Kubernetes: PID 1 of its own process namespace, uid 1337, no capabilities, read-only root.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

from tests.support.sidecar.control_plane import FakeControlPlane
from tests.support.sidecar.network import GATEWAY, Network, within
from tests.support.sidecar.rootfs import ROOT, cache_dir, rootfs

READY_SECONDS = 30.0
MOUNTS = r"""
set -eu
mount --make-rprivate /
mount --bind "$ROOTFS" "$ROOTFS"
mount -t proc proc "$ROOTFS/proc"
mount --rbind /dev "$ROOTFS/dev"
mount -t tmpfs -o mode=755 tmpfs "$ROOTFS/mnt"
mkdir "$ROOTFS/mnt/src" "$ROOTFS/mnt/site" "$ROOTFS/mnt/pyc" "$ROOTFS/mnt/pod"
mount --bind "$SOURCE" "$ROOTFS/mnt/src"
mount --bind "$SITE" "$ROOTFS/mnt/site"
mount --bind "$PYC" "$ROOTFS/mnt/pyc"
mount --bind "$POD" "$ROOTFS/mnt/pod"
mount -o remount,bind,ro "$ROOTFS"
"""


class Pod:
    """One meshed pod. `start` waits until its sidecar is ready."""

    def __init__(
        self,
        network: Network,
        name: str,
        ip: str,
        identity: str,
        control_plane: FakeControlPlane,
        *,
        source: Path = ROOT,
    ) -> None:
        """`source`: the tree that the sidecar runs from, this one or one of another version."""
        self.name, self.ip, self.identity = name, ip, identity
        self._source = source
        self.namespace = network.join(name, ip)
        self._control_plane = control_plane
        self.folder = Path(tempfile.mkdtemp(prefix=f"heddle-{name}-"))
        self.run_dir = self.folder / "run"
        self.log = self.folder / "log"
        self._sidecar: subprocess.Popen[bytes] | None = None
        self.environment: dict[str, str] = {}

    # --- life --------------------------------------------------------------------------------------

    def capture(self, **exclusions: str) -> None:
        """What the init container does."""
        command = ["ip", "netns", "exec", self.namespace, sys.executable, "-m", "proxy.capture"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **exclusions}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0, done.stderr

    def start(self, *, ready: bool = True) -> None:
        self.folder.chmod(0o755)
        self.run_dir.mkdir(exist_ok=True)
        os.chown(self.run_dir, 1337, 1337)
        self.run_dir.chmod(0o700)
        (self.folder / "token").write_text(self.identity)
        (self.folder / "resolv.conf").write_text(f"nameserver {GATEWAY}\n")
        pyc = cache_dir() / "pyc"
        pyc.mkdir(parents=True, exist_ok=True)
        pyc.chmod(0o777)
        places = {
            "ROOTFS": rootfs(),
            "SOURCE": self._source,
            "SITE": sysconfig.get_path("purelib"),
            "PYC": pyc,
            "POD": self.folder,
        }
        environment = {"PATH": os.environ["PATH"], **{name: str(path) for name, path in places.items()}}
        namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        with self.log.open("ab") as log:
            self._sidecar = subprocess.Popen(
                ["ip", "netns", "exec", self.namespace, *namespaces, "sh", "-c", MOUNTS + self._exec()],
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        if ready:
            self.wait_ready()

    def _exec(self) -> str:
        given = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONPATH": "/mnt/src:/mnt/site",
            "PYTHONPYCACHEPREFIX": "/mnt/pyc",
            "HEDDLE_CONTROL_PLANE": self._control_plane.url,
            "HEDDLE_TRUST_BUNDLE": self._control_plane.authority.bundle,
            "HEDDLE_TRUST_DOMAIN": "cluster.local",
            "HEDDLE_NAMESPACE": "shop",
            "HEDDLE_POD": self.name,
            "HEDDLE_POD_IP": self.ip,
            "HEDDLE_SERVICE_ACCOUNT": self.name,
            "HEDDLE_RUN_DIR": "/mnt/pod/run",
            "HEDDLE_TOKEN_FILE": "/mnt/pod/token",
            "HEDDLE_RESOLV_CONF": "/mnt/pod/resolv.conf",
            "HEDDLE_DRAIN_SECONDS": "5",
            **self.environment,
        }
        settings = " ".join(f"{name}='{value}'" for name, value in given.items())
        drop = "setpriv --reuid 1337 --regid 1337 --clear-groups --bounding-set=-all --no-new-privs"
        return f'exec env -i {settings} chroot "$ROOTFS" {drop} python3 -OO -m proxy\n'

    def stop(self, timeout: float = 20.0) -> int:
        """SIGTERM to PID 1 of the pod, as the kubelet does; returns the exit code."""
        assert self._sidecar is not None
        os.kill(self.supervisor, signal.SIGTERM)
        code = self._sidecar.wait(timeout)
        self._sidecar = None
        return code

    def close(self) -> None:
        if self._sidecar is not None:
            # PID 1 by itself: the change of user has cleared the signal that `unshare --kill-child` asked for.
            with contextlib.suppress(StopIteration, ProcessLookupError):
                os.kill(self.supervisor, signal.SIGKILL)
            self._sidecar.kill()
            self._sidecar.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- looking inside ----------------------------------------------------------------------------

    @property
    def supervisor(self) -> int:
        """Its process id as this machine sees it."""
        return next(pid for pid, arguments in self.processes() if arguments[-1] == "proxy")

    def process(self, what: str) -> int:
        """`agent`, `worker` or `haproxy`: the newest of them, as this machine sees it."""
        wanted = {"agent": "proxy.agent", "worker": "proxy.worker"}.get(what)
        found = [
            pid
            for pid, arguments in self.processes()
            if (arguments[-1] == wanted if wanted else arguments[0].endswith(what))
        ]
        assert found, f"no {what} in {self.name}: {self.processes()}"
        # Not the highest id: ids begin again at the lowest some day.
        return max(found, key=_started)

    def processes(self) -> list[tuple[int, list[str]]]:
        """Every process of the sidecar, with its arguments."""
        found: list[tuple[int, list[str]]] = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdecimal():
                continue
            try:
                inside = str((entry / "ns" / "net").readlink()) == _namespace_id(self.namespace)
                arguments = (entry / "cmdline").read_bytes().decode().split("\0")[:-1]
                uid = entry.stat().st_uid
            except OSError:
                continue
            if inside and uid == 1337 and arguments:
                found.append((int(entry.name), arguments))
        return sorted(found)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        answer = b""
        while time.monotonic() < deadline:
            try:
                answer = self.health("/readyz")
                if b" 200 " in answer.split(b"\r\n", 1)[0]:
                    return
            except OSError as error:
                answer = str(error).encode()
            assert self._sidecar is not None
            assert self._sidecar.poll() is None, f"the sidecar ended:\n{self.logs()}"
            time.sleep(0.05)
        raise AssertionError(f"{self.name} is not ready: {answer!r}\n{self.logs()}")

    def health(self, path: str, port: int = 15020) -> bytes:
        """The raw answer of the health port."""
        with self.connect((self.ip, port)) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            return b"".join(iter(lambda: client.recv(65536), b""))

    def logs(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # --- the application's side ---------------------------------------------------------------------

    def connect(self, address: tuple[str, int], timeout: float = 5.0) -> socket.socket:
        """As the application does it: captured."""
        with within(self.namespace):
            return socket.create_connection(address, timeout)

    def listener(self, port: int, host: str = "0.0.0.0") -> socket.socket:
        """A place where the application listens."""
        with within(self.namespace):
            return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


def _namespace_id(name: str) -> str:
    return f"net:[{(Path('/run/netns') / name).stat().st_ino}]"


def _started(pid: int) -> int:
    """When a process was started, in clock ticks since the machine was."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
