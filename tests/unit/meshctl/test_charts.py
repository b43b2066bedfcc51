"""Values as people give them."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshctl import charts
from meshctl.errors import MeshctlError
from meshctl.helm import describe, find_executable


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a=1", {"a": 1}),
        ("a.b.c=x", {"a": {"b": {"c": "x"}}}),
        ("a=true", {"a": True}),
        ("a=", {"a": None}),
        ("a=[1, 2]", {"a": [1, 2]}),
        ("tag='007'", {"tag": "007"}),
        ("a=b=c", {"a": "b=c"}),
    ],
)
def test_an_assignment_is_read_as_yaml(given: str, expected: dict[str, object]) -> None:
    assert charts.parse_assignment(given) == expected


@pytest.mark.parametrize("given", ["a", "=1", "a..b=1", ".a=1", "a=[", "a={"])
def test_a_broken_assignment_is_refused(given: str) -> None:
    with pytest.raises(MeshctlError, match="--set"):
        charts.parse_assignment(given)


def test_assignments_win_over_files_and_later_files_over_earlier(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("a: {b: 1, c: 2}\nlist: [1, 2]\n")
    (tmp_path / "two.yaml").write_text("a: {b: 5}\nlist: [3]\n")
    files = [str(tmp_path / "one.yaml"), str(tmp_path / "two.yaml")]
    assert charts.read_values(files, ["a.c=9"]) == {"a": {"b": 5, "c": 9}, "list": [3]}


@pytest.mark.parametrize("content", ["- 1\n", "a: [\n", "just text"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.yaml").write_text(content)
    with pytest.raises(MeshctlError, match=r"bad\.yaml"):
        charts.read_values([str(tmp_path / "bad.yaml")], [])


def test_a_missing_chart_says_where_it_was_sought(tmp_path: Path) -> None:
    with pytest.raises(MeshctlError, match="no chart mesh in"):
        charts.find(str(tmp_path), "mesh")


@pytest.mark.parametrize("name", ["mesh", "mesh-crds", "demo"])
def test_the_source_tree_has_the_charts(name: str) -> None:
    assert (charts.find(None, name) / "Chart.yaml").is_file()


def test_the_fingerprint_follows_files_and_values(tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("name: x\n")
    first = describe(tmp_path, {"a": 1})
    assert describe(tmp_path, {"a": 1}) == first
    assert describe(tmp_path, {"a": 2}) != first
    (tmp_path / "values.yaml").write_text("")
    assert describe(tmp_path, {"a": 1}) != first


def test_a_values_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "values").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MeshctlError, match="--values"):
        charts.read_values([str(tmp_path / "values")], [])


def test_the_newest_helm_of_the_cache_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("3.9.4", "3.21.4", "3.20.0"):
        program = tmp_path / "heddle/binaries/helm" / version / "helm"
        program.parent.mkdir(parents=True)
        program.touch(0o755)
    for name, value in (("XDG_CACHE_HOME", str(tmp_path)), ("PATH", "/nowhere"), ("HEDDLE_HELM", "")):
        monkeypatch.setenv(name, value)
    assert find_executable(None) == str(tmp_path / "heddle/binaries/helm/3.21.4/helm")
