"""What one NavixySync's drift passes remember of each other; lost with the process, and nothing hangs on it."""

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from navixy_operator.core.actions import Keep, Watch
from navixy_operator.core.drift import FIRST_PAUSE, Attempts, failed_before, pause_after
from navixy_operator.core.driftstatus import DriftCounts
from navixy_operator.core.model import Connection
from navixy_operator.core.outcome import Settled
from navixy_operator.core.pins import read_pin
from navixy_operator.core.plan import Decision
from navixy_operator.core.vocabulary import PIN, ConnectionState, Origin, Outcome
from navixy_operator.ports import Listing, Resource
from navixy_operator.resolve import Progress, still_pending
from navixy_operator.roll import Roll, is_declared

Standing = tuple[int, tuple[tuple[str, str], ...]]
"""The generation of the NavixySync's settings, names and versions of all customers."""


@dataclass(slots=True)
class Memory:
    """``first_pause`` after a failure; ``listing``: F1.1's last list, with its ETag; ``counts`` of the last pass."""

    first_pause: timedelta = FIRST_PAUSE
    listing: Listing | None = None
    counts: DriftCounts | None = None
    open_connections: int = 0
    _attempts: dict[str, Attempts] = field(default_factory=dict)
    _pending: dict[str, datetime] = field(default_factory=dict)
    _at_rest: Standing | None = None
    _wake_at: datetime | None = None
    _calm: dict[str, tuple[str, Settled]] = field(default_factory=dict)
    _generation: int = 0

    def rests(self, standing: Standing, roll: Roll, now: datetime, *, listing_is_new: bool) -> bool:
        """Whether nothing has changed since a pass that left nothing to do: neither F1.1, nor a resource, nor time.

        Declarations are looked at each time, for their Secrets may have changed.
        """
        waits = self._wake_at is not None and now >= self._wake_at
        return not (listing_is_new or waits or roll.declared) and self._at_rest == standing

    def stir(self) -> None:
        """A pass begins to work: should it be cut off, the next one must look at the same again."""
        self._at_rest = None

    def calm(self, sync: Resource, roll: Roll, connections: Sequence[Connection]) -> dict[str, Settled]:
        """Who is as the last whole pass left them, which had nothing to do for them: its finding, by reference."""
        if sync.generation != self._generation:
            return {}
        by_ref: defaultdict[str | None, list[Connection]] = defaultdict(list)
        for connection in connections:
            by_ref[connection.customer_ref].append(connection)
        return {
            ref: entry
            for ref, (version, entry) in self._calm.items()
            if (item := roll.by_ref.get(ref)) is not None
            and item.resource_version == version
            and tuple(by_ref.get(ref, ())) == entry.final.connections
        }

    def keep(
        self, standing: Standing, roll: Roll, settled: Sequence[Settled], counts: DriftCounts, now: datetime
    ) -> None:
        """Remember how a whole pass ended."""
        resting = {Outcome.HELD, Outcome.SKIPPED, Outcome.SUCCEEDED}
        self._generation = standing[0]
        self._calm = {
            ref: (item.resource_version, entry)
            for entry in settled
            if (ref := entry.decision.subject.customer_ref) is not None
            and (item := roll.by_ref.get(ref)) is not None
            and _is_calm(entry, item)
        }
        self._at_rest = standing if all(entry.outcome in resting for entry in settled) else None
        self.counts = replace(counts, database=False)  # a pass that rests asks it nothing
        connections = () if self.listing is None else self.listing.connections
        self.open_connections = automatic(connections)
        ids = {connection.id for connection in connections if connection.state is ConnectionState.PENDING}
        self._pending = {one: since for one, since in self._pending.items() if one in ids}
        refs = roll.by_ref.keys()
        self._attempts = {ref: attempts for ref, attempts in self._attempts.items() if ref in refs}
        ends = [pin.until for item in roll.by_ref.values() if (pin := read_pin(item.annotations, now).pin) is not None]
        moments = [*filter(None, ends), *(attempts.not_before for attempts in self._attempts.values())]
        self._wake_at = min(moments, default=None)

    def is_due(self, decision: Decision, status: Mapping[str, Any], now: datetime) -> bool:
        """Whether what failed before may be tried again; the first sight of a failure begins the first pause."""
        ref = decision.subject.customer_ref
        if ref is None or not failed_before(decision, status):
            return True
        attempts = self._attempts.setdefault(ref, self._pause(None, now))
        return now >= attempts.not_before

    def tries(self, customer_ref: str | None) -> int:
        """How often this customer was tried in vain since it was last well."""
        attempts = self._attempts.get(customer_ref or "")
        return 0 if attempts is None else attempts.count

    def learn(self, settled: Iterable[Settled], now: datetime) -> None:
        """Remember who failed, and forget who is well."""
        for entry in settled:
            ref = entry.decision.subject.customer_ref
            if ref is None:
                continue
            if entry.outcome is Outcome.FAILED:
                self._attempts[ref] = self._pause(self._attempts.get(ref), now)
            elif entry.as_desired:
                self._attempts.pop(ref, None)

    def _pause(self, attempts: Attempts | None, now: datetime) -> Attempts:
        return pause_after(attempts, now, random.random(), first=self.first_pause)  # noqa: S311 - jitter

    def time_out(
        self,
        decisions: Sequence[Decision],
        connections: Sequence[Connection],
        progress: Progress,
        now: datetime,
        seconds: float,
    ) -> None:
        """Mark those failed whose connection has been seen pending for longer than ``seconds``, by our own clock."""
        pending = {c.id: c for c in connections if c.state is ConnectionState.PENDING}
        self._pending |= {one: self._pending.get(one, now) for one in pending}
        overdue = {
            c.customer_ref for one, c in pending.items() if now - self._pending[one] > timedelta(seconds=seconds)
        }
        for place, decision in enumerate(decisions) if overdue else ():
            if decision.subject.customer_ref in overdue and (decision.opens or isinstance(decision.action, Watch)):
                progress.failures.setdefault(place, still_pending(seconds))


def automatic(connections: Sequence[Connection]) -> int:
    """How many of them are open and no person's: what the guards count closes against."""
    return sum(c.is_open and c.origin is Origin.AUTOMATIC for c in connections)


def _is_calm(entry: Settled, item: Resource) -> bool:
    """Whether the same is found again as long as the resource and the connections stay: no time, no Secret counts."""
    same = entry.decision.subject.connections == entry.final.connections
    return (
        isinstance(entry.decision.action, Keep)
        and entry.as_desired
        and same
        and PIN not in item.annotations
        and not is_declared(item)
    )


def standing_of(sync: Resource, roll: Roll) -> Standing:
    """What a pass looked at, but for F1.1."""
    return sync.generation, tuple((item.name, item.resource_version) for item in roll.by_ref.values())
