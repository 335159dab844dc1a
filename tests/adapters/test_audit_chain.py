"""Tampering with the stored audit trail, by somebody with a shell for its database, shows in a verification."""

from datetime import timedelta
from typing import Final

import pytest

from navixy_operator.core.auditcheck import FlawKind, Verdict
from navixy_operator.ports import AuditQuery
from support.audit_database import LATER, TrailCase, cycle
from support.builders import NOW

HONEST: Final = "honest"
VICTIM: Final = "victim"
EVENT: Final = "UPDATE audit_events SET {} WHERE run = (SELECT id FROM audit_runs WHERE name = 'victim') AND {}"


async def told(trail: TrailCase) -> dict[str, Verdict]:
    """Two cycles stored, their database queries purged."""
    await trail.stored(cycle(VICTIM, customers=5), cycle(HONEST))
    assert await trail.store.purge(NOW + timedelta(days=1), 10) == 2
    verdicts = await by_name(trail)
    assert all(verdict.sound and verdict.finished and verdict.purged == 1 for verdict in verdicts.values())
    return verdicts


async def by_name(trail: TrailCase) -> dict[str, Verdict]:
    """The verdicts on all runs; that on the honest one never changes."""
    verdicts = {verdict.run.name: verdict for verdict in await trail.verdicts()}
    assert verdicts[HONEST].sound
    return verdicts


UPDATES: Final = {
    "at": ("at = (SELECT MIN(at) FROM audit_events)", "seq = 4", 4, 4),
    "status": ("status = 'Failed'", "seq = 4", 4, 4),
    "customer": ("customer = 'c-9'", "seq = 4", 4, 4),
    "customer taken out": ("customer = NULL", "seq = 4", 4, 4),
    "customer put in the whole": ("customer_whole = 'c-9', customer = 'c-9…'", "seq = 4", 4, 4),
    "details": ("details = '{}'", "seq = 0", 0, 0),
    "details of all": ("details = '{}'", "seq >= 0", 0, 7),
    "digest": ("digest = replace(digest, substr(digest, 1, 1), 'x')", "seq = 4", 4, 5),
    "series": ("series = (SELECT id FROM audit_series WHERE event = 'SynchronizationStarted')", "seq = 4", 4, 4),
    "place": ("seq = 100", "seq = 4", None, None),
}


@pytest.mark.parametrize("update", UPDATES.values(), ids=UPDATES)
async def test_updated_row_shows(trail: TrailCase, update: tuple[str, str, int | None, int | None]) -> None:
    """Whichever column it was."""
    await told(trail)
    setting, where, first, last = update
    trail.execute(EVENT.format(setting, where))
    flaws = (await by_name(trail))[VICTIM].flaws
    if first is None:
        assert [(flaw.kind, flaw.first, flaw.last) for flaw in flaws] == [
            (FlawKind.MISSING, 4, 4),
            (FlawKind.MISSING, 8, 99),
        ]
    else:
        # the purged one between them keeps its digest: two neighbours of it are not one flaw
        assert (flaws[0].first, flaws[-1].last) == (first, last)
        assert {flaw.kind for flaw in flaws} == {FlawKind.CHANGED}


@pytest.mark.parametrize(
    ("where", "first", "last"),
    [("seq = 3", 3, 3), ("seq = 0", 0, 0), ("seq BETWEEN 3 AND 5", 3, 5), ("seq >= 0", 0, 0)],
    ids=["one", "the first", "truncated in the middle", "all that is not purged"],
)
async def test_deleted_rows_show(trail: TrailCase, where: str, first: int, last: int) -> None:
    """A gap is told with its borders."""
    await told(trail)
    trail.execute(f"DELETE FROM audit_events WHERE run = (SELECT id FROM audit_runs WHERE name = 'victim') AND {where}")
    (flaw,) = (await by_name(trail))[VICTIM].flaws
    assert (flaw.kind, flaw.first, flaw.last) == (FlawKind.MISSING, first, last)


async def test_run_whose_entries_are_all_gone_shows(trail: TrailCase) -> None:
    """Its row in audit_runs is left."""
    await told(trail)
    for table in ("audit_events", "audit_purged"):
        trail.execute(f"DELETE FROM {table} WHERE run = (SELECT id FROM audit_runs WHERE name = 'victim')")
    verdict = (await by_name(trail))[VICTIM]
    assert (verdict.sound, verdict.entries, verdict.head) == (False, 0, None)


async def test_end_that_was_cut_off_shows_in_the_last_digest(trail: TrailCase) -> None:
    """It is unfinished, and its head is not the one that the SyncCycle has."""
    before = (await told(trail))[VICTIM]
    trail.execute("DELETE FROM audit_events WHERE run = (SELECT id FROM audit_runs WHERE name = 'victim') AND seq = 7")
    after = (await by_name(trail))[VICTIM]
    assert (after.sound, after.finished, after.head == before.head) == (True, False, False)


async def test_swapped_rows_show(trail: TrailCase) -> None:
    """Two entries in each other's place."""
    await told(trail)
    trail.execute(*(EVENT.format(f"seq = {to}", f"seq = {of}") for of, to in ((3, 99), (4, 3), (99, 4))))
    (flaw,) = (await by_name(trail))[VICTIM].flaws
    assert (flaw.kind, flaw.first, flaw.last) == (FlawKind.CHANGED, 3, 5)


TOMBSTONES: Final = {
    "at": ("at = (SELECT MIN(at) FROM audit_events)", FlawKind.CHANGED),
    "event": ("event = 'AuditEventsPurged'", FlawKind.NOT_TO_BE_PURGED),
    "content": ("content = digest", FlawKind.CHANGED),
    "digest": ("digest = content", FlawKind.CHANGED),
    "place": ("seq = 50", FlawKind.MISSING),
}


@pytest.mark.parametrize(("setting", "kind"), TOMBSTONES.values(), ids=TOMBSTONES)
async def test_changed_tombstone_shows(trail: TrailCase, setting: str, kind: FlawKind) -> None:
    """What is left of a purged entry is under the chain, too."""
    await told(trail)
    trail.execute(f"UPDATE audit_purged SET {setting} WHERE run = (SELECT id FROM audit_runs WHERE name = 'victim')")
    flaws = (await by_name(trail))[VICTIM].flaws
    assert flaws
    assert kind in {flaw.kind for flaw in flaws}


async def test_deleted_tombstone_shows(trail: TrailCase) -> None:
    """A purged entry is not a missing one."""
    await told(trail)
    trail.execute("DELETE FROM audit_purged WHERE run = (SELECT id FROM audit_runs WHERE name = 'victim')")
    (flaw,) = (await by_name(trail))[VICTIM].flaws
    assert (flaw.kind, flaw.first, flaw.last) == (FlawKind.MISSING, 1, 1)


async def test_entry_hidden_as_purged_shows(trail: TrailCase) -> None:
    """Somebody replaces what is kept for ever by a tombstone, digests and all."""
    await told(trail)
    place = "run = (SELECT id FROM audit_runs WHERE name = 'victim') AND seq = 4"
    trail.execute(
        "INSERT INTO audit_purged (run, seq, at, event, content, digest) "
        f"SELECT run, seq, at, 'CustomerDatabaseQueried', digest, digest FROM audit_events WHERE {place}",
        f"DELETE FROM audit_events WHERE {place}",
    )
    assert not (await by_name(trail))[VICTIM].sound


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_runs SET name = 'renamed', kind = 'drift' WHERE name = 'victim'",
        "UPDATE audit_runs SET run_id = '00000000000000000000000000000000' WHERE name = 'victim'",
        "UPDATE audit_runs SET kind = 'unheard of' WHERE name = 'victim'",
    ],
    ids=["name", "id", "kind"],
)
async def test_changed_run_shows(trail: TrailCase, statement: str) -> None:
    """All its entries are over it."""
    await told(trail)
    trail.execute(statement)
    (verdict,) = [verdict for verdict in await trail.verdicts() if verdict.run.name != HONEST]
    assert [(flaw.kind, flaw.first, flaw.last) for flaw in verdict.flaws] == [
        (FlawKind.CHANGED, 0, 0),
        (FlawKind.CHANGED, 2, 7),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_series SET origin = 'manual' WHERE event = 'ConnectionEstablished'",
        "UPDATE audit_series SET discrepancy = 'HashChanged' WHERE event = 'ConnectionEstablished'",
        "UPDATE audit_series SET event = 'ConnectionClosed' WHERE event = 'ConnectionEstablished'",
        "UPDATE audit_scopes SET sync = 'other'",
    ],
    ids=["origin", "discrepancy", "event", "sync"],
)
async def test_changed_names_show(trail: TrailCase, statement: str) -> None:
    """What many entries share is under the digest of each."""
    await told(trail)
    trail.execute(statement)
    assert not any(verdict.sound for verdict in await trail.verdicts())


async def test_purging_within_the_year_shows(trail: TrailCase) -> None:
    """By the moment of the verification."""
    await told(trail)
    early = await trail.verdicts(now=NOW + timedelta(days=364))
    assert {flaw.kind for verdict in early for flaw in verdict.flaws} == {FlawKind.PURGED_EARLY}
    assert all(verdict.sound for verdict in await trail.verdicts(now=LATER))


async def test_large_runs_are_verified_in_parts(trail: TrailCase) -> None:
    """A change deep within one is found, and its neighbours are not blamed."""
    await trail.stored(cycle(VICTIM, customers=3_100), cycle(HONEST))
    assert await trail.store.purge(NOW + timedelta(days=1), 10) == 2
    assert all(verdict.sound for verdict in await trail.verdicts(AuditQuery("default", sync="main")))
    trail.execute(EVENT.format("details = '{}'", "seq IN (999, 1000, 2500)"))
    flaws = (await by_name(trail))[VICTIM].flaws
    assert [(flaw.kind, flaw.first, flaw.last) for flaw in flaws] == [
        (FlawKind.CHANGED, 999, 1000),
        (FlawKind.CHANGED, 2500, 2500),
    ]
