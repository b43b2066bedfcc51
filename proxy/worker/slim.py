"""Keeps out of memory what mitmproxy imports for TLS, WebSocket messages and mode strings, which the worker never uses.

Measured with `bench/worker.py`: it saves about a third of the worker's memory. Only modules that nothing on our path
calls are replaced, and their names stay importable.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import MutableSequence, Sequence

_EMPTY = frozenset(("mitmproxy.certs", "mitmproxy.websocket", "mitmproxy_rs", "brotli", "zstandard"))


class _EmptyModule(types.ModuleType):
    """Any name in it is a class that does nothing."""

    __path__: MutableSequence[str] = []  # noqa: RUF012 (the import system wants it on every package)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        made = type(name, (), {})
        setattr(self, name, made)
        return made


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in _EMPTY:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        return _EmptyModule(spec.name)

    def exec_module(self, module: types.ModuleType) -> None:
        pass


def install() -> None:
    """Call before the first import of mitmproxy."""
    sys.meta_path.insert(0, _Finder())
