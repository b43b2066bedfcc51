"""The values that rendering gives: what HAProxy is started with, in a shape that two of them can be compared."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.engine.haproxy.quoting import map_lines


@dataclass(frozen=True, slots=True)
class Place:
    """Where one sidecar's HAProxy lives. Everything that rendering needs beside the snapshot."""

    run_dir: str
    """Folder of the sockets, `/run/heddle` in a pod."""
    files_dir: str
    """Folder of this generation's configuration and maps."""
    identity_fd: int
    """Descriptor of the memfd that holds certificate chain and key, inherited by HAProxy."""
    pod_ip: str
    """The application listens here; endpoints at this address are the pod itself and are dialled in plain."""
    nameservers: tuple[str, ...] = ()
    """IPv4 addresses that names outside of the cluster are asked of. Empty: none can be looked up."""

    @property
    def certificate(self) -> str:
        return f"/proc/self/fd/{self.identity_fd}"

    @property
    def trust_bundle(self) -> str:
        return f"{self.files_dir}/trust.pem"

    def socket(self, name: str) -> str:
        return f"{self.run_dir}/{name}.sock"

    def map(self, name: str) -> str:
        return f"{self.files_dir}/{name}.map"


@dataclass(frozen=True, slots=True)
class Section:
    """A backend that can be made at run time: a name on a named `defaults`, and servers."""

    template: str
    servers: dict[str, str] = field(default_factory=dict)
    """Name of the server to its arguments (address first). The name changes with the arguments."""
    maxconn: int = 0
    """Connections of each server (streams, of HTTP/2); it changes while HAProxy runs. 0: no limit."""
    rules: str = ""
    """Lines that only the configuration file can have: a section with rules costs a reload when it comes or changes."""

    def arguments(self, server: str) -> str:
        """All of a server's line after its name."""
        return f"{self.servers[server]} maxconn {self.maxconn}" if self.maxconn else self.servers[server]


@dataclass(frozen=True, slots=True)
class Rendered:
    """One HAProxy configuration."""

    static: str
    """Everything that only a reload can change."""
    maps: dict[str, dict[str, str]]
    """Map by its name, without folder and ending."""
    sections: dict[str, Section]
    trust_bundle: str
    """PEM of the roots."""

    @property
    def text(self) -> str:
        """The configuration file."""
        return self.static + "".join(_section_text(name, self.sections[name]) for name in sorted(self.sections))

    def files(self) -> dict[str, str]:
        """Every file by name, to be written into `Place.files_dir`."""
        return {
            "haproxy.cfg": self.text,
            "trust.pem": self.trust_bundle,
            **{f"{name}.map": map_lines(entries) for name, entries in self.maps.items()},
        }


def _section_text(name: str, section: Section) -> str:
    lines = [f"\nbackend {name} from {section.template}\n{section.rules}"]
    lines += [f"  server {server} {section.arguments(server)}\n" for server in sorted(section.servers)]
    return "".join(lines)
