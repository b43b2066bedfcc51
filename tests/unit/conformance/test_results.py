"""The outcome of a run, read out of what `go test -v` prints."""

from __future__ import annotations

import pytest

from tests.conformance.image import image_name
from tests.conformance.results import Results, table

OUTPUT = """\
=== RUN   TestConformance
=== RUN   TestConformance/MeshBasic
=== RUN   TestConformance/MeshBasic/http_request
--- PASS: TestConformance (214.61s)
    --- PASS: TestConformance/MeshBasic (1.25s)
        --- FAIL: TestConformance/MeshBasic/http_request (1.00s)
    --- FAIL: TestConformance/MeshPorts (30.01s)
    --- SKIP: TestConformance/MeshSkipped (0.00s)
    --- SKIP: TestConformance/GatewayModifyListeners (0.00s)
"""


def read(text: str, exit_code: int = 0) -> Results:
    results = Results()
    for line in text.splitlines(keepends=True):
        results.read(line)
    results.exit_code = exit_code
    return results


def test_tests_of_meshes_are_counted_and_their_cases_are_not() -> None:
    results = read(OUTPUT)
    assert {one.name: (one.result, one.seconds) for one in results.outcomes.values()} == {
        "MeshBasic": ("passed", 1.25),
        "MeshPorts": ("failed", 30.01),
        "MeshSkipped": ("skipped", 0.0),
    }
    assert "1 passed, 1 failed, 1 skipped, 31 s" in table(results)


def test_a_single_test_is_not_judged_by_the_others() -> None:
    results = read("    --- PASS: TestConformance/MeshBasic (1.25s)\n    --- SKIP: TestConformance/MeshPorts (0.00s)\n")
    assert not results.good
    results.keep_only("MeshBasic")
    assert results.good
    results.keep_only("MeshTypo")
    assert not results.good


def test_what_begins_is_told() -> None:
    started = [name for line in OUTPUT.splitlines() if (name := Results().started(line))]
    assert started == ["MeshBasic"]


@pytest.mark.parametrize(
    ("text", "exit_code", "good"),
    [
        ("    --- PASS: TestConformance/MeshBasic (1.25s)\n", 0, True),
        ("    --- PASS: TestConformance/MeshBasic (1.25s)\n", 1, False),
        ("    --- SKIP: TestConformance/MeshBasic (1.25s)\n", 0, False),
        ("", 0, False),
    ],
)
def test_good_is_every_test_passed_and_none_skipped(text: str, exit_code: int, good: bool) -> None:
    assert read(text, exit_code).good is good


def test_the_image_is_the_one_of_the_manifests() -> None:
    assert image_name("spec:\n  image: a/b:1\n---\n  image: a/b:1\n") == "a/b:1"
    with pytest.raises(ValueError, match="one is expected"):
        image_name("image: a:1\nimage: b:1\n")
