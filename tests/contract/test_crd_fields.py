"""The resource definitions and the structs that read them have the same fields: what a user may write is read, and
what is read may be written."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import inspect

from control_plane.kinds.registry import KINDS
from tests.support.charts import one, render

OURS = ("MeshConfig", "ServiceIntentions", "ServiceSubset", "TrafficPolicy")

pytestmark = pytest.mark.needs_helm


@pytest.fixture(scope="module")
def definitions() -> dict[str, Any]:
    rendered = render("mesh-crds")
    return {
        kind: one(rendered, "CustomResourceDefinition", f"{KINDS[kind].plural}.{KINDS[kind].group}") for kind in OURS
    }


def described(schema: dict[str, Any], at: str) -> dict[str, str]:
    """Every field of a schema, with its type and its values."""
    found: dict[str, str] = {}
    for name, part in schema.get("properties", {}).items():
        path = f"{at}.{name}"
        found[path] = part.get("type", "any") + ("!" if name in schema.get("required", ()) else "")
        if "enum" in part:
            found[f"{path}="] = ",".join(sorted(str(value) for value in part["enum"]))
        found |= described(part, path)
        if "items" in part:
            found |= described(part["items"], f"{path}[]")
    return found


def read(kind: inspect.Type, at: str) -> dict[str, str]:
    """The same of a struct."""
    found: dict[str, str] = {}
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            path, inner = f"{at}.{field.encode_name}", bare(field.type)
            found[path] = NAMES.get(type(inner), "any") + ("!" if field.required else "")
            if isinstance(inner, inspect.LiteralType):
                found[f"{path}="] = ",".join(sorted(str(value) for value in inner.values))
            found |= read(inner, path)
    elif isinstance(kind, inspect.VarTupleType):
        found |= read(bare(kind.item_type), f"{at}[]")
    return found


def bare(kind: inspect.Type) -> inspect.Type:
    """A type without its None."""
    if isinstance(kind, inspect.UnionType):
        some = tuple(part for part in kind.types if not isinstance(part, inspect.NoneType))
        return some[0] if len(some) == 1 else kind
    return kind


NAMES = {
    inspect.StructType: "object",
    inspect.DictType: "object",
    inspect.VarTupleType: "array",
    inspect.StrType: "string",
    inspect.LiteralType: "string",
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
}
NARROWER = {
    ("TrafficPolicy", "spec.targetRefs[].group="),
    ("TrafficPolicy", "spec.targetRefs[].kind="),
}
"""Values that the definition lists and the struct checks by `validate`, with a message of its own."""


@pytest.mark.parametrize("kind", OURS)
def test_fields_are_the_same(definitions: dict[str, Any], kind: str) -> None:
    (version,) = definitions[kind]["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    spec = next(f for f in msgspec.structs.fields(KINDS[kind].struct) if f.name == "spec").type
    written = described(schema, "spec")
    understood = read(inspect.type_info(spec), "spec")
    for path in (path for of, path in NARROWER if of == kind):
        written.pop(path, None)
    # The definition may ask for a field that the struct can do without; not the other way round.
    relaxed = {
        path: text.rstrip("!") if not understood.get(path, "!").endswith("!") else text
        for path, text in written.items()
    }
    assert relaxed == understood


@pytest.mark.parametrize("kind", OURS)
def test_names_and_scope_are_the_same(definitions: dict[str, Any], kind: str) -> None:
    spec = definitions[kind]["spec"]
    assert spec["group"] == KINDS[kind].group
    assert [version["name"] for version in spec["versions"]] == [KINDS[kind].version]
    assert spec["scope"] == ("Namespaced" if KINDS[kind].namespaced else "Cluster")
