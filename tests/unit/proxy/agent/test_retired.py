"""Which processes are found again by an agent that was restarted."""

from __future__ import annotations

from pathlib import Path

from proxy.agent.retired import former

RUN = Path("/run/heddle")


def test_processes_are_found_by_the_files_they_run_on_oldest_first(tmp_path: Path) -> None:
    for pid, words in {
        "41": ["haproxy", "-f", "/run/heddle/gen/10/haproxy.cfg", "-x", "/run/heddle/admin.sock", "-sf", "77"],
        "77": ["/usr/sbin/haproxy", "-f", "/run/heddle/gen/9/haproxy.cfg"],
        "50": ["haproxy", "-c", "-f", "/run/heddle/gen/11/haproxy.cfg"],
        "51": ["haproxy", "-f", "/etc/haproxy/haproxy.cfg"],
        "52": ["sh", "-f"],
        "53": [],
        "self": ["haproxy", "-f", "/run/heddle/gen/1/haproxy.cfg"],
    }.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "cmdline").write_bytes("".join(f"{word}\0" for word in words).encode())
    (tmp_path / "60").mkdir()
    assert former(RUN, tmp_path) == [77, 41]
