"""Questions to the audit trail, alone and combined, against looking at every entry; and page after page of them."""

import base64
import itertools
import random
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any, Final

import pytest

from navixy_operator.adapters.audit import SqlAuditStore, cursor, paging
from navixy_operator.adapters.audit.cursor import Position
from navixy_operator.core.vocabulary import Discrepancy, EventName, Origin
from navixy_operator.errors import InvalidSpec
from navixy_operator.ports import AuditQuery
from support.audit_database import TrailCase, cycle, found_by, mixture
from support.builders import NOW

RUNS: Final = mixture(300)
MIDDLE: Final = RUNS[len(RUNS) // 2][0].at
FILTERS: Final[dict[str, tuple[Any, ...]]] = {
    "sync": ("main",),
    "cycle": ("daily", "drift-2", "never"),
    "customer": ("c-3", "nobody"),
    "event": (EventName.CONNECTION_ESTABLISHED, EventName.CONNECTION_CLOSED, EventName.PIN_EXPIRED),
    "discrepancy": (Discrepancy.MISSING, Discrepancy.EXTRA, Discrepancy.PINNED),
    "origin": (Origin.MANUAL, Origin.AUTOMATIC),
    "since": (MIDDLE,),
    "until": (MIDDLE + timedelta(microseconds=1),),
}


def alone() -> Iterator[dict[str, Any]]:
    """Every filter with each of its values, and none."""
    yield {}
    for name, values in FILTERS.items():
        yield from ({name: value} for value in values)


def combined() -> Iterator[dict[str, Any]]:
    """Every pair and triple of filters, each with values drawn for it, and all of them together."""
    draw = random.Random(4)  # noqa: S311 - no secret
    for size in (2, 3, len(FILTERS)):
        for names in itertools.combinations(FILTERS, size):
            yield {name: draw.choice(FILTERS[name]) for name in names}


@pytest.fixture
async def filled(trail: TrailCase) -> TrailCase:
    """A trail of the mixture."""
    await trail.store.append([entry for run in RUNS for entry in run])
    return trail


def test_the_mixture_has_all_that_matters() -> None:
    """Ties, cycles of one name, pairs that never occur: otherwise the questions below would ask for nothing."""
    entries = [entry for run in RUNS for entry in run]
    assert len({entry.at for entry in entries}) < 0.7 * len(entries)
    assert sum(run[0].run.name == "daily" for run in RUNS) > 3
    asked = [found_by(AuditQuery("default", **fields), RUNS) for fields in itertools.chain(alone(), combined())]
    assert sum(bool(found) for found in asked) > len(asked) / 3
    assert not found_by(AuditQuery("default", event="ConnectionClosed", discrepancy="MissingConnection"), RUNS)


async def test_every_filter_alone(filled: TrailCase) -> None:
    """All entries for which it holds, no others, in both orders."""
    for fields, oldest in itertools.product(alone(), (False, True)):
        query = AuditQuery("default", **fields, oldest_first=oldest, limit=1000)
        page = await filled.store.page(query)
        assert (list(page.entries), page.next) == (found_by(query, RUNS), None), fields


async def test_every_combination_of_filters(filled: TrailCase) -> None:
    """All entries for which all of it holds, page by page, in both orders."""
    for number, fields in enumerate(combined()):
        query = AuditQuery("default", **fields, oldest_first=number % 2 == 1, limit=7)
        assert await filled.everything(query) == found_by(query, RUNS), fields


@pytest.mark.parametrize(
    "fields", [{}, {"cycle": "daily"}, {"customer": "c-3"}, {"event": "ConnectionClosed"}], ids=str
)
@pytest.mark.parametrize("oldest", [False, True], ids=["newest", "oldest"])
async def test_pages_of_any_size_have_no_gap_and_no_double(
    filled: TrailCase, fields: dict[str, Any], *, oldest: bool
) -> None:
    """Though many entries are of one moment."""
    for limit in (1, 2, 17) if fields else (13, 10_000):
        query = AuditQuery("default", **fields, oldest_first=oldest, limit=limit)
        assert await filled.everything(query) == found_by(query, RUNS)


async def test_more_series_than_one_statement_takes(filled: TrailCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """What several statements give is one page."""
    monkeypatch.setattr(paging, "SERIES_AT_ONCE", 3)
    for fields in ({}, {"customer": "c-3"}, {"since": MIDDLE}):
        for oldest in (False, True):
            query = AuditQuery("default", **fields, limit=11, oldest_first=oldest)
            assert await filled.everything(query) == found_by(query, RUNS)


@pytest.mark.parametrize("fields", [{}, {"cycle": "first"}, {"event": "ConnectionEstablished"}], ids=str)
async def test_newest_first_is_not_disturbed_by_what_arrives(trail: TrailCase, fields: dict[str, Any]) -> None:
    """While somebody reads, new entries come before what was read: no gap and no double in what was there."""
    entries = await trail.stored(cycle(customers=9))
    query = AuditQuery("default", **fields, limit=2)
    expected = found_by(query, [entries])
    found: list[Any] = []
    for number in range(len(expected)):
        page = await trail.store.page(query)
        found += page.entries
        await trail.store.append(cycle(f"new-{number}", at=NOW + timedelta(days=1 + number)))
        if page.next is None:
            break
        query = replace(query, after=page.next)
    assert found == expected


async def test_oldest_first_goes_on_with_what_arrives(trail: TrailCase) -> None:
    """Who follows the trail sees all of it, each entry once."""
    runs = [cycle(f"c-{day}", at=NOW + timedelta(days=day)) for day in range(4)]
    await trail.store.append(runs[0])
    query = AuditQuery("default", oldest_first=True, limit=4)
    found: list[Any] = []
    for run in [*runs[1:], []]:
        while (page := await trail.store.page(query)).next is not None:
            found += page.entries
            query = replace(query, after=page.next)
        await trail.store.append(run)
    found += (await trail.store.page(query)).entries
    assert found == [entry for run in runs for entry in run]


async def test_moment_of_the_page_before_may_lie_outside(filled: TrailCase) -> None:
    """A cursor with other bounds than those of its page: what lies within both is given."""
    for oldest in (False, True):
        first = await filled.store.page(AuditQuery("default", oldest_first=oldest, limit=50))
        later = first.entries[-1]
        for shift in (timedelta(days=-1), timedelta(0), timedelta(days=1)):
            moment = later.at + shift
            bound = {"since": moment} if oldest else {"until": moment}
            query = AuditQuery("default", **bound, oldest_first=oldest, limit=1000)  # type: ignore[arg-type]
            rest = found_by(AuditQuery("default", oldest_first=oldest), RUNS)[50:]
            fits = found_by(query, RUNS)
            page = await filled.store.page(replace(query, after=first.next))
            assert list(page.entries) == [entry for entry in rest if entry in fits]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "100",
        "ж",
        "\ud83d",
        "A" * 1000,
        *(base64.urlsafe_b64encode(told).decode().rstrip("=") for told in (b"1.2", b"1.2.x", b"1.2.-3", b"1.2.3.4")),
        base64.urlsafe_b64encode(b"1.99999999999.3").decode().rstrip("="),
        base64.urlsafe_b64encode(b"1.3.4294967296").decode().rstrip("="),
        base64.urlsafe_b64encode(b"999999999999999999.1.1").decode().rstrip("="),
    ],
    ids=ascii,
)
async def test_bad_cursor_is_told(text: str) -> None:
    """Before any database is asked; what is said does not quote it."""
    with pytest.raises(InvalidSpec, match="give what came with the page before"):
        await SqlAuditStore("postgresql://nobody@127.0.0.1:1/none").page(AuditQuery("default", after=text))


def test_cursor_is_the_position_and_nothing_else() -> None:
    """Written and read again, also before 1970 and far from now."""
    for at in (NOW, NOW.replace(year=1), NOW.replace(year=9999)):
        position = Position(at, 2**31 - 1, 0)
        assert cursor.read(cursor.write(position)) == position


@pytest.mark.parametrize(
    "fields",
    [
        {"limit": 0},
        {"limit": -1},
        {"limit": 10_001},
        {"since": NOW.replace(tzinfo=None)},
        {"until": NOW.replace(tzinfo=None)},
    ],
    ids=str,
)
async def test_question_that_cannot_be_answered_is_told(fields: dict[str, Any]) -> None:
    """Before any database is asked."""
    with pytest.raises(InvalidSpec):
        await SqlAuditStore("postgresql://nobody@127.0.0.1:1/none").page(AuditQuery("default", **fields))


def test_every_field_of_a_query_is_asked_here() -> None:
    """A new one needs its cases above."""
    how = {"namespace", "oldest_first", "limit", "after"}
    assert set(FILTERS) == set(asdict(AuditQuery("default"))) - how
