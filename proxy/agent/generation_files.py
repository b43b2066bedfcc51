"""The folder of one generation: what HAProxy was started with, and is started with again."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from mesh_policy.errors import InvalidConfig, Violation
from proxy.engine.haproxy.rendering import Rendered

UNFINISHED = "unfinished"
"""A file in the folder while the running process is being changed by the Runtime API to what the files say."""


def write(folder: Path, rendered: Rendered) -> None:
    """All files or none, and each whole: HAProxy may be restarted from them at any moment.

    Raises:
        InvalidConfig: they cannot be written; the folder has what it had.
    """
    parts: list[Path] = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text in rendered.files().items():
            path = folder / name
            if path.exists() and path.read_text() == text:
                continue
            parts.append(folder / f"{name}.part")
            parts[-1].write_text(text)
        for part in parts:
            part.replace(part.with_suffix(""))
    except OSError as error:
        for part in parts:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        message = f"{folder} cannot be written: {error.strerror or error}"
        raise InvalidConfig((Violation("haproxy", message),)) from error


def remove(folder: Path) -> None:
    """It holds files only; one that cannot be removed is in nobody's way."""
    with suppress(OSError):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def begin(folder: Path) -> None:
    """The files say more than what the running process does.

    Raises:
        InvalidConfig: this cannot be written down.
    """
    try:
        (folder / UNFINISHED).touch()
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror or error}"
        raise InvalidConfig((Violation("haproxy", message),)) from error


def finish(folder: Path) -> None:
    """The running process does what the files say."""
    (folder / UNFINISHED).unlink(missing_ok=True)


def finished(folder: Path) -> bool:
    """Whether the running process does what the files say."""
    return not (folder / UNFINISHED).exists()


def same(folder: Path, rendered: Rendered) -> bool:
    """Whether the files say what is rendered."""
    try:
        return all((folder / name).read_text() == text for name, text in rendered.files().items())
    except OSError:
        return False
