"""Proofs that changes are quick and cost no request: weights, a rollout, a deleted pod, a Job that ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from meshctl import pods
from meshctl.checks import CheckFailed, Context, Finding, Skipped
from meshctl.checks.shop import (
    SHOP,
    Stream,
    Traffic,
    a_pod,
    random_id,
    set_weights,
    streaming,
    wait_until,
    web,
    weights,
)
from meshctl.client import Object
from meshctl.errors import MeshctlError

WEIGHT_SECONDS = 1.0
RATE = 100.0
ROLLOUT_SECONDS = 180.0
JOB_SECONDS = 120.0


def weight_change(context: Context) -> Finding:
    """All to v2 while requests run. Time from the API write to the last answer of v1, by this program's own clock: an
    upper bound, since the answers travel here first."""
    kept = weights(context.cluster)
    if len(kept) != 2:
        raise Skipped(f"the route's weights are {kept}, not two")
    with streaming(context.cluster, web(context), "web", Traffic(concurrency=8, rate=RATE)) as stream:
        try:
            seconds = seconds_until_changed(context, stream)
        finally:
            set_weights(context.cluster, kept)
        end = stream.stop()
    if end.failed:
        raise CheckFailed(f"{end.failed} of {end.requests} requests failed: {end.problems()}")
    if seconds > WEIGHT_SECONDS:
        raise CheckFailed(f"v1 still answered {seconds:.2f} s after the write", seconds=seconds)
    return Finding(f"{seconds:.2f} s from the API write to the last request of the old weights", {"seconds": seconds})


def seconds_until_changed(context: Context, stream: Stream) -> float:
    versions = {answer.get("version") for answer in stream.answers(1.5)}
    if "v1" not in versions:
        raise CheckFailed(f"before the change v1 did not answer: {versions}")
    set_weights(context.cluster, [0, 100])
    written = last_old = time.monotonic()
    quiet = 2 * WEIGHT_SECONDS
    for answer in stream.answers(10 * WEIGHT_SECONDS):
        now = time.monotonic()
        if answer.get("version") == "v1":
            last_old = now
        if now - last_old > quiet:
            return last_old - written
    raise CheckFailed(f"v1 still answers {10 * WEIGHT_SECONDS:g} s after the write")


def rollout(context: Context) -> Finding:
    """`kubectl rollout restart` of api-v1, under load with kept connections and with new ones."""
    path = f"/apis/apps/v1/namespaces/{SHOP}/deployments/api-v1"

    def change() -> None:
        restarted = {"kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat()}
        context.cluster.patch(path, {"spec": {"template": {"metadata": {"annotations": restarted}}}})

    return under_load(context, change, lambda: rolled_out(context, path), "rollout")


def rolled_out(context: Context, path: str) -> bool:
    """New pods ready, old pods gone."""
    deployment = context.cluster.get(path)
    status, wanted = deployment.get("status", {}), deployment["spec"]["replicas"]
    pods_left = len(pods.listed(context.cluster, SHOP, "app=api,version=v1"))
    return bool(
        status.get("observedGeneration") == deployment["metadata"]["generation"]
        and status.get("updatedReplicas") == wanted
        and status.get("readyReplicas") == wanted
        and pods_left == wanted
    )


def pod_deletion(context: Context) -> Finding:
    victim = a_pod(context.cluster, SHOP, "api", "v1")
    path = f"/api/v1/namespaces/{SHOP}/pods/{victim.name}"
    deployment = f"/apis/apps/v1/namespaces/{SHOP}/deployments/api-v1"

    def done() -> bool:
        return gone(context, path) and rolled_out(context, deployment)

    return under_load(context, lambda: context.cluster.delete(path), done, f"deletion of {victim.name}")


def gone(context: Context, path: str) -> bool:
    return context.cluster.find(path) is None


def under_load(context: Context, change: Callable[[], object], done: Callable[[], bool], what: str) -> Finding:
    """Probes run from web (kept and new connections), something changes, until it is done: no request may fail."""
    kept = Traffic(concurrency=4, rate=RATE / 2)
    fresh = Traffic(concurrency=4, rate=RATE / 2, new_connections=True)
    pod, cluster = web(context), context.cluster
    began = time.monotonic()
    with streaming(cluster, pod, "web", kept) as first, streaming(cluster, pod, "web", fresh) as second:
        drain(first, second, 1.0)
        change()
        while not done():
            if time.monotonic() - began > ROLLOUT_SECONDS:
                raise CheckFailed(f"the {what} was not done within {ROLLOUT_SECONDS:g} s")
            drain(first, second, 1.0)
        drain(first, second, 2.0)
        ends = [first.stop(), second.stop()]
    requests, failed = sum(end.requests for end in ends), sum(end.failed for end in ends)
    facts = {"requests": requests, "failed": failed, "seconds": time.monotonic() - began}
    if failed:
        problems = "; ".join(end.problems() for end in ends if end.failed)
        raise CheckFailed(f"{failed} of {requests} requests failed during the {what}: {problems}", **facts)
    return Finding(f"{requests} requests in {facts['seconds']:.0f} s, none failed", facts)


def drain(first: Stream, second: Stream, seconds: float) -> None:
    """Reads on, so that the probes never wait for this program."""
    for stream in (first, second):
        for _ in stream.answers(seconds / 2):
            pass
        if stream.ended is not None:
            raise MeshctlError("a probe ended by itself")


def job_ends(context: Context) -> Finding:
    """A Job in the mesh: its sidecar must be there for its requests, and must not keep it from ending."""
    customer = a_pod(context.cluster, SHOP, "load")
    name = f"meshctl-check-{random_id()}"
    jobs = f"/apis/batch/v1/namespaces/{SHOP}/jobs"
    image = image_of(context, customer.name)
    context.cluster.create(jobs, job(name, image))
    began = time.monotonic()
    try:
        wait_until(JOB_SECONDS, lambda: finished(context, f"{jobs}/{name}"), f"the Job {SHOP}/{name} ends", every=1.0)
        found = pods.listed(context.cluster, SHOP, f"job-name={name}")
        if not found or not found[0].meshed:
            raise CheckFailed("the Job ran without a sidecar")
        context.cluster.get(f"{jobs}/{name}")
    finally:
        context.cluster.delete(f"{jobs}/{name}")
    return Finding(f"in {time.monotonic() - began:.0f} s")


def finished(context: Context, path: str) -> bool:
    status = context.cluster.get(path).get("status", {})
    for condition in status.get("conditions", []):
        if condition["type"] == "Failed" and condition["status"] == "True":
            raise CheckFailed(f"the Job failed: {condition.get('message', '')}")
    return bool(status.get("succeeded"))


def image_of(context: Context, pod: str) -> str:
    found = context.cluster.get(f"/api/v1/namespaces/{SHOP}/pods/{pod}")
    return str(found["spec"]["containers"][0]["image"])


def job(name: str, image: str) -> Object:
    """Buys ten times at web with the customers' identity; ends with 1 unless all went well."""
    code = (
        "import json,subprocess,sys;"
        "out=subprocess.run([sys.executable,'-m','shop','probe','http://web/','--count','10'],capture_output=True,text=True);"
        "print(out.stdout,out.stderr);"
        "sys.exit(json.loads(out.stdout.splitlines()[-1])['report']['status']!={'200':10})"
    )
    closed = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    identity = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
    container = {"name": "buyer", "image": image, "command": ["python3", "-c", code], "securityContext": closed}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": SHOP},
        "spec": {
            "backoffLimit": 1,
            "activeDeadlineSeconds": int(JOB_SECONDS),
            "ttlSecondsAfterFinished": 60,
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "serviceAccountName": "load",
                    "automountServiceAccountToken": False,
                    "securityContext": identity,
                    "containers": [container],
                }
            },
        },
    }
