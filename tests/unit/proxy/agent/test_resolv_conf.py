from __future__ import annotations

from pathlib import Path

from proxy.agent.resolv_conf import nameservers


def test_the_first_three_of_ipv4_are_asked(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(
        "# nameserver 10.0.0.9\nsearch shop.svc.cluster.local\nnameserver 10.96.0.10 # cluster\nnameserver fd00::1\n"
        "nameserver\nnameserver 1.2.3.4;\nnameserver 10.0.0.2\nnameserver 10.0.0.3\nnameserver 10.0.0.4\n"
    )
    assert nameservers(file) == ("10.96.0.10", "10.0.0.2", "10.0.0.3")


def test_no_file_names_none(tmp_path: Path) -> None:
    assert nameservers(tmp_path / "missing") == ()
