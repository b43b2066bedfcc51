"""Bad objects are refused with a reason that names the field, and what runs goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from meshctl.client import ApiError
from tests.e2e.namespace import Sandbox

CASES = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{one['object']['kind']}-{one['object']['metadata']['name']}" for one in CASES]
)
def test_it_is_refused_with_its_field(case: dict[str, Any], sandbox: Sandbox) -> None:
    manifest = case["object"]
    path = sandbox.path(manifest).rpartition("/")[0]
    with pytest.raises(ApiError) as refused:
        sandbox.cluster.create(path, manifest, dry_run=True)
    assert case["expect"] in str(refused.value)
    assert refused.value.status in (400, 403, 422)
