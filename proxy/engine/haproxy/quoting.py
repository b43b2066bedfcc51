"""The only way for a string from outside into HAProxy's configuration, map files and section names."""

from __future__ import annotations

import re

from mesh_policy.errors import InvalidConfig, Violation

MAX_WORD = 4096
"""Characters in one quoted word: nothing that is accepted at admission is longer."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_SECTION = re.compile(r"[^A-Za-z0-9.-]")
_PLAIN = re.compile(r"[A-Za-z0-9._:/@-]{1,1024}\Z")
_HEADER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,127}\Z")


def quote(text: str) -> str:
    """One word of a configuration line, taken literally whatever it holds.

    Strong quotes switch off every special character (blank, backslash, `"`, `#`, `$`, `%`); the strong quote itself is
    put outside of them, escaped. Source: configuration manual, section 2.2 "Quoting and escaping".

    Raises:
        InvalidConfig: the text holds a control character, is longer than `MAX_WORD`, or cannot be written in UTF-8.
    """
    _check(text)
    return "'" + text.replace("'", "'\\''") + "'"


def word(text: str) -> str:
    """A word that needs no quotes, for where HAProxy knows none: the Runtime API takes quotes as they are.

    Raises:
        InvalidConfig: it holds anything but letters, digits and `._:/@-`.
    """
    if not _PLAIN.match(text):
        raise _invalid(text, "cannot be written without quotes: use letters, digits and ._:/@- only")
    return text


def section(name: str) -> str:
    """A section's name for any name: `/` becomes `:`, what HAProxy does not allow `_hh`. No two names collide."""
    _check(name)
    return _NOT_SECTION.sub(_section_character, name)


def header_name(name: str) -> str:
    """A header's name as an argument of a sample fetch, where quotes have no say.

    Raises:
        InvalidConfig: it is not a plain lower-case token.
    """
    if not _HEADER_NAME.match(name):
        raise _invalid(name, "is not a header name that HAProxy can be given: use a-z, 0-9, '.', '_' and '-'")
    return name


def map_lines(entries: dict[str, str]) -> str:
    """The text of a map file, in the order of its keys.

    Raises:
        InvalidConfig: a key is empty, has a blank, or begins with `#`; a key or value has a control character.
    """
    return "".join(f"{map_line(key, entries[key])}\n" for key in sorted(entries))


def map_line(key: str, value: str) -> str:
    """One entry: the key up to the first blank, the rest is the value."""
    _check(key)
    _check(value)
    if not key or " " in key or key.startswith("#"):
        raise _invalid(key, "cannot be the key of a map: it is empty, has a blank or begins with '#'")
    if value != value.strip() or not value:
        raise _invalid(value, "cannot be a value of a map: it is empty, or begins or ends with a blank")
    return f"{key} {value}"


def _section_character(found: re.Match[str]) -> str:
    character = found.group()
    return ":" if character == "/" else "".join(f"_{byte:02x}" for byte in character.encode())


def _check(text: str) -> None:
    if _CONTROL.search(text):
        raise _invalid(text, "holds a control character")
    if len(text) > MAX_WORD:
        raise _invalid(text[:64] + "…", f"has {len(text)} characters, more than the {MAX_WORD} allowed")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _invalid(ascii(text)[:64], "is not valid Unicode") from error


def _invalid(text: str, message: str) -> InvalidConfig:
    return InvalidConfig((Violation("", f"{text!r} {message}"),))
