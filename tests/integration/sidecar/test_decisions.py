"""HAProxy and the pure rules agree: the same intentions, the same requests, the same answer from both.

Runs HAProxy itself with the compiled rules in front of an answer; the caller's identity comes in a header instead of a
certificate, and everything after it is what a sidecar runs.
"""

from __future__ import annotations

import re
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesh_policy.authorization import decide
from mesh_policy.errors import InvalidConfig
from mesh_policy.identity import parse_spiffe_id
from mesh_policy.path import refusal
from mesh_policy.request import view
from mesh_policy.snapshot import (
    Action,
    Authorization,
    HeaderPresence,
    HttpPermissionMatch,
    Intention,
    Permission,
    SourceMatch,
    Workload,
    WorkloadConfig,
)
from mesh_policy.snapshot import Inbound as InboundConfig
from proxy.engine.haproxy import authorization, paths
from proxy.engine.haproxy.quoting import map_lines
from proxy.engine.haproxy.render import render
from proxy.engine.haproxy.rendering import Place
from tests.support.sidecar.applications import exchange
from tests.support.sidecar.certificates import Authority
from tests.support.sidecar.rootfs import haproxy

DOMAIN = "cluster.local"
PEERS = [f"spiffe://{d}/ns/{n}/sa/{s}" for d in (DOMAIN, "other") for n in ("shop", "pay") for s in ("web", "web2")]
PATHS = ["/", "/a", "/a/", "/a/b", "/ab", "/A", "/a%20b", "/a;x", "/a'b", '/a"b', "/a$b", "/x/y/z"]
names = st.sampled_from(["x-a", "x-b"])
texts = st.sampled_from(["v", "V", "vv", "v, w", "it's", '"', "%[src]", "$x", "#", "\\", "-i"])
header_tests = st.one_of(
    st.builds(HeaderPresence, name=names, present=st.booleans(), invert=st.booleans()),
    st.builds(HeaderPresence, name=names, exact=texts, invert=st.booleans()),
    st.builds(HeaderPresence, name=names, prefix=texts, invert=st.booleans()),
    st.builds(HeaderPresence, name=names, suffix=texts, invert=st.booleans()),
    st.builds(HeaderPresence, name=names, regex=st.sampled_from(["v+", "v|w", ".*", "V"]), invert=st.booleans()),
)
targets = st.one_of(
    st.just({}),
    st.builds(lambda p: {"path_exact": p}, st.sampled_from(PATHS)),
    st.builds(lambda p: {"path_prefix": p}, st.sampled_from(["/", "/a", "/a/", "/x/y"])),
    st.builds(lambda p: {"path_regex": p}, st.sampled_from(["/a.*", "/(a|x)/[a-z]+", "/a", "(?i)/a"])),
)
https = st.builds(
    lambda target, methods, headers: HttpPermissionMatch(**target, methods=methods, headers=headers),
    targets,
    st.lists(st.sampled_from(["GET", "POST", "PURGE"]), max_size=2, unique=True).map(tuple),
    st.lists(header_tests, max_size=2).map(tuple),
)
permissions = st.lists(
    st.builds(Permission, action=st.sampled_from(["allow", "deny"]), http=https), min_size=1, max_size=3
)
sources = st.one_of(
    st.builds(SourceMatch, identities=st.lists(st.sampled_from(PEERS), min_size=1, max_size=2).map(tuple)),
    st.builds(SourceMatch, namespace=st.sampled_from(["shop", "pay", "none"])),
    st.just(SourceMatch()),
)
intentions = st.one_of(
    st.builds(Intention, name=st.just("shop/i"), source=sources, action=st.sampled_from(["allow", "deny"])),
    st.builds(Intention, name=st.just("shop/p"), source=sources, permissions=permissions.map(tuple)),
)
policies = st.builds(
    Authorization,
    default=st.sampled_from(["Deny", "Audit", "Allow"]),
    intentions=st.lists(intentions, max_size=4).map(tuple),
)
requests = st.tuples(
    st.sampled_from([*PEERS, ""]),
    st.sampled_from(["GET", "POST", "PURGE", "get"]),
    st.sampled_from([*PATHS, "/a?b", "/a?b=/../c", "/a/../b", "//a", "/a%2fb", "/a/.", "/a%5Cb"]),
    st.lists(st.tuples(names, texts), max_size=3),
)


def configuration(folder: Path, policy: Authorization) -> str:
    """The inbound rules of a sidecar between a peer from a header and a fixed answer."""
    place = Place(str(folder), str(folder), 0, "127.0.0.1")
    for name, entries in authorization.authorization_maps(policy, DOMAIN).items():
        Path(place.map(name)).write_text(map_lines(entries))
    return f"""
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend f
  bind unix@{folder}/f.sock
{authorization.acls(DOMAIN)}\
  http-request set-var(txn.method) method
  http-request set-var(sess.peer) req.hdr(x-test-peer)
  http-request unset-var(sess.peer) unless {{ req.hdr(x-test-peer) -m found }}
{paths.refusal_rules()}{paths.refuse_rule()}{authorization.http_rules(policy, place)}\
  http-request return status 200 hdr x-decided-by %[var(txn.decided_by)]
"""


class Oracle:
    """HAProxy with one policy."""

    def __init__(self, folder: Path, policy: Authorization) -> None:
        (folder / "f.cfg").write_text(configuration(folder, policy))
        self._process = subprocess.Popen(haproxy("-db", "-f", str(folder / "f.cfg")), stderr=subprocess.PIPE)
        self._socket = str(folder / "f.sock")
        self._wait()

    def ask(self, peer: str, method: str, path: str, headers: list[tuple[str, str]]) -> int:
        fields = [("host", "x"), *([("x-test-peer", peer)] if peer else []), *headers]
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            client.connect(self._socket)
            return exchange(client, head.encode()).status

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _wait(self) -> None:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.ask("", "GET", "/", [])
            except OSError:
                time.sleep(0.005)  # another process: there is nothing to wait on but its answer
            else:
                return
        self._process.kill()
        raise AssertionError(self._process.communicate()[1].decode())


def expected(policy: Authorization, peer: str, method: str, path: str, headers: list[tuple[str, str]]) -> int:
    if refusal(path.encode()) is not None:
        return 400
    request = view(method, path, headers)
    who = parse_spiffe_id(peer) if peer else None
    return 200 if decide(policy, who, request, trust_domain=DOMAIN).allowed else 403


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(policies, st.lists(requests, min_size=30, max_size=60))
def test_haproxy_decides_as_the_rules_do(
    policy: Authorization, asked: list[tuple[str, str, str, list[tuple[str, str]]]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        oracle = Oracle(Path(name), policy)
        try:
            for request in asked:
                assert oracle.ask(*request) == expected(policy, *request), request
        finally:
            oracle.close()


ENDLESS = HttpPermissionMatch(path_regex="/(a|b)*")
SEARCHED = HttpPermissionMatch(path_regex="/.*a.*a.*b")
"""PCRE2 runs out of stack with the first on a long path, and out of steps with the second."""


@pytest.mark.parametrize("http", [ENDLESS, SEARCHED])
@pytest.mark.parametrize("action", ["allow", "deny"])
def test_a_search_that_is_given_up_denies(tmp_path: Path, http: HttpPermissionMatch, action: Action) -> None:
    """HAProxy alone takes it for no match: what denies would then let pass. And its watchdog would end the process."""
    rest = Permission(action="allow")
    one = Intention(name="shop/i", source=SourceMatch(), permissions=(Permission(action=action, http=http), rest))
    oracle = Oracle(tmp_path, Authorization(intentions=(one,)))
    try:
        assert oracle.ask(PEERS[0], "GET", "/" + "a" * 8000 + "bc", []) == 403
        assert oracle.ask(PEERS[0], "GET", "/aab", []) == (200 if action == "allow" else 403)
        assert oracle.ask(PEERS[0], "GET", "/c", []) == 200
        assert oracle.ask(PEERS[0], "OPTIONS", "*", []) == 200
    finally:
        oracle.close()


def test_the_same_for_a_header(tmp_path: Path) -> None:
    http = HttpPermissionMatch(headers=(HeaderPresence(name="x-a", regex="(a|b)*"),))
    permissions = (Permission(action="deny", http=http), Permission(action="allow"))
    one = Intention(name="shop/i", source=SourceMatch(), permissions=permissions)
    oracle = Oracle(tmp_path, Authorization(intentions=(one,)))
    try:
        for value, status in (("a" * 8000, 403), ("a", 403), ("c", 200)):
            assert oracle.ask(PEERS[0], "GET", "/", [("x-a", value)]) == status
        assert oracle.ask(PEERS[0], "GET", "/", []) == 200
    finally:
        oracle.close()


def test_the_longest_permission_that_an_intention_may_hold(tmp_path: Path) -> None:
    """HAProxy bounds the words of a line; what admission accepts may not be refused by the sidecar."""
    headers = tuple(HeaderPresence(name=f"x-{i}", exact=f"{i}" + "it's" * 1000) for i in range(15))
    methods = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
    http = HttpPermissionMatch(
        path_regex="/" + "a" * 1023, methods=methods, headers=(*headers, HeaderPresence(name="x-r", regex="r" * 1024))
    )
    one = Intention(name="shop/i", source=SourceMatch(), permissions=(Permission(action="allow", http=http),))
    oracle = Oracle(tmp_path, Authorization(intentions=(one,)))
    try:
        assert oracle.ask(PEERS[0], "GET", "/" + "a" * 1023, []) == 403
    finally:
        oracle.close()


PLAIN = WorkloadConfig(workload=Workload(namespace="shop", pod="p", service_account="s"), trust_domain=DOMAIN)
NASTY = st.text(st.sampled_from(list("ab'\"\\ %[]{}$#;,/-()|*é")), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A descriptor with a certificate and its key, as HAProxy inherits it."""
    authority = Authority()
    path = tmp_path_factory.mktemp("identity") / "own.pem"
    path.write_text(authority.workload(PEERS[0]).pem)
    (path.parent / "roots").write_text(authority.bundle)
    with path.open("rb") as file:
        yield file.fileno()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NASTY, NASTY, NASTY, NASTY)
def test_whatever_the_strings_hold_haproxy_reads_one_rule_or_it_is_refused(
    identity: int, path: str, method: str, value: str, name: str
) -> None:
    """Injection would show as a refused configuration, or as one with other sections and other rules."""
    permission = Permission(
        action="allow",
        http=HttpPermissionMatch(
            path_prefix=path, methods=(method,), headers=(HeaderPresence(name="x-a", exact=value),)
        ),
    )
    some = Intention(name=name, source=SourceMatch(namespace="shop"), permissions=(permission,))
    config = msgspec.structs.replace(PLAIN, inbound=InboundConfig(authorization=Authorization(intentions=(some,))))
    with tempfile.TemporaryDirectory() as folder:
        try:
            rendered = render(config, Authority().bundle, Place(folder, folder, identity, "10.0.0.1"))
            files = rendered.files()
        except InvalidConfig:
            return
        for file, text in files.items():
            Path(folder, file).write_text(text)
        checked = subprocess.run(
            haproxy("-c", "-f", f"{folder}/haproxy.cfg"),
            pass_fds=(identity,),
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
        assert checked.returncode == 0, checked.stderr
        assert sections(rendered.text) == sections(render(PLAIN, "", Place(folder, folder, identity, "10.0.0.1")).text)


def sections(text: str) -> list[str]:
    return re.findall(r"^(?:frontend|backend|defaults|global|listen)\b.*", text, re.MULTILINE)
