"""Guards of the layout, and the vocabulary against the CRDs and the manifests, in both directions."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
import yaml

from navixy_operator.core import vocabulary
from navixy_operator.core.vocabulary import (
    CATEGORY,
    CUSTOMERS,
    CYCLES,
    GROUP,
    INVESTIGATIONS,
    SYNCS,
    VERSION,
    Condition,
    Kind,
)

ROOT = Path(__file__).parents[1]
CRDS = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "crds").glob("*.yaml"))]
ENUMS = {
    name: set(values)
    for name, values in vars(vocabulary).items()
    if isinstance(values, type) and issubclass(values, StrEnum) and values is not StrEnum
}
# Where the names of an enumeration show, if not as an enum of a CRD.
ELSEWHERE = {
    "Kind": "names of the CRDs",
    "Condition": "descriptions of the conditions",
    "Reason": "free words of the field `reason`, so that a new one needs no new CRD",
    "Cause": "as Reason",
    "EventName": "Events, logs and the audit trail",
    "EventStatus": "logs and the audit trail",
    "LogEvent": "logs",
    "RunKind": "as EventStatus",
    "Step": "/metrics, and the last word of a cycle in logs and audit trail",
    "Origin": "F1.1's API",
    "Metric": "/metrics, docs/metrics.md, manifests/monitoring",
    "Operation": "labels of /metrics",
    "Result": "labels of /metrics",
    "RuleName": "manifests/monitoring",
}
# Enums of the CRDs that are Kubernetes' own, or options of one field alone.
OF_ONE_FIELD = [{"True", "False", "Unknown"}, {"NextCycle", "Backoff"}]


def walk(node: Any) -> Any:
    """Every mapping inside a document."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


SCHEMAS = [node for crd in CRDS for node in walk(crd) if isinstance(node.get("type"), str)]


def test_the_source_root_is_no_package() -> None:
    """operator/__init__.py would shadow the standard library's module for whatever runs from the root."""
    assert not (ROOT / "operator" / "__init__.py").exists()
    assert (ROOT / "operator" / "navixy_operator" / "__init__.py").exists()


def test_names_of_the_crds() -> None:
    """Group, version, kinds, plurals and category are the vocabulary's: all of them, and no others."""
    names = {(crd["spec"]["names"]["kind"], crd["spec"]["names"]["plural"]) for crd in CRDS}
    assert names == {
        (Kind.CUSTOMER, CUSTOMERS),
        (Kind.SYNC, SYNCS),
        (Kind.CYCLE, CYCLES),
        (Kind.INVESTIGATION, INVESTIGATIONS),
    }
    assert {kind for kind, _ in names} == set(Kind)
    assert {crd["spec"]["group"] for crd in CRDS} == {GROUP}
    assert {version["name"] for crd in CRDS for version in crd["spec"]["versions"]} == {VERSION}
    assert {category for crd in CRDS for category in crd["spec"]["names"]["categories"]} == {CATEGORY}


def test_enums_of_the_crds_are_the_vocabularys() -> None:
    """Every enum of a CRD is an enumeration of the vocabulary, or an option of one field."""
    known = [*ENUMS.values(), *OF_ONE_FIELD]
    assert [node["enum"] for node in SCHEMAS if "enum" in node and set(node["enum"]) not in known] == []


def test_enumerations_of_the_vocabulary_are_in_the_crds() -> None:
    """Every enumeration of the vocabulary is an enum of a CRD, or it is said where else its names show."""
    shown = [set(node["enum"]) for node in SCHEMAS if "enum" in node]
    assert {name for name, values in ENUMS.items() if values not in shown} == set(ELSEWHERE)


def test_conditions_are_described() -> None:
    """The descriptions of the conditions name every condition type, and none that does not exist."""
    told = {
        name
        for node in SCHEMAS
        if node.get("x-kubernetes-list-map-keys") == ["type"]
        for name in re.findall(r"[A-Z]\w+", node["description"].partition(":")[2])
    }
    assert told == set(Condition)


def test_reasons_and_conditions_fit_their_fields() -> None:
    """Each reason and condition type has the form that its field in the CRDs asks for."""
    conditions = [node for node in SCHEMAS if "lastTransitionTime" in node.get("properties", {})]
    assert len(conditions) == len(CRDS)
    for node in conditions:
        reasons = [*vocabulary.Reason, *vocabulary.Cause]
        assert all(re.fullmatch(node["properties"]["reason"]["pattern"], reason) for reason in reasons)
        assert all(re.fullmatch(node["properties"]["type"]["pattern"], condition) for condition in Condition)


@pytest.mark.parametrize("manifest", sorted((ROOT / "manifests").glob("*/*.yaml")), ids=lambda path: path.stem)
def test_manifests_speak_of_this_group(manifest: Path) -> None:
    """Resources of this group in rules and samples are the vocabulary's."""
    for document in yaml.safe_load_all(manifest.read_text()):
        if document["apiVersion"].startswith(GROUP):
            assert document["apiVersion"] == f"{GROUP}/{VERSION}"
            assert document["kind"] in set(Kind)
        for rule in document.get("rules", ()):
            if rule["apiGroups"] == [GROUP]:
                assert {name.partition("/")[0] for name in rule["resources"]} <= {
                    CUSTOMERS,
                    SYNCS,
                    CYCLES,
                    INVESTIGATIONS,
                }


def test_every_name_of_the_vocabulary_is_used() -> None:
    """A member that no code names is a word that nobody ever sees, or a typo."""
    package = ROOT / "operator" / "navixy_operator"
    # the dashboard shows what is exposed elsewhere
    code = (path for path in package.rglob("*.py") if path.parent.name not in {"vocabulary", "dashboard"})
    source = "\n".join(path.read_text("utf-8") for path in code)
    used = set(re.findall(r"\b[A-Z]\w+\.[A-Z]\w+\b", source))
    enums = ENUMS.keys() - {"RuleName"}  # the rules' own: test_monitoring_vocabulary.py
    assert {f"{enum}.{member.name}" for enum in enums for member in getattr(vocabulary, enum)} - used == set()
