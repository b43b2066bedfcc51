"""Retries: `retry` of a TrafficPolicy, and of an HTTPRoute's rule (GEP-1731, experimental channel)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, get_args

from control_plane.kinds import checks
from control_plane.kinds.duration import duration_seconds
from control_plane.kinds.meta import Strict
from mesh_policy import grpc
from mesh_policy.errors import Violation
from mesh_policy.retry import MAX_ATTEMPTS
from mesh_policy.snapshot import Failure

MAX_CAUSES = 32
MAX_METHODS = 9
FAILURES: tuple[Failure, ...] = get_args(Failure)
_STATUS = re.compile(r"[45]\d\d\Z")
_CLASSES = ("4xx", "5xx")


class Backoff(Strict, frozen=True, kw_only=True):
    """`backoff`: pauses grow from `base` to `max`, each shortened by chance."""

    base: str = "25ms"
    max: str = "250ms"


class RetrySpec(Strict, frozen=True, kw_only=True):
    """`retry`. The word is `when`, since YAML reads the key `on` as a boolean."""

    attempts: int = 1
    """After the first. 0: none, also where a wider policy asks for some."""
    when: tuple[str, ...] = FAILURES
    """FAILURES, HTTP statuses (`503`), classes of them (`5xx`), words of mesh_policy.grpc.STATUS."""
    backoff: Backoff = Backoff()
    methods: Literal["Idempotent", "All"] | tuple[str, ...] = "Idempotent"


class RouteRetry(Strict, frozen=True, kw_only=True):
    """`retry` of an HTTPRoute's rule. Failed connections are retried as well."""

    codes: tuple[int, ...] = ()
    attempts: int | None = None
    """None: one."""
    backoff: str | None = None
    """The least pause. None: as a TrafficPolicy's own."""


def violations(at: str, retry: RetrySpec | None) -> Iterator[Violation]:
    """What is malformed in a policy's."""
    if retry is None:
        return
    yield from checks.whole(f"{at}.attempts", retry.attempts, 0, MAX_ATTEMPTS, "no retries")
    if not 1 <= len(retry.when) <= MAX_CAUSES:
        yield Violation(f"{at}.when", f"has {len(retry.when)} items, use 1 to {MAX_CAUSES}")
    for i, word in enumerate(retry.when):
        if word not in {*FAILURES, *_CLASSES, *grpc.STATUS} and not _STATUS.match(word):
            known = f'{", ".join(FAILURES)}, a status like "503", 5xx, or a gRPC status like Unavailable'
            yield Violation(f"{at}.when[{i}]", f"{word!r} is unknown: use {known}")
    wrong = [
        *checks.duration(f"{at}.backoff.base", retry.backoff.base, "1ms", "1h", "no pause"),
        *checks.duration(f"{at}.backoff.max", retry.backoff.max, "1ms", "1h", "no pause"),
    ]
    yield from wrong
    if not wrong and duration_seconds(retry.backoff.base) > duration_seconds(retry.backoff.max):
        yield Violation(f"{at}.backoff.max", f"{retry.backoff.max} is shorter than base, {retry.backoff.base}")
    if isinstance(retry.methods, str):
        return
    if not 1 <= len(retry.methods) <= MAX_METHODS:
        yield Violation(
            f"{at}.methods", f"has {len(retry.methods)} items: use Idempotent, All, or 1 to {MAX_METHODS} methods"
        )
    for i, method in enumerate(retry.methods):
        yield from checks.method(f"{at}.methods[{i}]", method)


def route_violations(at: str, retry: RouteRetry | None) -> Iterator[Violation]:
    """What is malformed in a rule's."""
    if retry is None:
        return
    for i, code in enumerate(retry.codes):
        yield from checks.status_code(f"{at}.codes[{i}]", code, 400)
    if len(set(retry.codes)) != len(retry.codes):
        yield Violation(f"{at}.codes", "a status stands there twice")
    yield from checks.whole(f"{at}.attempts", retry.attempts, 1, MAX_ATTEMPTS)
    yield from checks.duration(f"{at}.backoff", retry.backoff, "0s", "1h")


def statuses(when: tuple[str, ...]) -> tuple[int, ...]:
    """The HTTP statuses that the words name, in order."""
    found = {int(word) for word in when if _STATUS.match(word)}
    for word in _CLASSES:
        if word in when:
            found |= set(range(int(word[0]) * 100, int(word[0]) * 100 + 100))
    return tuple(sorted(found))


def grpc_statuses(when: tuple[str, ...]) -> tuple[int, ...]:
    """The gRPC statuses that the words name, in order."""
    return tuple(sorted({grpc.STATUS[word] for word in get_args(grpc.StatusName) if word in when}))
