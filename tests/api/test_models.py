"""What the models do with values, beside the contract with the API server."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from api.samples import MAXIMAL_SPEC, MAXIMAL_STATUS
from navixy_operator.api.common import MAX_MESSAGE, MAX_REF, Condition
from navixy_operator.api.cycle import CycleSkip, HeldCloses, SyncCycleStatus, capped
from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.core.vocabulary import Kind, Policy, Reason
from navixy_operator.crds import DEFINITIONS


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda definition: definition.kind)
def test_json_round_trip(definition: object) -> None:
    """What a model writes is what it read."""
    of = next(known for known in DEFINITIONS if known is definition)
    assert of.spec.model_validate(MAXIMAL_SPEC[of.kind]).to_json() == MAXIMAL_SPEC[of.kind]
    assert of.status.model_validate(MAXIMAL_STATUS[of.kind]).to_json() == MAXIMAL_STATUS[of.kind]


def test_models_are_frozen() -> None:
    """A spec cannot change under those who hold it."""
    spec = NavixySyncSpec.model_validate(MAXIMAL_SPEC[Kind.SYNC])
    with pytest.raises(ValidationError, match="frozen"):
        spec.policy = Policy.FULL


def test_times_are_written_in_utc_to_the_second() -> None:
    """Times leave as metav1.Time has them, whatever zone and fraction they came with."""
    moment = datetime(2026, 1, 2, 5, 4, 5, 999_999, tzinfo=timezone(timedelta(hours=2)))
    condition = Condition(type="Ready", status="True", reason="Connected", message="", last_transition_time=moment)
    assert condition.to_json()["lastTransitionTime"] == "2026-01-02T03:04:05Z"
    assert Condition.model_validate(condition.to_json()).last_transition_time == moment.replace(microsecond=0)


def test_a_time_needs_a_zone() -> None:
    """A time without a zone is nobody's time."""
    with pytest.raises(ValidationError):
        SyncCycleStatus(start_time=datetime(2026, 1, 2, tzinfo=UTC).replace(tzinfo=None))


def test_long_texts_are_cut() -> None:
    """A message or reference that is too long for the schema is cut, so that it cannot make a status write fail."""
    skip = CycleSkip(customer_ref="r" * 5000, reason=Reason.INVALID_RECORD, message="m" * 5000)
    assert len(skip.customer_ref or "") == MAX_REF
    assert len(skip.message or "") == MAX_MESSAGE
    assert (skip.message or "").endswith("m…")


@pytest.mark.parametrize(("entries", "omitted"), [(0, 0), (100, 0), (101, 1), (10_000, 9_900)])
def test_lists_are_capped(entries: int, omitted: int) -> None:
    """A list of a status holds the first 100 entries and says how many it leaves out."""
    listed, left_out = capped(range(entries))
    assert (listed, left_out) == (tuple(range(min(entries, 100))), omitted)


def test_nothing_empty_is_written_by_default() -> None:
    """An absent part is left out, never written as null."""
    assert "approvedAt" not in HeldCloses(digest="d", count=0, reason=Reason.EMPTY_DATABASE).to_json()
