"""What a verification of the audit trail's chains finds: the table of core/auditcheck.py, row by row."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navixy_operator.core.audit import GENESIS, KEPT, Entry, Link, content_of, link, purged
from navixy_operator.core.auditcheck import MAX_FLAWS, Examination, Flaw, FlawKind, Verdict
from navixy_operator.core.vocabulary import EventName, RunKind
from support.audit_database import LATER, cycle
from support.builders import NOW
from support.strategies import quick

CHAIN = cycle(customers=4)  # started, queried, four established, completed
QUERIED = 1


def examined(links: Sequence[Link], **how: object) -> Verdict:
    """The verdict on these links of the one run."""
    examination = Examination(CHAIN[0].run, how.get("now", LATER))  # type: ignore[arg-type]
    examination.take(links)
    return examination.verdict()


def with_one(place: int, one: Link) -> list[Link]:
    """The chain with another link in this place."""
    return [*CHAIN[:place], one, *CHAIN[place + 1 :]]


def refitted(place: int, **fields: object) -> list[Link]:
    """The chain with one entry changed and its digest made to fit what is before it."""
    changed = replace(CHAIN[place], **fields)  # type: ignore[arg-type]
    before = CHAIN[place - 1].digest if place else GENESIS
    digest = link(before, changed.seq, changed.at, changed.event, content_of(changed))
    return with_one(place, replace(changed, digest=digest))


def test_chain_as_it_was_written_is_sound() -> None:
    """Nothing is found; the head is that of the last entry."""
    verdict = examined(CHAIN)
    assert verdict == Verdict(CHAIN[0].run, 7, 0, (), 0, finished=True, head=CHAIN[-1].digest)
    assert verdict.sound


def test_purged_entries_leave_the_chain_sound() -> None:
    """A database query older than a year may be a digest alone."""
    verdict = examined(with_one(QUERIED, purged(CHAIN[QUERIED])))
    assert (verdict.sound, verdict.entries, verdict.purged, verdict.head) == (True, 6, 1, CHAIN[-1].digest)


CHANGES: dict[str, Callable[[Entry], Entry]] = {
    "at": lambda entry: replace(entry, at=entry.at + timedelta(microseconds=1)),
    "event": lambda entry: replace(entry, event="ConnectionClosed"),
    "status": lambda entry: replace(entry, status="Failed"),
    "customer": lambda entry: replace(entry, customer="other"),
    "no customer": lambda entry: replace(entry, customer=None),
    "discrepancy": lambda entry: replace(entry, discrepancy=None),
    "origin": lambda entry: replace(entry, origin="manual"),
    "details": lambda entry: replace(entry, details="{}"),
    "digest": lambda entry: replace(entry, digest="0" * 64),
    "run's name": lambda entry: replace(entry, run=replace(entry.run, name="other")),
    "run's kind": lambda entry: replace(entry, run=replace(entry.run, kind=RunKind.DRY_RUN)),
    "run's sync": lambda entry: replace(entry, run=replace(entry.run, sync="other")),
    "run's namespace": lambda entry: replace(entry, run=replace(entry.run, namespace="other")),
    "run": lambda entry: replace(entry, run=replace(entry.run, id="0" * 32)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("place", [0, 3, 6])
def test_changed_entry_is_found(change: Callable[[Entry], Entry], place: int) -> None:
    """Whatever of it was changed."""
    found = change(CHAIN[place])
    if found == CHAIN[place]:
        found = replace(found, discrepancy="HashChanged")
    flaws = examined(with_one(place, found)).flaws
    assert flaws[0] == Flaw(FlawKind.CHANGED, place, flaws[0].last)


def test_entry_with_a_digest_made_to_fit_is_found_by_the_next() -> None:
    """The one after it does not fit any more, whichever was changed."""
    assert examined(refitted(3, customer="other")).flaws == (Flaw(FlawKind.CHANGED, 4, 4),)


def test_last_entry_with_a_digest_made_to_fit_has_another_head() -> None:
    """Nothing comes after it that could tell; the SyncCycle has the digest that it was."""
    verdict = examined(refitted(6, status="Failed"))
    assert verdict.sound
    assert verdict.head != CHAIN[-1].digest


@pytest.mark.parametrize(
    ("kept", "flaws"),
    [
        ([0, 1, 2, 4, 5, 6], (Flaw(FlawKind.MISSING, 3, 3),)),
        ([0, 1, 5, 6], (Flaw(FlawKind.MISSING, 2, 4),)),
        ([1, 2, 3, 4, 5, 6], (Flaw(FlawKind.MISSING, 0, 0),)),
        ([0, 2, 4, 5, 6], (Flaw(FlawKind.MISSING, 1, 1), Flaw(FlawKind.MISSING, 3, 3))),
        ([], (Flaw(FlawKind.MISSING, 0, 0),)),
        ([0, 1, 3, 2, 4, 5, 6], (Flaw(FlawKind.MISSING, 2, 2), Flaw(FlawKind.OUT_OF_ORDER, 2, 2))),
        ([0, 1, 1, 2, 3, 4, 5, 6], (Flaw(FlawKind.OUT_OF_ORDER, 1, 1),)),
    ],
    ids=["one", "several in the middle", "the first", "two", "all", "order", "twice"],
)
def test_missing_and_misplaced_entries_are_found(kept: list[int], flaws: tuple[Flaw, ...]) -> None:
    """Each gap is told once, and what follows it is not blamed."""
    assert examined([CHAIN[place] for place in kept]).flaws == flaws


def test_two_entries_that_changed_places_are_found() -> None:
    """Their numbers were swapped, so that no gap shows."""
    swapped = [*CHAIN[:3], replace(CHAIN[4], seq=3), replace(CHAIN[3], seq=4), *CHAIN[5:]]
    assert examined(swapped).flaws == (Flaw(FlawKind.CHANGED, 3, 5),)


@pytest.mark.parametrize("field", ["at", "event", "content", "digest"])
def test_changed_tombstone_is_found(field: str) -> None:
    """What is left of a purged entry is under the chain, too."""
    left = purged(CHAIN[QUERIED])
    other = {"at": left.at - timedelta(days=1), "event": "AuditEventsPurged", "content": "0" * 64, "digest": "0" * 64}
    flaws = examined(with_one(QUERIED, replace(left, **{field: other[field]}))).flaws  # type: ignore[arg-type]
    assert Flaw(FlawKind.CHANGED, 1, 1) in flaws or Flaw(FlawKind.CHANGED, 1, 2) in flaws


def test_entry_that_is_kept_for_ever_may_not_be_purged() -> None:
    """Though its digest is there."""
    assert examined(with_one(3, purged(CHAIN[3]))).flaws == (Flaw(FlawKind.NOT_TO_BE_PURGED, 3, 3),)


@pytest.mark.parametrize(("age", "early"), [(KEPT, False), (KEPT - timedelta(microseconds=1), True)])
def test_entry_may_be_purged_after_a_year(age: timedelta, early: bool) -> None:  # noqa: FBT001 - a table's column
    """Not sooner."""
    now = CHAIN[QUERIED].at + age
    flaws = examined(with_one(QUERIED, purged(CHAIN[QUERIED])), now=now).flaws
    assert flaws == ((Flaw(FlawKind.PURGED_EARLY, 1, 1),) if early else ())


@pytest.mark.parametrize(
    ("kind", "finished"),
    [(kind, kind not in {RunKind.CYCLE, RunKind.DRY_RUN}) for kind in RunKind],
    ids=list(RunKind),
)
def test_cycle_without_an_end_is_unfinished(kind: RunKind, finished: bool) -> None:  # noqa: FBT001 - a table's column
    """That is no flaw: it may be running; passes have no word for their end."""
    entries = cycle(kind=kind)[:-1]
    examination = Examination(entries[0].run, NOW)
    examination.take(entries)
    verdict = examination.verdict()
    assert (verdict.sound, verdict.finished, verdict.head) == (True, finished, entries[-1].digest)


def test_flaws_are_told_in_words_and_not_without_end() -> None:
    """Neighbours are one flaw; beyond a hundred they are counted."""
    entries = [replace(entry, details="!") for entry in cycle(customers=9)]
    examination = Examination(entries[0].run, LATER)
    examination.take(entries)
    (flaw,) = examination.verdict().flaws
    assert str(flaw) == f"entries 0 to 11 are {FlawKind.CHANGED}"
    assert str(Flaw(FlawKind.MISSING, 3, 3)) == "entry 3 is missing"
    examination = Examination(entries[0].run, LATER)
    examination.take(entry for entry in cycle(customers=2 * MAX_FLAWS + 20) if entry.seq % 2)
    verdict = examination.verdict()
    assert (len(verdict.flaws), verdict.omitted) == (MAX_FLAWS, 11)


@quick
@given(cuts=st.sets(st.integers(1, 6)), gone=st.booleans())
def test_stretches_do_not_matter(cuts: set[int], gone: bool) -> None:  # noqa: FBT001 - drawn
    """However the links come, the verdict is the same."""
    links: list[Link] = with_one(QUERIED, purged(CHAIN[QUERIED])) if gone else list(CHAIN)
    examination = Examination(CHAIN[0].run, LATER)
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), 7], strict=True):
        examination.take(links[begin:end])
    assert examination.verdict() == examined(links)


def test_completed_is_a_cycles_last_word_though_more_may_follow() -> None:
    """What is told after it belongs to the run as well."""
    assert [entry.event for entry in CHAIN].count(EventName.SYNCHRONIZATION_COMPLETED) == 1
    assert not examined(CHAIN[:-1]).finished
