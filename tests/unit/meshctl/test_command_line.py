"""What a person types, and what comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from meshctl.__main__ import VERBS, main
from meshctl.commands.check import ALL, chosen
from meshctl.errors import EXIT_UNAVAILABLE, EXIT_USAGE, MeshctlError


@pytest.mark.parametrize("verb", [name for name, _, _ in VERBS])
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert f"usage: meshctl {verb}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["check", "--list"], ["-o", "json", "check", "--list"]])
def test_options_are_understood_before_and_after_the_verb(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    before = capsys.readouterr().out
    assert main([*arguments, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["categories"][0]["name"] == "preflight"
    assert "preflight" in before


def test_no_cluster_is_an_error_with_a_hint_and_its_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["status", "--kubeconfig", str(tmp_path / "none"), "-o", "json"])
    captured = capsys.readouterr()
    assert code == EXIT_UNAVAILABLE
    assert "KUBECONFIG" in captured.err
    assert "no cluster" in json.loads(captured.out)["error"]


def test_ca_init_prints_where_things_belong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ca", "init", "--dir", str(tmp_path / "ca")]) == 0
    shown = capsys.readouterr().out
    assert "root.key" in shown
    assert "never enters the cluster" in shown
    assert main(["ca", "init", "--dir", str(tmp_path / "ca")]) == EXIT_USAGE


def test_an_unknown_category_names_the_known_ones() -> None:
    with pytest.raises(MeshctlError, match="no category nonsense") as refused:
        chosen(["nonsense"], pre=False, proxy=False)
    assert "data-plane" in refused.value.hint
    assert refused.value.code == EXIT_USAGE


def test_demo_means_all_of_the_demo_once() -> None:
    names = [one.name for one in chosen(["demo", "demo-wire"], pre=False, proxy=False)]
    assert names == ["demo-wire", "demo-traffic", "demo-changes"]


def test_names_of_checks_are_unique_in_their_category_and_have_hints() -> None:
    for category in ALL:
        names = [check.name for check in category.checks]
        assert len(names) == len(set(names)), category.name
        assert all(check.hint and check.description for check in category.checks)


def test_brackets_in_a_message_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "--charts", "/none[/red]"]) == EXIT_USAGE
    assert "/none[/red]" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["explode"], ["check", "--loud"], [], ["ca", "init"]])
def test_wrong_arguments_have_their_exit_code(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == EXIT_USAGE
    assert "error:" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "a: [b", "hello", "- a"])
def test_a_kubeconfig_that_is_none_is_named(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config").write_text(text)
    assert main(["status", "--kubeconfig", str(tmp_path / "config")]) == EXIT_UNAVAILABLE
    assert str(tmp_path / "config") in capsys.readouterr().err


@pytest.mark.parametrize("output", ["text", "json"])
def test_who_reads_may_stop_reading(output: str) -> None:
    """As `meshctl … | head -1` does: no traceback, and no success, since not all was said (or done)."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "meshctl", "check", "--list", "-o", output]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")
