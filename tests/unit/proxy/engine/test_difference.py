"""From one configuration to the next: what the Runtime API is told, in which order, and when only a reload will do."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from mesh_policy.snapshot import AccessLog, Backend, Endpoint, WorkloadConfig
from proxy.engine.haproxy.difference import Command, difference
from proxy.engine.haproxy.render import render
from proxy.engine.haproxy.rendering import Rendered
from tests.support.sidecar.snapshots import API, CALLED, CALLER, PLACE, STRICT


def with_backends(*backends: Backend) -> WorkloadConfig:
    return msgspec.structs.replace(STRICT, outbound=msgspec.structs.replace(STRICT.outbound, backends=backends))


def between(old: WorkloadConfig, new: WorkloadConfig) -> list[Command] | None:
    return difference(render(old, "ROOTS\n", PLACE), render(new, "ROOTS\n", PLACE), PLACE)


def endpoint(last: int) -> Endpoint:
    return Endpoint(ip=f"10.1.0.{last}", port=80, identity=API)


def test_the_same_needs_nothing() -> None:
    assert between(CALLER, CALLER) == []


def test_other_rules_need_a_reload() -> None:
    assert between(CALLER, msgspec.structs.replace(CALLER, access_log=AccessLog(sample_percent=1))) is None
    assert between(STRICT, CALLED) is None


def test_other_roots_need_a_reload() -> None:
    assert difference(render(CALLER, "ROOTS\n", PLACE), render(CALLER, "OTHER\n", PLACE), PLACE) is None


def test_a_new_endpoint_comes_before_the_old_one_goes() -> None:
    old = with_backends(Backend(name="a/b/80", protocol="tcp", endpoints=(endpoint(1),)))
    new = with_backends(Backend(name="a/b/80", protocol="tcp", endpoints=(endpoint(2),)))
    commands = between(old, new)
    assert commands is not None
    assert [command.text.split()[0] for command in commands] == ["add", "enable", "disable", "del"]
    assert "10.1.0.2:80 ssl" in commands[0].text
    assert "no-sni-auto" in commands[0].text


def test_a_new_backend_is_whole_before_a_map_leads_to_it() -> None:
    commands = between(STRICT, with_backends(Backend(name="a/b/80", protocol="tcp", endpoints=(endpoint(1),))))
    assert commands is not None
    assert [command.text.split()[:2] for command in commands] == [
        ["add", "backend"],
        ["add", "server"],
        ["enable", "server"],
        ["publish", "backend"],
        ["add", "map"],
    ]


def test_nothing_leads_to_a_backend_before_it_goes() -> None:
    commands = between(with_backends(Backend(name="a/b/80", protocol="tcp", endpoints=(endpoint(1),))), STRICT)
    assert commands is not None
    assert [command.text.split()[:2] for command in commands] == [
        ["del", "map"],
        ["unpublish", "backend"],
        ["disable", "server"],
        ["del", "server"],
        ["del", "backend"],
    ]


def apply(rendered: Rendered, commands: list[Command]) -> tuple[dict[str, set[str]], dict[str, dict[str, str]]]:
    """A HAProxy in a few lines: servers by section, and maps, after these commands."""
    sections = {name: set(section.servers) for name, section in rendered.sections.items()}
    maps = {PLACE.map(name): dict(entries) for name, entries in rendered.maps.items()}
    for command in commands:
        words = command.text.split()
        match words[:2]:
            case ["add", "backend"]:
                assert words[2] not in sections
                sections[words[2]] = set()
            case ["del", "backend"]:
                assert not sections.pop(words[2])
            case ["add", "server"]:
                backend, server = words[2].rsplit("/", 1)
                assert server not in sections[backend]
                sections[backend].add(server)
            case ["del", "server"]:
                backend, server = words[2].rsplit("/", 1)
                sections[backend].remove(server)
            case ["add", "map"]:
                key, value = command.text.split("\n")[1].split(" ", 1)
                assert key not in maps[words[2]]
                maps[words[2]][key] = value
            case ["set", "map"]:
                assert words[3] in maps[words[2]]
                maps[words[2]][words[3]] = " ".join(words[4:])
            case ["del", "map"]:
                del maps[words[2]][words[3]]
            case _:
                assert words[0] in ("enable", "disable", "publish", "unpublish")
    return sections, maps


backends = st.lists(
    st.builds(
        Backend,
        name=st.sampled_from(["a/b/80", "a/c/80", "a/d/80"]),
        protocol=st.sampled_from(["http", "tcp", "grpc", "detect"]),
        endpoints=st.lists(st.builds(endpoint, st.integers(1, 5)), max_size=4, unique_by=lambda e: e.ip).map(tuple),
    ),
    max_size=3,
    unique_by=lambda backend: backend.name,
)


@given(backends, backends)
def test_the_commands_lead_from_any_configuration_to_any_other(old: list[Backend], new: list[Backend]) -> None:
    before, after = (render(with_backends(*found), "ROOTS\n", PLACE) for found in (old, new))
    commands = difference(before, after, PLACE)
    assert commands is not None
    sections, maps = apply(before, commands)
    assert sections == {name: set(section.servers) for name, section in after.sections.items()}
    assert maps == {PLACE.map(name): entries for name, entries in after.maps.items()}
