"""The count of customers: the same as counted from nothing, whatever changed between, and only for what changed."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navixy_operator.adapters.metrics import census as module
from navixy_operator.adapters.metrics.census import PIECE, Census
from navixy_operator.core.measures import Sample
from navixy_operator.core.vocabulary import Kind
from navixy_operator.ports import Resource
from support.builders import resource

SYNCS = [("default", "main"), ("default", "other"), ("else", "main")]
statuses: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {"conditions": st.lists(st.sampled_from([
            {"type": "Ready", "status": "True", "reason": "Connected"},
            {"type": "Ready", "status": "False", "reason": "MassClose"},
            {"type": "Eligible", "status": "True", "reason": "Eligible"},
            {"type": "Eligible", "status": "False", "reason": "NoGateways"},
            {"type": "Pinned", "status": "True", "reason": "Pinned"},
            {"type": "Stalled", "status": "True", "reason": "HashRejected"},
        ]), max_size=3, unique_by=lambda entry: entry["type"])},
        optional={
            "connection": st.sampled_from([{}, {"state": "connected"}, {"state": "failed"}]),
            "pin": st.sampled_from([None, {"mode": "hold"}, {"mode": "connect"}]),
        },
    ),
)  # fmt: skip


def customer(name: str, status: dict[str, Any], place: tuple[str, str] = SYNCS[0], **more: Any) -> Resource:
    """One customer of a NavixySync."""
    return resource(
        Kind.CUSTOMER,
        name,
        namespace=place[0],
        spec={"sync": place[1]},
        status=status,
        uid=f"{place[0]}-{name}",
        **more,
    )


def counted(census: Census, customers: Sequence[Resource]) -> list[list[Sample]]:
    """All that the census shows once it is up to date."""
    for _ in census.update(customers):
        pass
    return [list(census.samples(sync)) for sync in SYNCS]


worlds = st.dictionaries(
    st.sampled_from("abcdefgh"), st.builds(lambda status, place: (status, place), statuses, st.sampled_from(SYNCS))
)


@settings(max_examples=50)
@given(st.lists(worlds, min_size=1, max_size=4))
def test_it_is_the_same_as_counted_from_nothing(days: list[dict[str, tuple[dict[str, Any], tuple[str, str]]]]) -> None:
    """Customers come, change, move to another NavixySync and go; some objects stay the very same."""
    census, before = Census(), dict[str, Resource]()
    for day in days:
        made = {name: customer(name, status, place) for name, (status, place) in day.items()}
        # equal ones are kept as the same object, as a mirror does
        before = {name: before[name] if before.get(name) == item else item for name, item in made.items()}
        customers = list(before.values())
        assert counted(census, customers) == counted(anew := Census(), customers)
        assert census._shared.keys() == anew._shared.keys(), "what nobody is any more is not kept"
        assert [census.held(sync) for sync in SYNCS] == [
            sum({"type": "Ready", "status": "False", "reason": "MassClose"} in item.status.get("conditions", ())
                and (item.namespace, item.spec["sync"]) == sync for item in customers)
            for sync in SYNCS
        ]  # fmt: skip
    assert counted(census, []) == counted(Census(), [])
    assert (census._counted, census._counts) == ({}, {}), "nothing is kept of who is gone"


def test_only_what_changed_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two thousand, one changed object is one look."""
    ready = {"conditions": [{"type": "Ready", "status": "True", "reason": "Connected"}]}
    customers = [customer(f"c-{number}", ready) for number in range(2_000)]
    census, looks = Census(), 0
    counted(census, customers)
    look = module._traits

    def counting(status: Any) -> Any:
        nonlocal looks
        looks += 1
        return look(status)

    monkeypatch.setattr(module, "_traits", counting)
    counted(census, customers)
    assert looks == 0
    customers[7] = customer("c-7", {})
    found = counted(census, customers)[0]
    assert looks == 1
    ready_ones = {sample.labels[1:]: sample.value for sample in found if sample.labels[0] == "Ready"}
    assert ready_ones == {("True", "Connected"): 1999, ("Unknown", "NotYetJudged"): 1}


def test_it_pauses_between_pieces() -> None:
    """So that the event loop is not held for all of them at once."""
    customers = [customer(f"c-{number}", {}) for number in range(3 * PIECE + 1)]
    census = Census()
    assert len(list(census.update(customers))) == 3
    assert list(census.update(customers)) == [], "there is nothing to do"


def test_nothing_is_shown_before_all_are_counted() -> None:
    """A count that has only begun would be wrong, and so would a 0."""
    customers = [customer(f"c-{number}", {}) for number in range(PIECE + 1)]
    census = Census()
    counting = census.update(customers)
    next(counting)
    assert (list(census.samples(SYNCS[0])), census.held(SYNCS[0])) == ([], None)
    assert list(counting) == []
    assert sum(s.value for s in census.samples(SYNCS[0]) if s.labels[0] == "Ready") == PIECE + 1
    assert census.held(SYNCS[0]) == 0
