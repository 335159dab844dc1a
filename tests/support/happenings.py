"""What happens in the world while an operator works: in the customer database, in F1.1, and through F1.3."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from hypothesis import strategies as st

from navixy_operator.core.model import Connection, CustomerRow, fingerprint
from navixy_operator.core.vocabulary import ConnectionState, Origin
from support.builders import CONNECTED, DISCONNECTED, FAILED, PASSING, PENDING, hash_of
from support.f11_model import Service
from support.oracle import Row

_FIELDS: Final[dict[str, dict[str, object]]] = {
    "suspended": {"state": "suspended"},
    "removed": {"state": "removed"},
    "active": {"state": "active"},
    "of no known state": {"state": "???"},
    "without gateways": {"gateways": 0},
    "with a negative count": {"gateways": -1},
    "with gateways": {"gateways": 3},
}
IN_DATABASE: Final = (
    *_FIELDS, "suspended", "removed", "another hash", "deleted or added", "deleted or added", "twice",
    "twice, in two states", "without reference", "without reference and hash", "without reference and hash", "mended",
)  # fmt: skip
"""What can become of a customer's row."""


@dataclass
class Database:
    """A customer database: one row for each reference, rows that should not be there, and answers that lack some.

    ``fault``: a poll gives all rows, or none (``empty``), or a third (``most`` are lost).
    """

    rows: dict[str, Row] = field(default_factory=dict)
    odd: list[Row] = field(default_factory=list)
    fault: str = ""

    def view(self) -> list[Row]:
        """What a poll gives now."""
        found = [*self.rows.values(), *self.odd]
        return {"": found, "empty": [], "most": found[: len(found) // 3]}[self.fault]

    def polled(self) -> list[CustomerRow]:
        """The same as the adapter gives it."""
        return [row.to_core(number) for number, row in enumerate(self.view(), 1)]

    def add(self, ref: str) -> None:
        """An eligible customer."""
        self.rows[ref] = Row(ref, "active", hash_of(ref), 3)

    def happen(self, what: str, ref: str, hash_: str | None) -> None:
        """One of ``IN_DATABASE``."""
        row = self.rows.get(ref)
        if what == "mended":
            self.odd.clear()
        elif row is None:
            self.add(ref)
        elif what in _FIELDS:
            self.rows[ref] = replace(row, **_FIELDS[what])  # type: ignore[arg-type]
        elif what == "another hash":
            self.rows[ref] = replace(row, hash=hash_)
        elif what.startswith("twice"):
            self.odd.append(row if what == "twice" else replace(row, state="suspended"))
        else:
            del self.rows[ref]
            if what.startswith("without reference"):
                self.odd.append(replace(row, ref=None, hash=None if what.endswith("hash") else row.hash))


_BECOMES: Final = {"lost": DISCONNECTED, "failed": FAILED, "connected": CONNECTED, "pending": PENDING}
IN_FORWARDING: Final = (
    *_BECOMES, "lost", "failed", "taken over", "let go", "closed by hand", "opened by others", "opened by hand",
)  # fmt: skip
"""What can become of a customer's connection without us."""
MEDDLING: Final[dict[str, dict[str, Any]]] = {
    "off": {"state": "suspended"},
    "on": {"state": "active"},
    "bare": {"gateways": 0},
}
"""What somebody writes into the spec of a projection."""
OPENING: Final = ("", "", "pends", "fails", "no answer", "lost answer")
CLOSING: Final = ("", "", "", "fails", "takes long", "forgets it")
"""How F1.1 takes requests."""


def happen(service: Service, what: str, ref: str | None, hash_: str | None, now: datetime) -> None:
    """One of ``IN_FORWARDING``."""
    if what in {"opened by others", "opened by hand"}:
        origin = Origin.MANUAL if what == "opened by hand" else Origin.AUTOMATIC
        service.put(ref, CONNECTED, now, origin=origin, fingerprint=None if hash_ is None else fingerprint(hash_))
        return
    for one in service.of(ref):
        if what == "let go":
            service.change(one, now, origin=Origin.AUTOMATIC)
        elif one.is_open:
            _become(service, what, one, now)


def _become(service: Service, what: str, one: Connection, now: datetime) -> None:
    if what == "taken over":
        service.change(one, now, origin=Origin.MANUAL)
    elif what == "closed by hand":
        service.change(one, now, state=DISCONNECTED, origin=Origin.MANUAL)
    else:
        state: ConnectionState = _BECOMES[what]
        service.change(one, now, state=state, error=PASSING if state is FAILED else None)


REFS: Final = ("ant", "bee", "cat", "dog", "elk", "fox")
REFUSED: Final = hash_of("refused")
refs = st.sampled_from(REFS)
owners = st.sampled_from([*REFS, "stranger", None])
minutes = st.sampled_from([1, 1, 5, 60, 7 * 60, 24 * 60, 26 * 60])
hours = st.sampled_from([None, None, "1", "30"])
hashes = st.sampled_from([*map(hash_of, REFS), hash_of("new"), hash_of("newer"), REFUSED, None, "malformed"])
cuts = st.sampled_from([None, None, None, 0, 0, 1, 2, 99])
"""After how many requests to F1.1 the process ends; 99: after all of them, before any status is written."""
faults = st.sampled_from(["", "", "", "", "", "empty", "most"])
Day = list[tuple[str, str, str | None, str | None]]
"""What happens in the world before a pass: where, what, to whom, and more of it."""
days: st.SearchStrategy[Day] = st.lists(
    st.one_of(
        st.tuples(st.just("database"), st.sampled_from(IN_DATABASE), refs, hashes),
        st.tuples(st.just("database"), st.sampled_from(IN_DATABASE), refs, hashes),
        st.tuples(st.just("forwarding"), st.sampled_from(IN_FORWARDING), owners, hashes),
        st.tuples(st.just("requests"), st.sampled_from(OPENING), refs, st.sampled_from(CLOSING)),
        st.tuples(st.just("pin"), st.sampled_from(["connect", "disconnect", "hold", "keep!", "", ""]), refs, hours),
        st.tuples(st.just("spec"), st.sampled_from(list(MEDDLING)), refs, st.none()),
    ),
    max_size=4,
)
