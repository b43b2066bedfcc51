"""Property tests try the same cases on every run, and are not timed: a busy machine is no failure."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("heddle", deadline=None, derandomize=True, database=None)
settings.load_profile("heddle")
