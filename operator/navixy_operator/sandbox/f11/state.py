"""The truth of the simulator: connections, idempotency keys, the history of every change. Pure: time is passed in.

Every change goes to a sink as a row, for the store behind it. Moments are seconds since the epoch.
"""

import heapq
import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

import orjson

from navixy_operator.sandbox.f11.behaviour import Alteration, Behaviour, Seed

KEY_SECONDS: Final = 24 * 3600.0


class Table(StrEnum):
    """What the sink is told about."""

    CONNECTIONS = "connections"
    KEYS = "keys"
    HISTORY = "history"
    FORGOTTEN = "forgotten"


Sink = Callable[[Table, tuple[Any, ...]], None]


@dataclass(slots=True)
class Connection:
    """One connection, with what is going to become of it."""

    id: str
    seq: int
    provider: str
    customer_ref: str | None
    state: str
    origin: str
    fingerprint: str | None
    error: dict[str, object] | None
    created_at: float
    updated_at: float
    settles_at: float | None = None
    fails_with: dict[str, object] | None = None
    closes_at: float | None = None
    text: bytes | None = field(default=None, compare=False)
    """Its JSON, until the next change."""

    @property
    def is_open(self) -> bool:
        """Whether it takes up its customer's place."""
        return self.state != "disconnected"

    def row(self) -> tuple[Any, ...]:
        """For the store, in the order of the fields."""
        return (
            self.id,
            self.seq,
            self.provider,
            self.customer_ref,
            self.state,
            self.origin,
            self.fingerprint,
            _dump(self.error),
            self.created_at,
            self.updated_at,
            self.settles_at,
            _dump(self.fails_with),
            self.closes_at,
        )

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> "Connection":
        """Back from the store."""
        fields = list(row)
        fields[7], fields[11] = _load(fields[7]), _load(fields[11])
        return cls(*fields)

    def json(self) -> bytes:
        """As the contract shows it; optional fields only where there is something to say."""
        if self.text is None:
            shown: dict[str, object] = {
                "id": self.id,
                "provider": self.provider,
                "customer_ref": self.customer_ref,
                "state": self.state,
                "origin": self.origin,
                "created_at": _moment(self.created_at),
                "updated_at": _moment(self.updated_at),
            }
            if self.fingerprint is not None:
                shown["hash_fingerprint"] = self.fingerprint
            if self.error is not None:
                shown["error"] = self.error
            self.text = orjson.dumps(shown)
        return self.text


class Remembered(NamedTuple):
    """The first answer to an idempotency key."""

    at: float
    digest: str
    status: int
    body: bytes


class Change(NamedTuple):
    """One line of the history. ``before`` is None for a new connection; ``by``: api, seed, settle, close, alter."""

    number: int
    at: float
    connection_id: str
    customer_ref: str | None
    before: str | None
    after: str
    by: str


@dataclass(frozen=True, slots=True)
class Query:
    """Which connections, and how many at once."""

    provider: str | None = None
    states: frozenset[str] = frozenset()
    customer_ref: str | None = None
    size: int = 100

    def wants(self, one: Connection) -> bool:
        """Whether the connection is asked for."""
        return (
            (self.provider is None or one.provider == self.provider)
            and (not self.states or one.state in self.states)
            and (self.customer_ref is None or one.customer_ref == self.customer_ref)
        )


class World:
    """All connections of one simulated F1.1."""

    def __init__(self, behaviour: Behaviour, sink: Sink, new_id: Callable[[], str]) -> None:
        self.behaviour = behaviour
        self.connections: dict[str, Connection] = {}
        self.keys: dict[str, Remembered] = {}
        self.history: list[Change] = []
        self.version = 0
        self._sink = sink
        self._new_id = new_id
        self._listed: list[Connection] = []
        self._open: dict[str, list[Connection]] = {}
        self._due: list[tuple[float, int, str]] = []
        self._tick = itertools.count()
        self._last_seq = 0

    def restore(self, connections: Iterable[Connection], keys: dict[str, Remembered], history: list[Change]) -> None:
        """Take up what the store holds."""
        self.keys, self.history = keys, history
        for one in connections:
            self._add(one)
            self._plan(one)

    def advance(self, now: float) -> None:
        """Let everything happen that is due: settling, closing, forgetting, keys that expire."""
        while self._due and self._due[0][0] <= now:
            at, _, identity = heapq.heappop(self._due)
            if one := self.connections.get(identity):
                self._happen(one, at)
        while self.keys:
            key, first = next(iter(self.keys.items()))
            if first.at + KEY_SECONDS > now:
                break
            del self.keys[key]

    def replan(self) -> None:
        """Work out anew what is due when: the settings have changed."""
        self._due.clear()
        for one in self.connections.values():
            self._plan(one)

    def clear(self) -> None:
        """Forget everything; numbers go on, so that page tokens stay unique."""
        self.connections.clear()
        self.keys.clear()
        self.history.clear()
        self._listed.clear()
        self._open.clear()
        self._due.clear()
        self.version += 1

    def open_of(self, customer_ref: str) -> Connection | None:
        """The customer's open connection."""
        held = self._open.get(customer_ref)
        return held[0] if held else None

    def establish(self, customer_ref: str, print_: str, origin: str, now: float) -> Connection:
        """A new pending connection; the caller has seen that the customer has no open one."""
        one = self._new(Seed(customer_ref=customer_ref, state="pending", hash_fingerprint=print_), now)
        one.origin = origin
        one.settles_at = now + self.behaviour.settle_seconds
        failure = self.behaviour.failures.get(customer_ref)
        if failure:
            one.fails_with = failure.model_dump(exclude={"times"})
            if failure.times is not None:
                if failure.times == 1:
                    del self.behaviour.failures[customer_ref]
                else:
                    failure.times -= 1
        self._changed(one, None, now, "api")
        return one

    def close(self, one: Connection, now: float) -> bool:
        """Begin to close; True: closed already."""
        if not one.is_open:
            return True
        if self.behaviour.close_seconds == 0:
            self._close(one, now, "api")
            return True
        if one.closes_at is None:
            one.closes_at = now + self.behaviour.close_seconds
            self._changed(one, one.state, now, "api")
        return False

    def seed(self, seed: Seed, now: float) -> Connection:
        """Put a connection there as it is."""
        one = self._new(seed, now)
        self._changed(one, None, now, "seed")
        return one

    def alter(self, one: Connection, alteration: Alteration, now: float) -> None:
        """Change a connection as the outside does: lost, failed, opened or closed by F1.3."""
        before = one.state
        given = alteration.model_dump(exclude_unset=True)
        one.state = given.get("state") or one.state
        one.origin = given.get("origin") or one.origin
        one.error = given.get("error", one.error)
        if one.state != before:
            one.settles_at = one.fails_with = one.closes_at = None
        self._place(one)
        self._changed(one, before, now, "alter")

    def remember(self, key: str, digest: str, status: int, body: bytes, now: float) -> None:
        """Keep the first answer to a key."""
        self.keys[key] = Remembered(now, digest, status, body)
        self._sink(Table.KEYS, (key, now, digest, status, body))

    def page(self, query: Query, after: int, overlap: int = 0) -> tuple[list[Connection], int | None]:
        """Connections listed after the one of number ``after``, and the number to go on from; None: the end."""
        start = bisect_right(self._listed, after, key=lambda one: one.seq)
        if after and overlap:
            start = max(0, start - overlap)
        found: list[Connection] = []
        for one in itertools.islice(self._listed, start, None):
            if one.id in self.connections and query.wants(one):
                if len(found) == query.size:
                    return found, max(after, found[-1].seq)
                found.append(one)
        return found, None

    def _happen(self, one: Connection, at: float) -> None:
        if one.closes_at is not None and one.closes_at <= at and one.is_open:
            self._close(one, at, "close")
        elif one.state == "pending" and one.settles_at is not None and one.settles_at <= at:
            one.state, one.error = ("failed", one.fails_with) if one.fails_with else ("connected", None)
            one.settles_at = one.fails_with = None
            self._changed(one, "pending", at, "settle")
        elif not one.is_open and one.updated_at + self.behaviour.retention_seconds <= at:
            self._forget(one)

    def _close(self, one: Connection, now: float, by: str) -> None:
        before, one.state, one.origin = one.state, "disconnected", "automatic"
        one.settles_at = one.fails_with = one.closes_at = None
        self._place(one)
        self._changed(one, before, now, by)

    def _forget(self, one: Connection) -> None:
        del self.connections[one.id]
        self.version += 1
        self._sink(Table.FORGOTTEN, (one.id,))
        if len(self._listed) > 2 * len(self.connections) + 1000:
            self._listed = [each for each in self._listed if each.id in self.connections]

    def _new(self, seed: Seed, now: float) -> Connection:
        one = Connection(
            id=seed.id or self._new_id(),
            seq=self._last_seq + 1,
            provider=seed.provider,
            customer_ref=seed.customer_ref,
            state=seed.state,
            origin=seed.origin,
            fingerprint=seed.hash_fingerprint,
            error=seed.error,
            created_at=now,
            updated_at=now,
        )
        self._add(one)
        return one

    def _add(self, one: Connection) -> None:
        self.connections[one.id] = one
        self._listed.append(one)
        self._last_seq = max(self._last_seq, one.seq)
        self._place(one)

    def _place(self, one: Connection) -> None:
        """Keep the index of open connections by customer."""
        if one.customer_ref is None:
            return
        others = [each for each in self._open.pop(one.customer_ref, ()) if each is not one]
        if one.is_open:
            others.append(one)
        if others:
            self._open[one.customer_ref] = others

    def _changed(self, one: Connection, before: str | None, now: float, by: str) -> None:
        one.updated_at = max(one.updated_at, now)
        one.text = None
        self.version += 1
        self._sink(Table.CONNECTIONS, one.row())
        if one.state != before:
            number = self.history[-1].number + 1 if self.history else 1
            change = Change(number, now, one.id, one.customer_ref, before, one.state, by)
            self.history.append(change)
            self._sink(Table.HISTORY, change)
        self._plan(one)

    def _plan(self, one: Connection) -> None:
        """Note when something is going to happen to it; whether it still applies is looked at then."""
        moments = [one.settles_at if one.state == "pending" else None, one.closes_at]
        if not one.is_open:
            moments.append(one.updated_at + self.behaviour.retention_seconds)
        for at in moments:
            if at is not None:
                heapq.heappush(self._due, (at, next(self._tick), one.id))


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _dump(value: dict[str, object] | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _load(value: str | None) -> dict[str, object] | None:
    return None if value is None else orjson.loads(value)
