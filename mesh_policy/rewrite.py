"""Paths and hosts that a rule changes. Source: Gateway API, HTTPURLRewriteFilter and HTTPPathModifier."""

from __future__ import annotations

import re

from mesh_policy.errors import Violation
from mesh_policy.path import refusal
from mesh_policy.request import Fields
from mesh_policy.snapshot import PathChange, Rewrite

_HOST = re.compile(r"[A-Za-z0-9](?:[-.A-Za-z0-9]{0,251}[A-Za-z0-9])?\Z")


def changed_path(change: PathChange | None, path: bytes, prefix: bytes | None) -> bytes:
    """The path that a change makes of one.

    Args:
        change: None: the path stays.
        path: as the request has it, without the query.
        prefix: what the match matched, without a trailing `/`. None: nothing that could be replaced; the path stays.
    """
    if change is None:
        return path
    if change.full is not None:
        return change.full.encode()
    if change.prefix is None or prefix is None or not path.startswith(b"/"):
        return path
    return change.prefix.rstrip("/").encode() + path[len(prefix) :] or b"/"


def changed_target(change: PathChange | None, target: bytes, prefix: bytes | None) -> bytes:
    """The same for a target: the query stays."""
    path, question, query = target.partition(b"?")
    return changed_path(change, path, prefix) + question + query


def changed_host(hostname: str, fields: Fields) -> Fields:
    """The fields with another Host, at its place."""
    return tuple((name, hostname.encode() if name.lower() == b"host" else value) for name, value in fields)


def check(rewrite: Rewrite | None, path: str) -> list[Violation]:
    """What types cannot say."""
    return [] if rewrite is None else check_target(rewrite.hostname, rewrite.path, path)


def check_target(hostname: str | None, change: PathChange | None, path: str) -> list[Violation]:
    """A host name is one, and a path is absolute and means the same to every reader."""
    found = []
    if hostname is not None and not _HOST.match(hostname):
        found.append(Violation(f"{path}.hostname", f"{hostname!r} is not a host name"))
    if change is None:
        return found
    if (change.full is None) == (change.prefix is None):
        found.append(Violation(f"{path}.path", "give exactly one of full and prefix"))
    text = change.full if change.full is not None else change.prefix or "/"
    if not text.startswith("/") or "?" in text or refusal(text.encode()) is not None:
        found.append(Violation(f"{path}.path", f"{text!r} is not a path: begin with /, no dot segments, no query"))
    return found
