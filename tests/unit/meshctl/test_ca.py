"""The operator's authority: what is made, what is never overwritten, what never leaves."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from meshctl import ca
from meshctl.errors import EXIT_USAGE, MeshctlError

NOW = datetime.now(UTC)


def text(folder: Path, name: str) -> str:
    return (folder / name).read_text()


def test_root_signs_the_intermediate_and_keys_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "ca"
    made = ca.init(folder, "example.org", NOW)
    assert made.changed
    assert ca.verify_chain(text(folder, "intermediate.crt"), text(folder, "ca.crt"), NOW) == ""
    for name in ("root.key", "intermediate.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    root, intermediate = ca.describe(text(folder, "root.crt"))[0], ca.describe(text(folder, "intermediate.crt"))[0]
    assert root.is_ca
    assert intermediate.is_ca
    assert intermediate.issuer == root.subject == "CN=Heddle root example.org"
    assert root.not_after > intermediate.not_after > NOW + timedelta(days=365)


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    ca.init(tmp_path, "example.org", NOW)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(MeshctlError, match="never overwritten") as refused:
        ca.init(tmp_path, "example.org", NOW)
    assert refused.value.code == EXIT_USAGE
    assert not ca.init(tmp_path, "example.org", NOW, ensure=True).changed
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_half_an_authority_is_not_completed(tmp_path: Path) -> None:
    ca.init(tmp_path, "example.org", NOW)
    (tmp_path / "intermediate.crt").unlink()
    with pytest.raises(MeshctlError, match="holds"):
        ca.init(tmp_path, "example.org", NOW, ensure=True)


def test_the_secret_holds_no_root_key(tmp_path: Path) -> None:
    ca.init(tmp_path, "example.org", NOW)
    data = ca.secret_data(tmp_path)
    assert set(data) == {"tls.crt", "tls.key", "ca.crt"}
    assert text(tmp_path, "root.key") not in data.values()
    assert ca.key_matches(data["tls.crt"], data["tls.key"])


def test_a_key_of_another_authority_is_refused(tmp_path: Path) -> None:
    ca.init(tmp_path / "one", "example.org", NOW)
    ca.init(tmp_path / "two", "example.org", NOW)
    (tmp_path / "one" / "intermediate.key").write_bytes((tmp_path / "two" / "intermediate.key").read_bytes())
    with pytest.raises(MeshctlError, match="does not belong"):
        ca.secret_data(tmp_path / "one")


@pytest.mark.parametrize(
    ("at", "bundle_of", "says"),
    [
        (NOW + timedelta(days=ca.INTERMEDIATE_DAYS + 1), "one", "expired"),
        (NOW - timedelta(days=1), "one", "not valid before"),
        (NOW, "two", "signed by none of the roots"),
    ],
)
def test_a_chain_that_does_not_hold_says_why(tmp_path: Path, at: datetime, bundle_of: str, says: str) -> None:
    ca.init(tmp_path / "one", "example.org", NOW)
    ca.init(tmp_path / "two", "example.org", NOW)
    wrong = ca.verify_chain(text(tmp_path / "one", "intermediate.crt"), text(tmp_path / bundle_of, "ca.crt"), at)
    assert says in wrong


def test_a_missing_folder_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(MeshctlError) as refused:
        ca.secret_data(tmp_path / "none")
    assert "meshctl ca init" in refused.value.hint
