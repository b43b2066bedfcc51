"""Runs inside a pod: asks a Service again and again, and tells when another revision of its route answers."""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time

PAUSE_SECONDS = 0.01
NONE = "none"
"""The answer of a Service without a route."""
FAILED = "failed:"
"""Before what a client saw in an answer's place."""
telling = threading.Lock()


def follow(kept: bool) -> None:
    """On one connection that is kept, or on a new one for every request."""
    seen = ""
    connection = http.client.HTTPConnection(sys.argv[1], 80, timeout=5)
    while True:
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            answer.read()
            revision = answer.getheader("x-revision", NONE) if answer.status == 200 else f"{FAILED} {answer.status}"
        except (OSError, http.client.HTTPException) as error:
            revision = f"{FAILED} {type(error).__name__}"
            connection.close()
        if revision != seen:
            # one clock for all: containers of one machine
            with telling:
                print(json.dumps({"at": time.time(), "revision": revision, "kept": kept}), flush=True)
            seen = revision
        if not kept:
            connection.close()
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    for way in (True, False):
        threading.Thread(target=follow, args=(way,), daemon=True).start()
    sys.stdin.read()
