"""The truth of the simulator: connections, idempotency keys, the history of every change. Pure: time is passed in.

Every change goes to a sink as a row, for the store behind it. Moments are seconds since the epoch.
"""

import heapq
import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Final

from navixy_operator.core.vocabulary import PROVIDER
from navixy_operator.sandbox.f11.behaviour import Alteration, Behaviour, Seed
from navixy_operator.sandbox.f11.records import Change, Connection, Query, Remembered, Sink, Table

KEY_SECONDS: Final = 24 * 3600.0


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
        one = Connection(
            id=self._new_id(),
            seq=self._last_seq + 1,
            provider=PROVIDER,
            customer_ref=customer_ref,
            state="pending",
            origin=origin,
            fingerprint=print_,
            error=None,
            created_at=now,
            updated_at=now,
            settles_at=now + self.behaviour.settle_seconds,
        )
        self._add(one)
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
            one.closes_at, one.closing_since = now + self.behaviour.close_seconds, now
            self._changed(one, one.state, now, "api")
        return False

    def seed(self, seed: Seed, now: float) -> Connection:
        """Put a connection there as it is."""
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
        self._changed(one, None, now, "seed")
        return one

    def alter(self, one: Connection, alteration: Alteration, now: float) -> None:
        """Change a connection as the outside does: lost, failed, opened or closed by F1.3."""
        before, origin = one.state, one.origin
        given = alteration.model_dump(exclude_unset=True)
        one.state = given.get("state") or one.state
        one.origin = given.get("origin") or one.origin
        one.error = given.get("error", one.error)
        if one.state != before:
            one.settles_at = one.fails_with = one.closes_at = one.closing_since = None
        self._place(one)
        self._changed(one, before, now, "alter", origin=origin)

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
        before, origin, asked_at = one.state, one.origin, one.closing_since
        one.state, one.origin = "disconnected", "automatic"
        one.settles_at = one.fails_with = one.closes_at = one.closing_since = None
        self._place(one)
        self._changed(one, before, now, by, origin=origin, asked_at=asked_at)

    def _forget(self, one: Connection) -> None:
        del self.connections[one.id]
        self.version += 1
        self._sink(Table.FORGOTTEN, (one.id,))
        if len(self._listed) > 2 * len(self.connections) + 1000:
            self._listed = [each for each in self._listed if each.id in self.connections]

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

    def _changed(
        self,
        one: Connection,
        before: str | None,
        now: float,
        by: str,
        *,
        origin: str | None = None,
        asked_at: float | None = None,
    ) -> None:
        one.updated_at = max(one.updated_at, now)
        one.text = None
        self.version += 1
        self._sink(Table.CONNECTIONS, one.row())
        origin_before = None if before is None else origin or one.origin
        if (one.state, one.origin) != (before, origin_before):
            number = self.history[-1].number + 1 if self.history else 1
            asked = now if asked_at is None else asked_at
            what = (one.id, one.customer_ref, before, one.state, by, origin_before, one.origin)
            change = Change(number, now, *what, one.fingerprint, asked)
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
