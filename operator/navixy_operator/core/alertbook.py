"""The book of a NavixySync's alerts: which have begun and which are over, as its status keeps them (``status.alerts``).

An alert that is over stays in the book, marked, until Alertmanager has been told.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from navixy_operator.core.alerts import Firing, Sighting
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.vocabulary import AlertName, Severity

RIPE: Final = timedelta(seconds=5)
"""What a cycle finds and puts right within so long costs no write: the alert has come and gone by then."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An alert since it began, to the second, as the status keeps it. ``over``: when it ended; None: it lasts."""

    firing: Firing
    since: datetime
    over: datetime | None = None


Book = Mapping[AlertName, Standing]


@dataclass(frozen=True, slots=True)
class Page:
    """The book after a look, and what is new in it."""

    book: Book
    begun: tuple[Standing, ...]
    ended: tuple[Standing, ...]


def turned(book: Book, firings: Iterable[Firing], now: datetime) -> Page:
    """The book with what is active now; what lasts keeps its beginning."""
    found = {firing.name: firing for firing in firings}
    begun = [Standing(firing, _second(now)) for name, firing in found.items() if not _lasts(book, name)]
    ended = [
        replace(one, over=max(now, one.since)) for name, one in book.items() if one.over is None and name not in found
    ]
    kept = {name: replace(one, firing=found.get(name, one.firing)) for name, one in book.items()}
    changed = {one.firing.name: one for one in (*begun, *ended)}
    return Page({name: one for name in AlertName if (one := (kept | changed).get(name))}, tuple(begun), tuple(ended))


def lasting(book: Book) -> frozenset[AlertName]:
    """The alerts that last."""
    return frozenset(name for name in book if _lasts(book, name))


def without_ended(book: Book) -> Book:
    """The book once Alertmanager has been told, or there is none to tell."""
    return {name: one for name, one in book.items() if one.over is None}


def read_book(status: Mapping[str, Any], now: datetime) -> Book:
    """The book as the status kept it; what was over then is over ``now`` to whoever has yet to hear of it.

    The description is the summary until the next look; an alert of another version that is not known is left out.
    """
    entries = (entry for entry in status.get("alerts", ()) if entry["name"] in set(AlertName))
    return {AlertName(entry["name"]): _read(entry, now) for entry in entries}


def written(book: Book) -> list[dict[str, Any]]:
    """The book as ``status.alerts``, in stable order."""
    return [_entry(book[name]) for name in AlertName if name in book]


def unripe(book: Book, status: Mapping[str, Any], sighting: Sighting | None, now: datetime) -> bool:
    """Whether an alert about what a cycle is just putting right is too young to be written to the status."""
    one = book.get(AlertName.SUSPENDED_CONNECTED)
    if one is None or sighting is None or sighting.was_cut_off(status):
        return False
    known = any(entry["name"] == AlertName.SUSPENDED_CONNECTED for entry in status.get("alerts", ()))
    return not known and now < one.since + RIPE


def noted(status: Mapping[str, Any], book: Book, sighting: Sighting | None, now: datetime) -> dict[str, Any]:
    """A NavixySync's status with the book, and with what a cycle has seen where nothing newer is known."""
    young = unripe(book, status, sighting, now)
    alerts = written({name: one for name, one in book.items() if not (young and name is AlertName.SUSPENDED_CONNECTED)})
    after = {
        **{key: value for key, value in status.items() if key != "alerts"},
        **({"alerts": alerts} if alerts else {}),
    }
    if sighting is not None and (sighting.was_cut_off(status) or (sighting.is_running(status) and not young)):
        after["suspendedConnected"] = sighting.count
    return after


def _lasts(book: Book, name: AlertName) -> bool:
    return name in book and book[name].over is None


def _read(entry: Mapping[str, Any], now: datetime) -> Standing:
    name, message = AlertName(entry["name"]), entry["message"]
    since = datetime.fromisoformat(entry["since"])
    over = max(now, since) if entry.get("resolved") else None
    return Standing(Firing(name, Severity(entry["severity"]), message, message), since, over)


def _entry(one: Standing) -> dict[str, Any]:
    firing = one.firing
    entry: dict[str, Any] = {
        "name": firing.name.value,
        "severity": firing.severity.value,
        "since": timestamp(one.since),
        "message": firing.summary,
    }
    return entry if one.over is None else {**entry, "resolved": True}


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
