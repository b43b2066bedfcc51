"""Steady callers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.sidecar.applications import exchange, get
from tests.support.sidecar.mesh import HTTP, Mesh


@dataclass
class Load:
    """What a steady caller saw: a new connection every few requests, each request answered or not."""

    statuses: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@contextmanager
def load(mesh: Mesh, vip: str) -> Iterator[Load]:
    seen, stop = Load(), threading.Event()

    def one() -> None:
        while not stop.is_set():
            try:
                with mesh.web.connect((vip, HTTP)) as connection:
                    for _ in range(7):
                        answer = exchange(connection, get("/load"))
                        seen.statuses.append(answer.status)
                        if answer.headers.get("connection") == "close":
                            break  # said in time: that is how a process that goes lets its callers go
            except OSError as error:
                seen.errors.append(repr(error))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
