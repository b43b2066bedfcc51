"""How far a change has got: which sidecars run what they should."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Key = tuple[str, str]


class Answer(NamedTuple):
    """The last word of one sidecar."""

    version: str
    accepted: bool
    violation: str = ""
    """The first one, if it refused."""
    unknown: frozenset[str] = frozenset()
    """Fields that it does not know, being older."""


class Progress(NamedTuple):
    """Of the sidecars that an object reaches."""

    total: int
    running: int
    laggard: str = ""
    """`NAMESPACE/NAME` of the first that does not run it yet."""
    refusal: str = ""
    """Why the first that refuses does so; empty: none does."""
    older: int = 0
    """How many run it without something, being of an older version."""
    without: str = ""
    """The first of these and what it leaves out."""


PATIENCE_SECONDS = 10.0
"""A change of something else (an endpoint comes or goes) is everywhere within this; what was programmed stays so."""


def lagging(
    before: Mapping[Key, float],
    expected: Mapping[Key, str],
    answers: Mapping[Key, tuple[Answer, ...]],
    now: float,
) -> dict[Key, float]:
    """Since when each pod has not run what it should (monotonic seconds); `before` is the last result."""
    return {
        pod: before.get(pod, now)
        for pod, version in expected.items()
        if not any(answer.accepted and answer.version == version for answer in answers.get(pod, ()))
    }


def progress(
    pods: frozenset[Key],
    expected: Mapping[Key, str],
    answers: Mapping[Key, tuple[Answer, ...]],
    forgiven: frozenset[Key] = frozenset(),
    without: Mapping[Key, str] | None = None,
) -> Progress:
    """Compare what should run (`expected` version by pod) with what the sidecars say (to any replica). Pods that are
    `forgiven` count as running unless they refuse. `without`: what a pod that runs what it should leaves out of this
    object. The first in the order of `expected` is named."""
    running = older = 0
    laggard = refusal = first = ""
    total = 0
    for pod in expected:
        if pod not in pods:
            continue
        total += 1
        said = [answer for answer in answers.get(pod, ()) if answer.version == expected[pod]]
        if any(answer.accepted for answer in said) or (pod in forgiven and not said):
            if without and pod in without:
                older += 1
                first = first or f"{'/'.join(pod)} is of an older version and runs it without {without[pod]}"
            else:
                running += 1
            continue
        if not laggard or (said and not refusal):
            laggard = "/".join(pod)
        if said and not refusal:
            refusal = said[0].violation or "no reason given"
    return Progress(total, running, laggard, refusal, older, first)
