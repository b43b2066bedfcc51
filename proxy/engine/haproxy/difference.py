"""From one rendering to the next without a reload, where the Runtime API can do it. Pure.

New servers and entries come before what uses them, old ones go last. What HAProxy cannot change while it runs
(listeners, rules, the roots of trust) is a reload, which is always right.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proxy.engine.haproxy.base import TCP
from proxy.engine.haproxy.quoting import map_line
from proxy.engine.haproxy.rendering import Place, Rendered, Section

MAX_COMMANDS = 2000
"""Beyond it a reload costs less."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command, and what its answer must be."""

    text: str
    expect: str = ""
    """The answer begins with this; empty: there is no answer when all is well."""
    fallible: bool = False
    """A server with connections cannot be deleted yet, and so cannot its backend; it gets no new ones, and goes with a
    reload."""
    subject: str = ""
    """What is added or deleted, with all that must be equal for one that could not be deleted to be wanted again."""


def difference(old: Rendered, new: Rendered, place: Place) -> list[Command] | None:
    """The commands that turn the running `old` into `new`; empty: they are the same; None: only a reload can."""
    if old.static != new.static or old.trust_bundle != new.trust_bundle or old.maps.keys() != new.maps.keys():
        return None
    if any(_only_by_reload(old.sections.get(name), section) for name, section in new.sections.items()):
        return None
    commands = [
        *_added_sections(old, new),
        *_added_servers(old, new),
        *_limits(old, new),
        *_maps(old, new, place),
        *_removed_servers(old, new),
        *_removed_sections(old, new),
    ]
    return commands if len(commands) <= MAX_COMMANDS else None


def _only_by_reload(before: Section | None, after: Section) -> bool:
    if before is None:
        return bool(after.rules)
    return (before.template, before.rules) != (after.template, after.rules)


def _added_sections(old: Rendered, new: Rendered) -> list[Command]:
    found: list[Command] = []
    for name in sorted(new.sections.keys() - old.sections.keys()):
        section = new.sections[name]
        mode = "tcp" if section.template.startswith(TCP) else "http"
        found.append(
            Command(
                f"add backend {name} from {section.template} mode {mode}",
                expect="New backend",
                subject=_backend_subject(name, section),
            )
        )
        found += _servers(name, section, section.servers.keys())
        found.append(Command(f"publish backend {name}", expect="Backend published"))
    return found


def _added_servers(old: Rendered, new: Rendered) -> list[Command]:
    found: list[Command] = []
    for name in sorted(new.sections.keys() & old.sections.keys()):
        added = new.sections[name].servers.keys() - old.sections[name].servers.keys()
        found += _servers(name, new.sections[name], added)
    return found


def _limits(old: Rendered, new: Rendered) -> list[Command]:
    found: list[Command] = []
    for name in sorted(new.sections.keys() & old.sections.keys()):
        before, after = old.sections[name], new.sections[name]
        if before.maxconn != after.maxconn:
            kept = sorted(before.servers.keys() & after.servers.keys())
            found += [Command(f"set maxconn server {name}/{server} {after.maxconn}") for server in kept]
    return found


def _servers(backend: str, section: Section, names: Iterable[str]) -> list[Command]:
    found: list[Command] = []
    for server in sorted(names):
        found.append(
            Command(
                f"add server {backend}/{server} {section.arguments(server)}",
                expect="New server registered",
                subject=_server_subject(backend, server, section),
            )
        )
        found.append(Command(f"enable server {backend}/{server}"))
    return found


def _maps(old: Rendered, new: Rendered, place: Place) -> list[Command]:
    found: list[Command] = []
    for name in sorted(new.maps):
        before, after, path = old.maps[name], new.maps[name], place.map(name)
        for key in sorted(after):
            if key not in before:
                found.append(Command(f"add map {path} <<\n{map_line(key, after[key])}\n"))
            elif before[key] != after[key]:
                found.append(Command(f"set map {path} {map_line(key, after[key])}"))
        found += [Command(f"del map {path} {key}") for key in sorted(before.keys() - after.keys())]
    return found


def _removed_servers(old: Rendered, new: Rendered) -> list[Command]:
    found: list[Command] = []
    for name in sorted(new.sections.keys() & old.sections.keys()):
        for server in sorted(old.sections[name].servers.keys() - new.sections[name].servers.keys()):
            found += _remove(name, server, old.sections[name])
    return found


def _removed_sections(old: Rendered, new: Rendered) -> list[Command]:
    found: list[Command] = []
    for name in sorted(old.sections.keys() - new.sections.keys()):
        found.append(Command(f"unpublish backend {name}", expect="Backend unpublished"))
        for server in sorted(old.sections[name].servers):
            found += _remove(name, server, old.sections[name])
        found.append(
            Command(
                f"del backend {name}",
                expect="Backend deleted",
                fallible=True,
                subject=_backend_subject(name, old.sections[name]),
            )
        )
    return found


def _remove(backend: str, server: str, section: Section) -> list[Command]:
    return [
        Command(f"disable server {backend}/{server}"),
        Command(
            f"del server {backend}/{server}",
            expect="Server deleted",
            fallible=True,
            subject=_server_subject(backend, server, section),
        ),
    ]


def _backend_subject(name: str, section: Section) -> str:
    return f"{name} from {section.template}"


def _server_subject(backend: str, server: str, section: Section) -> str:
    """Its name tells all of its arguments but one."""
    return f"{backend}/{server} maxconn {section.maxconn}"
