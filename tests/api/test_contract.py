"""Models, CRDs and a real API server agree."""

import asyncio
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from api.cases import CASES, Case
from api.samples import MAXIMAL_SPEC, MAXIMAL_STATUS, MINIMAL, resource
from navixy_operator.api.common import Model
from navixy_operator.core.vocabulary import GROUP, VERSION, Kind
from navixy_operator.crds import DEFINITIONS, Definition
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.errors import CommandError, SandboxError

pytestmark = pytest.mark.server

OF = {definition.kind: definition for definition in DEFINITIONS}


def path(definition: Definition, namespace: str, tail: str = "") -> str:
    """The URL path of a kind's objects."""
    return f"/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{definition.plural}{tail}"


def created(crds: ControlPlane, namespace: str, kind: Kind, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    """The object as the API server keeps it."""
    body = resource(kind, name, copy.deepcopy(spec), namespace)
    answer: dict[str, Any] = crds.request("POST", path(OF[kind], namespace), body)
    return answer


@pytest.fixture(scope="module")
def subjects(crds: ControlPlane) -> dict[Kind, dict[str, Any]]:
    """One object of each kind, to try statuses on."""
    return {kind: created(crds, "default", kind, "contract-subject", MINIMAL[kind]) for kind in Kind}


def server_takes(crds: ControlPlane, case: Case, subject: dict[str, Any]) -> bool:
    """Whether the API server would take the object (it refuses with 422 when the schema is broken)."""
    definition = OF[case.kind]
    try:
        if case.status:
            body, tail = {**subject, "status": case.data}, f"/{subject['metadata']['name']}/status?dryRun=All"
            crds.request("PUT", path(definition, "default", tail), body)
        else:
            body = resource(case.kind, "contract-trial", case.data)
            crds.request("POST", path(definition, "default", "?dryRun=All"), body)
    except SandboxError as error:
        if ": 422 " not in str(error):
            raise
        return False
    return True


def model_takes(case: Case) -> bool:
    """Whether the model takes the object."""
    definition = OF[case.kind]
    try:
        (definition.status if case.status else definition.spec).model_validate(case.data)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("case", CASES, ids=str)
def test_model_and_server_agree(crds: ControlPlane, subjects: dict[Kind, dict[str, Any]], case: Case) -> None:
    """What the model takes, the API server takes; what one refuses, the other refuses, except where marked."""
    assert model_takes(case) is case.valid
    assert server_takes(crds, case, subjects[case.kind]) is (case.valid != case.operator_only)


def fields(model: Model) -> Iterator[tuple[str, set[str]]]:
    """Every part of a model with its fields that are not set."""
    yield type(model).__name__, set(type(model).model_fields) - model.model_fields_set
    for name in type(model).model_fields:
        value = getattr(model, name)
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, Model):
                yield from fields(part)


@pytest.mark.parametrize("kind", Kind)
def test_every_field_survives(crds: ControlPlane, namespace: str, kind: Kind) -> None:
    """An object that uses every field of the models comes back from the API server unpruned and unchanged."""
    definition, spec, status = OF[kind], MAXIMAL_SPEC[kind], MAXIMAL_STATUS[kind]
    models = definition.spec.model_validate(spec), definition.status.model_validate(status)
    assert [unset for model in models for unset in fields(model) if unset[1]] == []

    written = created(crds, namespace, kind, "maximal", models[0].to_json())
    body = {**written, "status": models[1].to_json()}
    crds.request("PUT", path(definition, namespace, "/maximal/status"), body)
    kept = crds.request("GET", path(definition, namespace, "/maximal"))

    assert kept["spec"] == spec
    assert kept["status"] == status


@pytest.mark.parametrize("kind", Kind)
def test_server_fills_in_the_models_defaults(crds: ControlPlane, namespace: str, kind: Kind) -> None:
    """The API server and the model fill in the same defaults."""
    kept = created(crds, namespace, kind, "minimal", MINIMAL[kind])
    assert kept["spec"] == OF[kind].spec.model_validate(MINIMAL[kind]).to_json()


def test_unknown_fields_are_pruned(crds: ControlPlane, namespace: str) -> None:
    """A field that the schema does not know is dropped, not refused."""
    kept = created(crds, namespace, Kind.CYCLE, "pruned", {"sync": "main", "nonsense": 1})
    assert "nonsense" not in kept["spec"]


def test_a_spec_is_needed(crds: ControlPlane, namespace: str) -> None:
    """An object without a spec is refused."""
    body = resource(Kind.CYCLE, "bare", {}, namespace)
    del body["spec"]
    with pytest.raises(SandboxError, match="spec: Required value"):
        crds.request("POST", path(OF[Kind.CYCLE], namespace), body)


COLUMNS: dict[Kind, dict[str, str | None]] = {
    Kind.CUSTOMER: {
        "REF": "acme",
        "STATE": "active",
        "GATEWAYS": "3",
        "DESIRED": "Connected",
        "CONNECTION": "failed",
        "READY": "False",
        "REASON": "HashRejected",
        "PIN": "hold",
    },
    Kind.SYNC: {
        "PHASE": "completed",
        "EXPECTED": "15",
        "ACTUAL": "14",
        "DISCREPANCIES": "4",
        "LAST SYNC": None,
        "NEXT": "2999-01-03T03:00:00Z",
        "READY": "False",
        "REASON": "HashRejected",
    },
    Kind.CYCLE: {
        "SYNC": "main",
        "PHASE": "failed",
        "EXPECTED": "15",
        "ACTUAL": "15",
        "DISCREPANCIES": "4",
        "ESTABLISHED": "2",
        "CLOSED": "1",
        "FAILED": "1",
        "HELD": "1",
        "REASON": "CountMismatch",
        "DURATION": "8.75",
    },
    Kind.INVESTIGATION: {
        "SYNC": "main",
        "TRIGGER": "ConnectionCountMismatch",
        "PHASE": "Acknowledged",
        "CAUSE": "ForwardingRefusesHashes",
        "CYCLES": "2",
        "SEEN IN": "main-29001440",
        "LAST SEEN": None,
        "ACKNOWLEDGED": "ops",
    },
}


@pytest.mark.parametrize("kind", Kind)
async def test_columns(crds: ControlPlane, namespace: str, tmp_path: Path, kind: Kind) -> None:
    """`kubectl get SHORTNAME` shows the columns of the design with the values of the status, and -o wide more."""
    definition = OF[kind]
    written = created(crds, namespace, kind, "shown", MAXIMAL_SPEC[kind])
    body = {**written, "status": MAXIMAL_STATUS[kind]}
    crds.request("PUT", path(definition, namespace, "/shown/status"), body)

    get = "get", "-n", namespace, f"--cache-dir={tmp_path}"  # what kubectl knows may be older than the CRDs
    header, row = (await crds.kubectl(*get, definition.short, "shown")).splitlines()
    starts = {name: header.index(name) for name in ["NAME", *COLUMNS[kind], "AGE"]}
    assert list(starts.values()) == sorted(starts.values())
    shown = {name: row[start:].split("  ")[0].strip() for name, start in starts.items()}
    assert header.split() == " ".join(starts).split()
    assert {name: shown[name] for name, value in COLUMNS[kind].items() if value} == {
        name: value for name, value in COLUMNS[kind].items() if value
    }
    assert "<" not in row  # <none>, <unknown>, <invalid>
    wide = await crds.kubectl(*get, "-o", "wide", definition.short)
    assert all(column.name.upper() in wide for column in definition.columns)


async def test_category_and_explain(crds: ControlPlane, namespace: str, tmp_path: Path) -> None:
    """`kubectl get navixy` lists every kind, `kubectl explain` tells a field's description."""
    for kind in Kind:
        created(crds, namespace, kind, "listed", MINIMAL[kind])
    cache = f"--cache-dir={tmp_path}"
    listed = (await crds.kubectl("get", cache, "-n", namespace, "navixy", "-o", "name")).split()
    assert sorted(listed) == sorted(f"{kind.lower()}.{GROUP}/listed" for kind in Kind)
    told = await explained(crds, cache, "navixysync.spec.guards.minCloses")
    assert "Number of closes that are always allowed." in " ".join(told.split())


async def explained(crds: ControlPlane, cache: str, field: str) -> str:
    """`kubectl explain`, once the API server has the CRDs in its OpenAPI document, which follows a little later."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await crds.kubectl("explain", cache, field)
            except CommandError as error:
                if "couldn't find resource" not in str(error):
                    raise
                await asyncio.sleep(0.2)
