"""A real Kubernetes API server (with its etcd) on loopback, without nodes: what it accepts, a cluster accepts."""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.binaries import find

START_SECONDS = 90.0
STOP_SECONDS = 20.0
Object = dict[str, Any]


class Answer(NamedTuple):
    """What the API server said."""

    status: int
    body: Object
    warnings: tuple[str, ...] = ()

    @property
    def message(self) -> str:
        return str(self.body.get("message", ""))


class ApiServer:
    """Speaks to the server as an administrator, each call bounded."""

    def __init__(self, port: int, token: str, folder: Path) -> None:
        self._root = f"https://127.0.0.1:{port}"
        self._token = token
        self.kubeconfig = folder / "kubeconfig"
        """For programs that want a file."""
        self.kubeconfig.write_text(json.dumps(_kubeconfig(self._root, token)))
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False  # its certificate is its own work of a moment ago, and it is ours
        self._tls.verify_mode = ssl.CERT_NONE

    def call(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Answer:
        """One request. A refusal is an answer, not an exception."""
        request = urllib.request.Request(  # noqa: S310 - https on loopback
            self._root + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self._token}", "content-type": content_type},
        )
        try:
            with urllib.request.urlopen(request, timeout=30, context=self._tls) as response:  # noqa: S310
                return Answer(response.status, _json(response.read()), _warnings(response.headers))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _json(error.read()), _warnings(error.headers))

    def create(self, path: str, body: Object, *, dry_run: bool = False) -> Answer:
        """Create an object; unknown fields are refused, as kubectl asks for it."""
        return self.call("POST", f"{path}?fieldValidation=Strict{'&dryRun=All' if dry_run else ''}", body)

    def wait_for(self, path: str, seconds: float = START_SECONDS) -> None:
        """Until a GET of the path succeeds."""
        deadline = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError):
                if self.call("GET", path).status == 200:
                    return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{path} did not answer within {seconds} s")
            time.sleep(0.05)  # a process outside of ours: nothing tells us when it listens


def _kubeconfig(root: str, token: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": root, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }


def _json(data: bytes) -> Object:
    try:
        found: Object = json.loads(data)
    except ValueError:
        return {"message": data.decode(errors="replace")}
    return found


def _warnings(headers: Any) -> tuple[str, ...]:
    """`Warning: 299 - "text"`, RFC 9111."""
    return tuple(value.partition('"')[2].removesuffix('"') for value in headers.get_all("warning") or ())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextlib.contextmanager
def api_server(folder: Path) -> Iterator[ApiServer]:
    """Start etcd and an API server, both in `folder`; both are gone afterwards."""
    etcd, server = find("etcd", "etcd"), find("kubernetes", "kube-apiserver")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    signing = folder / "service-account.key"
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    signing.write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    token = secrets.token_hex()
    (folder / "tokens.csv").write_text(f'{token},test,1,"system:masters"\n')
    client, peer, secure = free_port(), free_port(), free_port()
    commands = (
        [
            str(etcd), "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync", "--log-level", "error",
            "--listen-client-urls", f"http://127.0.0.1:{client}",
            "--advertise-client-urls", f"http://127.0.0.1:{client}",
            "--listen-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
            "--initial-cluster", f"default=http://127.0.0.1:{peer}",
        ],
        [
            str(server), "--etcd-servers", f"http://127.0.0.1:{client}",
            "--bind-address", "127.0.0.1", "--secure-port", str(secure), "--cert-dir", str(folder / "certs"),
            "--token-auth-file", str(folder / "tokens.csv"), "--authorization-mode", "RBAC",
            "--service-account-key-file", str(signing), "--service-account-signing-key-file", str(signing),
            "--service-account-issuer", "https://kubernetes.default.svc",
            "--service-cluster-ip-range", "10.0.0.0/24",
            # Nobody makes the ServiceAccount `default` of a namespace here.
            "--disable-admission-plugins", "ServiceAccount",
        ],
    )  # fmt: skip
    with contextlib.ExitStack() as stack:
        for command in commands:
            stack.enter_context(_running(command, folder / f"{Path(command[0]).name}.log"))
        found = ApiServer(secure, token, folder)
        found.wait_for("/readyz")
        yield found


@contextlib.contextmanager
def _running(command: list[str], log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_SECONDS)
