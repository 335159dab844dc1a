"""The contract of the audit trail's database, the same on SQLite and PostgreSQL: what is stored, and what it gives."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from navixy_operator.adapters.audit import SqlAuditStore
from navixy_operator.adapters.audit.schema import Exact, escaped
from navixy_operator.core.audit import Entry
from navixy_operator.core.vocabulary import RunKind
from navixy_operator.ports import AuditQuery
from support.audit_database import TrailCase, cycle, mixture, parts, run_named
from support.builders import NOW
from support.strategies import quick


async def test_entries_come_back_as_they_were(trail: TrailCase) -> None:
    """Every field, of every run, whatever the order and size of the batches."""
    runs = [run for run in mixture(300) if run]
    await trail.stored(*(list(part) for run in runs for part in parts(run, 7)))
    for run in runs:
        assert await trail.store.run(run[0].run.id) == run


async def test_append_twice_is_once(trail: TrailCase) -> None:
    """A batch whose end is not known may be repeated, also a part of it together with new entries."""
    first, second = cycle("first"), cycle("second")
    await trail.stored(first, first, [*first[2:], *second], second[:3])
    assert await trail.store.run(first[0].run.id) == first
    assert await trail.store.run(second[0].run.id) == second
    assert len(await trail.everything(AuditQuery("default"))) == len(first) + len(second)


async def test_what_is_there_stays_as_it_was(trail: TrailCase) -> None:
    """An entry with the run and place of another one does not take its place."""
    entries = await trail.stored(cycle())
    await trail.store.append([replace(entries[3], details='{"changed": true}', customer="other")])
    assert await trail.store.run(entries[0].run.id) == entries


async def test_append_of_nothing_asks_nobody() -> None:
    """It needs no database."""
    await SqlAuditStore("postgresql://nobody@127.0.0.1:1/none").append([])


async def test_run_that_is_not_there_has_no_entries(trail: TrailCase) -> None:
    """No error: nothing was told of it."""
    assert await trail.store.run("0" * 32) == []


async def test_scopes_in_order(trail: TrailCase) -> None:
    """Each namespace and NavixySync once."""
    assert await trail.store.scopes() == []
    for name, place in enumerate([("b", "y"), ("a", "z"), ("b", "x"), ("b", "y")]):
        await trail.store.append(cycle(str(name), namespace=place[0], sync=place[1]))
    assert await trail.store.scopes() == [("a", "z"), ("b", "x"), ("b", "y")]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ж-Ключ/№1",
        "日本-🚚",
        "' OR 1=1 --",
        "%s :x ? {}",
        "nul\x00, sub\x1a0041 and half \ud83d",
        "x" * 1024,
        "🚚" * 1024,
        "\n\t\\",
    ],
    ids=["empty", "cyrillic", "kanji", "quotes", "marks", "unstorable", "long", "long of four bytes", "blanks"],
)
async def test_any_text_is_kept(trail: TrailCase, text: str) -> None:
    """A customer's reference and the details are what they were, and the reference can be asked for."""
    entries = cycle()
    entries[3] = replace(entries[3], customer=text, details=text)
    await trail.store.append(entries)
    assert await trail.store.run(entries[0].run.id) == entries
    for query in (AuditQuery("default", customer=text), AuditQuery("default", cycle="first", customer=text)):
        assert (await trail.store.page(query)).entries == (entries[3],)


async def test_long_references_are_told_apart(trail: TrailCase) -> None:
    """They begin the same, and end not."""
    entries = cycle()
    long = [replace(entry, customer="x" * 900 + str(entry.seq)) for entry in entries]
    await trail.store.append(long)
    assert (await trail.store.page(AuditQuery("default", customer="x" * 900 + "3"))).entries == (long[3],)


async def test_details_of_a_large_cycle_are_kept(trail: TrailCase) -> None:
    """A list of 100,000 references in one entry."""
    entries = cycle()
    entries[1] = replace(entries[1], details="[" + ",".join(f'"CUST-{n:06}"' for n in range(100_000)) + "]")
    await trail.store.append(entries)
    assert await trail.store.run(entries[0].run.id) == entries


@pytest.mark.parametrize(
    "at",
    [
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 29, 0, 59, 59, 999_999, tzinfo=UTC),
        datetime(2038, 1, 19, 3, 14, 8, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
    ids=lambda at: str(at.year),
)
async def test_moments_are_kept_to_the_microsecond(trail: TrailCase, at: datetime) -> None:
    """In UTC, whatever the database's own time zone."""
    (entry, *_) = cycle()
    await trail.store.append([replace(entry, at=at)])
    (found,) = await trail.store.run(entry.run.id)
    assert (found.at, found.at.tzinfo) == (at, UTC)


async def test_words_of_a_newer_version_are_kept(trail: TrailCase) -> None:
    """An event, a status, a discrepancy, an origin, a kind of run that this version does not know."""
    kind = str.__new__(RunKind, "rehearsal")
    kind._name_ = kind._value_ = "rehearsal"
    (entry, *_) = cycle(kind=kind)
    words = {"event": "SkyFell", "status": "Odd", "discrepancy": "Fallen", "origin": "heaven"}
    (entry,) = await trail.stored([replace(entry, **words)])  # type: ignore[arg-type]
    (found,) = (await trail.store.page(AuditQuery("default", event="SkyFell", origin="heaven"))).entries
    assert (found, found.run.kind.value) == (entry, "rehearsal")


async def test_batches_of_several_stores_meet(trail: TrailCase) -> None:
    """Two processes that write at once, new scopes and runs and the same entries among them, do no harm."""
    other = SqlAuditStore(trail.case.url)
    runs = [cycle(str(number), namespace=f"n-{number % 3}", customers=8) for number in range(12)]
    batches = [list(part) for run in runs for part in parts(run, 4)]

    async def write(store: SqlAuditStore, order: Sequence[Sequence[Entry]]) -> None:
        for batch in order:
            await store.append(batch)

    await asyncio.gather(write(trail.store, batches), write(other, batches))
    for run in runs:
        assert await other.run(run[0].run.id) == run
    await other.close()


async def test_reads_run_beside_writes(trail: TrailCase) -> None:
    """A transaction that writes for long holds no reader up."""
    await trail.stored(cycle())
    begun, release = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def hold(_connection: object) -> None:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(release.wait(), loop).result(20)

    writing = asyncio.create_task(trail.store._writing().run(hold))
    await begun.wait()
    assert len((await trail.store.page(AuditQuery("default"))).entries) == 6
    release.set()
    await writing


async def test_store_may_be_used_again_after_closing(trail: TrailCase) -> None:
    """Closing lets go of connections, no more; twice is harmless."""
    entries = await trail.stored(cycle())
    await trail.store.close()
    await trail.store.close()
    assert await trail.store.run(entries[0].run.id) == entries


async def test_people_can_read_it_with_a_shell(trail: TrailCase) -> None:
    """The view ``audit_trail`` has every field of an entry under the names of the log."""
    entries = await trail.stored(cycle())
    columns = "event, status, customer, discrepancy, origin, namespace, sync, cycle, kind, run_id, seq, details, digest"
    rows = trail.execute(f"SELECT {columns} FROM audit_trail ORDER BY seq")
    assert rows == [
        (
            *(entry.event, entry.status, entry.customer, entry.discrepancy, entry.origin),
            *("default", "main", "first", "cycle", entry.run.id, entry.seq, entry.details, entry.digest),
        )
        for entry in entries
    ]
    ((at,),) = trail.execute("SELECT MIN(at) FROM audit_trail")
    assert (at if trail.kind == "postgresql" else datetime.fromisoformat(at)) == NOW


@quick
@given(st.text(st.characters()))
def test_any_text_survives_escaping(text: str) -> None:
    """What no database can hold is escaped, and comes back; all else is stored as it is, for people to read."""
    told = escaped(text)
    assert "\x00" not in told
    told.encode()  # no half of a surrogate pair
    assert Exact().process_result_value(told, sqlite.dialect()) == text
    if not set("\x00\x1a") & set(text) and text.isprintable():
        assert told == text


async def test_purge_takes_the_oldest_of_what_may_go(trail: TrailCase) -> None:
    """Database queries from before the moment, no more than are asked for; nothing else."""
    runs = [cycle(f"c-{day}", at=NOW + timedelta(days=day), namespace=f"n-{day % 2}") for day in range(6)]
    await trail.stored(*runs)
    before = NOW + timedelta(days=4, seconds=1)  # the query of day 4 is at that moment
    counts = [
        await trail.store.purge(before, 3),
        await trail.store.purge(before, 3),
        await trail.store.purge(before, 3),
    ]
    assert counts == [3, 1, 0]
    left = [entry for run in runs for entry in await trail.store.run(run[0].run.id)]
    assert Counter(entry.event for run in runs for entry in run) - Counter(entry.event for entry in left) == Counter(
        {"CustomerDatabaseQueried": 4}
    )
    assert {entry.run.name for entry in left if entry.event == "CustomerDatabaseQueried"} == {"c-4", "c-5"}


async def test_purged_entries_do_not_come_back(trail: TrailCase) -> None:
    """Nor does a page show them."""
    (entries,) = [await trail.stored(cycle())]
    assert await trail.store.purge(NOW + timedelta(days=1), 1000) == 1
    kept = [entry for entry in entries if entry.event != "CustomerDatabaseQueried"]
    assert await trail.store.run(entries[0].run.id) == kept
    assert await trail.everything(AuditQuery("default", oldest_first=True)) == kept


async def test_long_runs_come_whole(trail: TrailCase) -> None:
    """More entries than are fetched, or stored, at once."""
    entries = cycle(customers=2_500)
    await trail.store.append(entries)
    assert await trail.store.run(entries[0].run.id) == entries


async def test_chains_come_run_by_run_in_stretches(trail: TrailCase) -> None:
    """Long runs in several, each in order, with what is left of purged entries in its place."""
    runs = [cycle("long", customers=2_300), cycle("short"), cycle("exact", customers=997), cycle("last")]
    await trail.stored(*runs)
    assert await trail.store.purge(NOW + timedelta(days=1), 1000) == 4
    stretches = [stretch async for stretch in trail.store.chains(AuditQuery("default"))]
    names = [stretch.run.name for stretch in stretches]
    assert list(dict.fromkeys(names)) == ["long", "short", "exact", "last"]
    assert [stretch.ends for stretch in stretches] == [
        name != after for name, after in zip_longest(names, islice(names, 1, None))
    ]
    assert all(len(stretch.links) <= 1001 for stretch in stretches)
    for run in runs:
        links = [one for stretch in stretches if stretch.run == run[0].run for one in stretch.links]
        assert [(one.seq, one.at, one.event, one.digest) for one in links] == [
            (one.seq, one.at, one.event, one.digest) for one in run
        ]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (AuditQuery("default"), ["a", "b", "c", "b"]),
        (AuditQuery("default", sync="main"), ["a", "b", "b"]),
        (AuditQuery("default", cycle="b"), ["b", "b"]),
        (AuditQuery("default", since=NOW + timedelta(days=1)), ["b", "c", "b"]),
        (AuditQuery("default", until=NOW + timedelta(days=1)), ["a"]),
        (AuditQuery("default", sync="main", cycle="b", since=NOW + timedelta(days=2)), ["b"]),
        (AuditQuery("nowhere"), []),
    ],
    ids=["all", "sync", "cycle", "since", "until", "together", "none"],
)
async def test_chains_of_some_runs(trail: TrailCase, query: AuditQuery, names: list[str]) -> None:
    """By whose they are, by cycle, by when they began."""
    for day, (name, sync) in enumerate([("a", "main"), ("b", "main"), ("c", "other"), ("b", "main")]):
        run = cycle(name, at=NOW + timedelta(days=day), sync=sync)
        identity = replace(run_named(name, sync=sync), id=f"{day:032x}")
        await trail.store.append([replace(entry, run=identity) for entry in run])
    await trail.store.append(cycle("elsewhere", namespace="elsewhere"))
    assert [stretch.run.name async for stretch in trail.store.chains(query)] == names
