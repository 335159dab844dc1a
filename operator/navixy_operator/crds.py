"""The CustomResourceDefinitions, generated from the models: ``python -m navixy_operator.crds [--check] DIRECTORY``."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from navixy_operator.api.common import Model, validations
from navixy_operator.api.customer import NavixyCustomerSpec, NavixyCustomerStatus
from navixy_operator.api.cycle import SyncCycleSpec, SyncCycleStatus
from navixy_operator.api.investigation import InvestigationSpec, InvestigationStatus
from navixy_operator.api.schema import Schema, structural
from navixy_operator.api.sync import NAME_RULE, NavixySyncSpec, NavixySyncStatus
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

HEADER: Final = "# Generated from operator/navixy_operator/api by `make crds`; do not edit.\n"
WIDE: Final = 1  # columns of this priority show with `kubectl get -o wide`


@dataclass(frozen=True, slots=True)
class Column:
    """A printer column of ``kubectl get``."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Definition:
    """One kind: its names, its models, its columns, and the CEL rules that look at the whole object."""

    kind: Kind
    plural: str
    short: str
    description: str
    spec: type[Model]
    status: type[Model]
    columns: tuple[Column, ...]
    rules: tuple[tuple[str, str], ...] = ()


def _condition(condition: Condition, field: str) -> str:
    return f'.status.conditions[?(@.type=="{condition}")].{field}'


def _verdict() -> tuple[Column, ...]:
    return (
        Column("Ready", _condition(Condition.READY, "status")),
        Column("Reason", _condition(Condition.READY, "reason")),
    )


AGE: Final = Column("Age", ".metadata.creationTimestamp", "date")

CUSTOMER: Final = Definition(
    kind=Kind.CUSTOMER,
    plural=CUSTOMERS,
    short="nvc",
    description="A customer with Navixy as a provider, and the data forwarding connection that it should have.",
    spec=NavixyCustomerSpec,
    status=NavixyCustomerStatus,
    columns=(
        Column("Ref", ".spec.customerRef"),
        Column("State", ".spec.state"),
        Column("Gateways", ".spec.gateways", "integer"),
        Column("Desired", ".status.desired"),
        Column("Connection", ".status.connection.state"),
        *_verdict(),
        Column("Pin", ".status.pin.mode"),
        AGE,
        Column("Message", _condition(Condition.READY, "message"), priority=WIDE),
        Column("Sync", ".spec.sync", priority=WIDE),
        Column("Source", ".spec.source", priority=WIDE),
    ),
)
SYNC: Final = Definition(
    kind=Kind.SYNC,
    plural=SYNCS,
    short="nvs",
    description="One synchronization of a customer database with the connections of an F1.1: configuration and state.",
    spec=NavixySyncSpec,
    status=NavixySyncStatus,
    columns=(
        Column("Phase", ".status.phase"),
        Column("Expected", ".status.expected", "integer"),
        Column("Actual", ".status.actual", "integer"),
        Column("Discrepancies", ".status.discrepancies", "integer"),
        Column("Last Sync", ".status.lastCycle.completionTime", "date"),
        # Not a date: kubectl prints a date as its age, and a moment to come has none.
        Column("Next", ".status.nextScheduleTime"),
        *_verdict(),
        AGE,
        Column("Message", _condition(Condition.READY, "message"), priority=WIDE),
        Column("Policy", ".spec.policy", priority=WIDE),
        Column("Schedule", ".spec.schedule", priority=WIDE),
        Column("Last Success", ".status.lastSuccessfulTime", "date", priority=WIDE),
    ),
    rules=(NAME_RULE,),
)
CYCLE: Final = Definition(
    kind=Kind.CYCLE,
    plural=CYCLES,
    short="cycle",
    description="One run of a NavixySync and its report; creating one by hand runs a cycle now.",
    spec=SyncCycleSpec,
    status=SyncCycleStatus,
    columns=(
        Column("Sync", ".spec.sync"),
        Column("Phase", ".status.phase"),
        Column("Expected", ".status.counts.expected", "integer"),
        Column("Actual", ".status.counts.actual", "integer"),
        Column("Discrepancies", ".status.counts.discrepancies", "integer"),
        Column("Established", ".status.counts.established", "integer"),
        Column("Closed", ".status.counts.closed", "integer"),
        Column("Failed", ".status.counts.failed", "integer"),
        Column("Held", ".status.counts.held", "integer"),
        Column("Reason", ".status.reason"),
        Column("Duration", ".status.durationSeconds", "number"),
        AGE,
        Column("Dry Run", ".spec.dryRun", "boolean", WIDE),
        Column("Skipped", ".status.counts.skipped", "integer", WIDE),
        Column("Message", ".status.message", priority=WIDE),
    ),
)
INVESTIGATION: Final = Definition(
    kind=Kind.INVESTIGATION,
    plural=INVESTIGATIONS,
    short="inv",
    description="Why something about a NavixySync is not as it should be, what speaks for it, and what to do about it; "
    "opened by the operator, and resolved when a whole cycle has not shown the trigger any more.",
    spec=InvestigationSpec,
    status=InvestigationStatus,
    columns=(
        Column("Sync", ".spec.sync"),
        Column("Trigger", ".spec.trigger"),
        Column("Phase", ".status.phase"),
        Column("Cause", ".status.probableCause.reason"),
        Column("Cycles", ".status.cyclesSeen", "integer"),
        Column("Seen In", ".status.lastSeenCycle"),
        Column("Last Seen", ".status.lastSeenTime", "date"),
        Column("Acknowledged", ".status.acknowledgedBy"),
        AGE,
        Column("Message", ".status.message", priority=WIDE),
        Column("Suggestion", ".status.suggestedResolution[0]", priority=WIDE),
        Column("Resolved", ".status.resolvedTime", "date", WIDE),
    ),
)
DEFINITIONS: Final = (CUSTOMER, SYNC, CYCLE, INVESTIGATION)


def build(definition: Definition) -> dict[str, Any]:
    """The CustomResourceDefinition (apiextensions.k8s.io/v1) of a kind."""
    singular = definition.kind.lower()
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{definition.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "categories": [CATEGORY],
                "kind": definition.kind.value,
                "listKind": f"{definition.kind}List",
                "plural": definition.plural,
                "shortNames": [definition.short],
                "singular": singular,
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "additionalPrinterColumns": [_column(column) for column in definition.columns],
                    "subresources": {"status": {}},
                    "schema": {"openAPIV3Schema": _root(definition)},
                }
            ],
        },
    }


def _root(definition: Definition) -> Schema:
    return {
        "description": definition.description,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"description": "Version of this schema, with its group.", "type": "string"},
            "kind": {"description": "Kind of the resource.", "type": "string"},
            "metadata": {"type": "object"},
            "spec": structural(definition.spec, defaults=True),
            "status": structural(definition.status, defaults=False),
        },
        **(validations(*definition.rules) if definition.rules else {}),
    }


def _column(column: Column) -> dict[str, Any]:
    shown = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return {**shown, "priority": column.priority} if column.priority else shown


class _Plain(yaml.SafeDumper):
    """YAML without anchors: each part is written out where it stands."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base class names the parameter
        return True


def render() -> Iterator[tuple[str, str]]:
    """File name and content of each CRD, the same for the same models."""
    for definition in DEFINITIONS:
        content = yaml.dump(build(definition), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120)
        yield f"{definition.plural}.yaml", HEADER + content


def main(argv: Sequence[str] | None = None) -> int:
    """Write the CRDs, or with ``--check`` compare them: 0 up to date, 1 stale (told on stderr)."""
    parser = argparse.ArgumentParser(prog="python -m navixy_operator.crds", description=__doc__)
    parser.add_argument("directory", type=Path, help="where the CRDs are")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is not up to date")
    options = parser.parse_args(argv)
    directory: Path = options.directory
    files = dict(render())
    if not options.check:
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (directory / name).write_text(content, encoding="utf-8")
        return 0
    found = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.yaml")}
    stale = sorted(name for name in files.keys() | found.keys() if files.get(name) != found.get(name))
    for name in stale:
        sys.stderr.write(f"{directory / name} is not what the models say: run `make crds`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
