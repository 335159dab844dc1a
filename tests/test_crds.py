"""The CRDs: generated, structural, described, bounded, and with CEL rules that say what the models say."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, Field, ValidationError

from api.samples import MANUAL, MAXIMAL_SPEC, MAXIMAL_STATUS, MINIMAL, changed
from navixy_operator.api.schema import structural
from navixy_operator.api.sync import explain_name
from navixy_operator.core.vocabulary import Kind
from navixy_operator.crds import DEFINITIONS, build, main, render

CRDS = Path(__file__).parents[1] / "crds"
ROOTS = {
    definition.kind: build(definition)["spec"]["versions"][0]["schema"]["openAPIV3Schema"] for definition in DEFINITIONS
}
Node = tuple[str, dict[str, Any]]


def nodes(schema: dict[str, Any], path: str) -> Iterator[Node]:
    """Every schema inside a schema, with its path."""
    yield path, schema
    for name, part in schema.get("properties", {}).items():
        yield from nodes(part, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from nodes(schema[key], f"{path}[]")


NODES: list[Node] = [node for kind, root in ROOTS.items() for node in nodes(root, kind)]


def test_files_are_up_to_date() -> None:
    """crds/ holds what the models say, and nothing else."""
    assert {path.name: path.read_text() for path in CRDS.iterdir()} == dict(render())


def test_check_fails_when_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` fails for a changed, a missing and a foreign file, names it, and passes once written."""
    directory = tmp_path / "crds"
    assert main([str(directory), "--check"]) == 1
    assert main([str(directory)]) == 0
    assert main([str(directory), "--check"]) == 0
    (directory / "navixysyncs.yaml").write_text("{}")
    (directory / "left-over.yaml").write_text("{}")
    capsys.readouterr()
    assert main([str(directory), "--check"]) == 1
    told = capsys.readouterr().err
    assert [line.split(" is not ")[0] for line in told.splitlines()] == [
        str(directory / "left-over.yaml"),
        str(directory / "navixysyncs.yaml"),
    ]


def test_files_are_plain_yaml() -> None:
    """No anchors: each part is readable where it stands; and reading gives back what was built."""
    for definition, (_, content) in zip(DEFINITIONS, render(), strict=True):
        assert "&id" not in content
        assert yaml.safe_load(content) == build(definition)


@pytest.mark.parametrize(("path", "schema"), NODES, ids=[path for path, _ in NODES])
def test_every_node_is_structural_and_described(path: str, schema: dict[str, Any]) -> None:
    """A type and a description everywhere; nothing that a structural schema has no words for; all sizes bounded."""
    assert schema["type"] in {"object", "array", "string", "integer", "number", "boolean"}
    if path.endswith(".metadata"):
        return
    assert schema["description"].endswith(".")
    assert not schema.keys() & {"$ref", "title", "anyOf", "allOf", "oneOf", "const", "$defs"}
    if schema["type"] == "string" and path.partition(".")[2] not in {"apiVersion", "kind"}:
        assert schema.keys() & {"maxLength", "enum", "format"}
    if schema["type"] == "array":
        assert schema["maxItems"] <= 100
    if "additionalProperties" in schema:
        assert schema["maxProperties"] <= 100
    if ".status" in path:
        assert "default" not in schema


def test_conditions_merge_by_type() -> None:
    """Conditions are a map by type for whoever patches them."""
    found = [schema for path, schema in NODES if path.endswith(".status.conditions")]
    assert [schema["x-kubernetes-list-map-keys"] for schema in found] == [["type"]] * len(DEFINITIONS)
    assert {schema["x-kubernetes-list-type"] for schema in found} == {"map"}


# Each CEL rule with objects it takes and refuses. CEL cannot run here (the API server of the tests is older), so the
# table holds rule and model together: the rule is this text, in this place, and the model decides these rows alike.
CEL: dict[tuple[str, str], list[tuple[dict[str, Any], bool]]] = {
    ("NavixyCustomer.spec", "(self.source == 'Manual') == has(self.hashSecretRef)"): [
        (MINIMAL[Kind.CUSTOMER], True),
        (MANUAL, True),
        (changed(MANUAL, "source", "Database"), False),
        (changed(MANUAL, "hashSecretRef", ...), False),
    ],
    ("NavixyCustomer.spec", "self.source != 'Manual' || has(self.state)"): [
        (MINIMAL[Kind.CUSTOMER], True),
        (MANUAL, True),
        (changed(MANUAL, "state", ...), False),
    ],
}
# Rules that no single spec can break: they compare with the object as it was, or look at its name.
TRANSITIONS = {
    ("NavixyCustomer.spec.customerRef", "self == oldSelf"),
    ("SyncCycle.spec", "self == oldSelf"),
    ("Investigation.spec", "self == oldSelf"),
}
NAMES = {("NavixySync", "size(self.metadata.name) <= 52")}


def test_every_cel_rule_is_in_a_table() -> None:
    """The CRDs have these rules, in these places, each with a message, and no others."""
    rules = {
        (path, rule["rule"]): rule["message"]
        for path, schema in NODES
        for rule in schema.get("x-kubernetes-validations", ())
    }
    assert rules.keys() == CEL.keys() | TRANSITIONS | NAMES
    assert all(rules.values())


@pytest.mark.parametrize(
    ("spec", "valid"), [row for rows in CEL.values() for row in rows], ids=lambda value: str(value)[:60]
)
def test_model_says_what_cel_says(spec: dict[str, Any], valid: bool) -> None:  # noqa: FBT001 - a column of the table
    """The model takes and refuses the rows of the CEL table."""
    model = next(definition.spec for definition in DEFINITIONS if definition.kind is Kind.CUSTOMER)
    try:
        model.model_validate(spec)
    except ValidationError:
        assert not valid
    else:
        assert valid


def test_name_rule_is_the_models() -> None:
    """The CEL rule on the name and the operator's own check have the same limit and words."""
    rule = ROOTS[Kind.SYNC]["x-kubernetes-validations"][0]
    assert explain_name("x" * 53) == rule["message"]
    assert explain_name("x" * 52) is None


def unused(schema: dict[str, Any], sample: Any, path: str) -> Iterator[str]:
    """The properties of a schema that no part of a sample has."""
    for name, part in schema.get("properties", {}).items():
        if name in sample:
            yield from unused(part, sample[name], f"{path}.{name}")
        else:
            yield f"{path}.{name}"
    if "items" in schema:
        found = [set(unused(schema["items"], entry, f"{path}[]")) for entry in sample]
        yield from set.intersection(*found)


@pytest.mark.parametrize("kind", ROOTS)
def test_samples_reach_every_optional_part(kind: Kind) -> None:
    """The maximal samples use every property of the schemas, so that the contract tests look at all of them."""
    properties = ROOTS[kind]["properties"]
    assert list(unused(properties["spec"], MAXIMAL_SPEC[kind], "spec")) == []
    assert list(unused(properties["status"], MAXIMAL_STATUS[kind], "status")) == []


class _Exclusive(BaseModel):
    """A model of limits."""

    above: float = Field(gt=0, lt=1, description="Above zero.")


class _Union(BaseModel):
    """A model of a union."""

    either: int | str = Field(description="Either.")


class _Multiple(BaseModel):
    """A model of what is not supported."""

    even: int = Field(multiple_of=2, description="Even.")


def test_exclusive_limits_are_flags() -> None:
    """apiextensions.k8s.io/v1 has exclusive limits as OpenAPI 3.0: a limit and a flag."""
    node = structural(_Exclusive, defaults=True)["properties"]["above"]
    assert node == {
        "description": "Above zero.",
        "type": "number",
        "minimum": 0,
        "exclusiveMinimum": True,
        "maximum": 1,
        "exclusiveMaximum": True,
    }


@pytest.mark.parametrize("model", [_Union, _Multiple])
def test_what_a_structural_schema_cannot_say_is_an_error(model: type[BaseModel]) -> None:
    """A union, or a keyword that would silently get lost, stops the generator."""
    with pytest.raises(ValueError, match="a structural schema has no"):
        structural(model, defaults=True)
