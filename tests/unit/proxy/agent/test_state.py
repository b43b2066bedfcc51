"""What an agent leaves to the next one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from proxy.agent import state
from tests.support.sidecar.snapshots import CALLER


@pytest.fixture
def fd() -> Iterator[int]:
    made = os.memfd_create("test")
    yield made
    os.close(made)


def test_the_next_agent_knows_what_the_last_one_knew(fd: int) -> None:
    remembered = state.Remembered("ROOTS", 1.0, 2.0, CALLER)
    state.remember(fd, state.Remembered("a much longer bundle " * 1000, 0.0, 0.0, CALLER))
    state.remember(fd, remembered)
    assert state.recall(fd) == remembered


def test_the_first_agent_knows_nothing(fd: int) -> None:
    assert state.recall(fd) is None


def test_an_agent_that_died_while_it_wrote_left_nothing(fd: int) -> None:
    state.remember(fd, state.Remembered("ROOTS", 1.0, 2.0, CALLER))
    os.ftruncate(fd, 100)
    assert state.recall(fd) is None


def test_who_opens_the_file_reads_it_from_its_start(fd: int) -> None:
    """HAProxy opens `/proc/self/fd/N`."""
    state.write(fd, b"first")
    state.write(fd, b"2nd")
    with open(f"/proc/self/fd/{fd}", "rb") as file:  # noqa: PTH123 - the very call that programs make
        assert file.read() == b"2nd"
