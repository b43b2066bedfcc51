"""Proofs of routing: where requests go, in which shares, and what the copies cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from meshctl.checks import CheckFailed, Context, Finding, Skipped
from meshctl.checks.shop import (
    FAULTS,
    SHOP,
    STAGING,
    Report,
    Traffic,
    a_pod,
    control,
    probe,
    random_id,
    wait_until,
    web,
    weights,
)
from meshctl.names import GROUP
from meshctl.pods import Pod

SPLIT_REQUESTS = 2000
SPLIT_POINTS = 3.0
"""Allowed distance from the weights, in percentage points: 3.4 standard deviations of 2,000 draws at 80/20."""
MIRRORED_REQUESTS = 200
HANG_SECONDS = 30
HANG_REQUESTS = 600
HANG_RATE = 120.0
HANG_ROUNDS = 3
"""Further rounds decide when the first looks slow: a caller who waits for staging does so in each."""
HANG_FACTOR, HANG_MARGIN_MS = 2.0, 25.0
"""The caller's p99 while staging hangs may be at most twice the slower of the two runs around it, plus this: what two
runs on a small machine differ by anyway. A caller that waited for staging would be at 10,000 ms."""
FAULT_REQUESTS = 1000
ABORT_PERCENT, DELAY_PERCENT, DELAY_MS = 10.0, 20.0, 300
ABORT_POINTS, DELAY_POINTS = 3.5, 4.5
"""3.6 standard deviations of 1,000 draws."""


def marked(context: Context) -> Finding:
    """Requests that carry the marker, for who looks at the wire meanwhile."""
    marker = context.marker or random_id()
    traffic = Traffic(count=300, concurrency=4, headers=(("x-probe", marker), ("x-shop-user", marker)))
    seen = probe(context.cluster, web(context), "web", traffic)
    if seen.failed:
        raise CheckFailed(f"{seen.failed} of {seen.requests} failed: {seen.problems()}")
    p99 = seen.latency_ms["p99"]
    return Finding(f"{seen.requests} requests, p99 {p99:g} ms", {"marker": marker, "p99Ms": p99})


def route(context: Context) -> Finding:
    """By whole path elements: /payment and what is below it, not /payments."""
    pod, counts = web(context), {}
    for path, service in (("/payment", "payment"), ("/payment/charge", "payment"), ("/payments", "api"), ("/", "api")):
        seen = probe(context.cluster, pod, "web", Traffic(url=f"http://api{path}", count=25, concurrency=4))
        if seen.service != {service: 25}:
            raise CheckFailed(f"http://api{path} went to {seen.service or seen.problems()}, not to {service} 25 times")
        counts[path] = service
    return Finding(", ".join(f"{path} → {service}" for path, service in counts.items()), {"paths": counts})


def split(context: Context) -> Finding:
    wanted = weights(context.cluster)
    if len(wanted) != 2 or sum(wanted) == 0:
        raise Skipped(f"the route's weights are {wanted}, not two")
    seen = probe(context.cluster, web(context), "web", Traffic(count=SPLIT_REQUESTS, concurrency=8))
    if seen.failed:
        raise CheckFailed(f"{seen.failed} of {seen.requests} failed: {seen.problems()}")
    shares = [seen.share(seen.version.get(version, 0)) for version in ("v1", "v2")]
    expected = [100.0 * weight / sum(wanted) for weight in wanted]
    text = f"{shares[0]:.1f}/{shares[1]:.1f} of {SPLIT_REQUESTS} requests, wanted {expected[0]:g}/{expected[1]:g}"
    facts = {"sharesPercent": shares, "expectedPercent": expected, "requests": seen.requests}
    if any(abs(share - wish) > SPLIT_POINTS for share, wish in zip(shares, expected, strict=True)):
        raise CheckFailed(f"{text} (±{SPLIT_POINTS:g} points)", **facts)
    return Finding(text, facts)


def mirror(context: Context) -> Finding:
    staging, marker = a_pod(context.cluster, STAGING, "api"), random_id()
    traffic = Traffic(count=MIRRORED_REQUESTS, concurrency=4, headers=(("x-probe", marker),))
    seen = probe(context.cluster, web(context), "web", traffic)
    if seen.failed or "next" in seen.version:
        raise CheckFailed(f"answers were {seen.version}, {seen.problems() or 'all 200'}")
    arrived = 0

    def all_there() -> bool:
        nonlocal arrived
        arrived = int(control(context.cluster, staging, "api", "stats")["probes"].get(marker, 0))
        return arrived >= MIRRORED_REQUESTS

    wait_until(10, all_there, f"{MIRRORED_REQUESTS} copies in staging")
    if arrived > MIRRORED_REQUESTS:
        raise CheckFailed(f"{arrived} copies of {MIRRORED_REQUESTS} requests arrived in staging")
    return Finding(f"{arrived} requests, {arrived} copies in staging, no answer from there", {"copies": arrived})


def mirror_hangs(context: Context) -> Finding:
    """The same load three times: before, while staging hangs for 30 s, and after."""
    staging, pod = a_pod(context.cluster, STAGING, "api"), web(context)
    traffic = Traffic(count=HANG_REQUESTS, concurrency=8, rate=HANG_RATE)

    def load() -> Report:
        return probe(context.cluster, pod, "web", traffic)

    for rounds_left in reversed(range(HANG_ROUNDS)):
        try:
            return hang_round(context, staging, load)
        except CheckFailed as failure:
            if not rounds_left or any(failure.facts["failed"].values()):
                raise
    raise AssertionError("a round either returns or raises")


def hang_round(context: Context, staging: Pod, load: Callable[[], Report]) -> Finding:
    before = load()
    with hanging(context, staging):
        during = load()
    after = load()
    failed = {"before": before.failed, "during": during.failed, "after": after.failed}
    p99 = {name: run.latency_ms["p99"] for name, run in (("before", before), ("during", during), ("after", after))}
    limit = HANG_FACTOR * max(p99["before"], p99["after"]) + HANG_MARGIN_MS
    facts = {"failed": failed, "p99Ms": p99, "limitMs": limit}
    if any(failed.values()):
        raise CheckFailed(f"requests failed: {failed}; {during.problems()}", **facts)
    text = f"p99 {p99['before']:g} ms before, {p99['during']:g} ms while staging hangs, {p99['after']:g} ms after"
    if p99["during"] > limit:
        raise CheckFailed(f"{text}; at most {limit:.0f} ms is allowed", **facts)
    return Finding(text, facts)


@contextmanager
def hanging(context: Context, staging: Pod) -> Iterator[None]:
    control(context.cluster, staging, "api", "hang", str(HANG_SECONDS))
    try:
        yield
    finally:
        control(context.cluster, staging, "api", "hang", "0")


def faults(context: Context) -> Finding:
    """Switches faults on for requests with `x-chaos: ID`, counts, switches them off again."""
    chaos, pod = random_id(), web(context)
    headers = (("x-chaos", chaos),)
    with faults_on(context, chaos):
        some = Traffic(count=50, concurrency=10, headers=headers)
        wait_until(
            20, lambda: "503" in probe(context.cluster, pod, "web", some).status, "an abort after the policy was made"
        )
        heavy = Traffic(count=FAULT_REQUESTS, concurrency=16, headers=headers, slow_ms=DELAY_MS)
        seen = probe(context.cluster, pod, "web", heavy)
        spared = probe(context.cluster, pod, "web", Traffic(count=200, concurrency=4, slow_ms=DELAY_MS))
    aborted, delayed = seen.share(seen.status.get("503", 0)), seen.share(seen.slow)
    facts = {"abortedPercent": aborted, "delayedPercent": delayed, "requests": seen.requests}
    text = f"{aborted:.1f} % aborted (wanted {ABORT_PERCENT:g}), {delayed:.1f} % delayed (wanted {DELAY_PERCENT:g})"
    if set(seen.status) - {"200", "503"} or seen.errors:
        raise CheckFailed(f"other answers than 200 and 503: {seen.problems()}", **facts)
    if abs(aborted - ABORT_PERCENT) > ABORT_POINTS or abs(delayed - DELAY_PERCENT) > DELAY_POINTS:
        raise CheckFailed(text, **facts)
    if spared.failed:
        raise CheckFailed(f"requests without the header met {spared.problems()}", **facts)
    wait_until(
        20,
        lambda: "503" not in probe(context.cluster, pod, "web", some).status,
        "no abort after the policy was removed",
    )
    return Finding(f"{text}; none without the header, none after it was removed", facts)


@contextmanager
def faults_on(context: Context, chaos: str) -> Iterator[None]:
    match = {"headers": [{"name": "x-chaos", "value": chaos}]}
    policy = {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": "TrafficPolicy",
        "metadata": {"name": f"meshctl-check-{chaos}", "namespace": SHOP},
        "spec": {
            "targetRefs": [
                {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "name": "api", "sectionName": "canary"}
            ],
            "faults": [
                {"name": "slow", "percent": DELAY_PERCENT, "delay": {"fixed": f"{DELAY_MS}ms"}, "match": match},
                {"name": "broken", "percent": ABORT_PERCENT, "abort": {"httpStatus": 503}, "match": match},
            ],
        },
    }
    if any(one["spec"].get("faults") for one in context.cluster.items(FAULTS)):
        raise Skipped("the shop has a TrafficPolicy with faults of its own, and the oldest wins: remove it first")
    context.cluster.create(FAULTS, policy)
    try:
        yield
    finally:
        context.cluster.delete(f"{FAULTS}/meshctl-check-{chaos}")
