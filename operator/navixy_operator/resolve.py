"""Carrying a plan out against F1.1: establish, close, and watch by list until all has settled (design section 4).

Requests: one POST per establish, one DELETE per close, and lists; never one request per watched connection.
"""

import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from navixy_operator.claims import Claims
from navixy_operator.concurrency import each
from navixy_operator.core.actions import Close, Replace, Trim, Watch
from navixy_operator.core.model import Connection, ConnectionFault, NavixyHash
from navixy_operator.core.outcome import Failure, Settled, settle
from navixy_operator.core.plan import Decision
from navixy_operator.core.projection import ESTABLISH_TIMEOUT
from navixy_operator.core.vocabulary import ConnectionState, Reason
from navixy_operator.errors import CustomerError
from navixy_operator.ports import Clock, Forwarding

FIRST_LOOK_SECONDS: Final = 0.25
LAST_LOOK_SECONDS: Final = 5.0

Look = Callable[[], Awaitable[Sequence[Connection]]]


@dataclass(slots=True)
class Progress:
    """How far the plan has been carried out.

    Failures by the decision's place, closes that F1.1 has not ended, the places of decisions that were overtaken (a
    person has set another pin since they were made), the connections that F1.1 was asked to close, by place, and the
    places for which it was asked to establish one.
    """

    failures: dict[int, Failure] = field(default_factory=dict)
    closing: set[str] = field(default_factory=set)
    overtaken: set[int] = field(default_factory=set)
    closes_asked: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    opens_asked: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Resolver:
    """Acts on F1.1 for one pass.

    ``key`` gives the idempotency key of a decision's establish, ``look`` what F1.1 holds of those that the pass is
    about, ``still`` whether a decision is still right: asked under the customer's claim, right before each action.
    """

    forwarding: Forwarding
    clock: Clock
    concurrency: int
    establish_timeout: float
    key: Callable[[Decision], str]
    look: Look
    claims: Claims
    still: Callable[[Decision], bool] = lambda _: True

    async def establish(
        self, decisions: Sequence[Decision], hashes: Mapping[str, NavixyHash], progress: Progress
    ) -> None:
        """Establish what is missing (spec step 5); a changed hash or a failed connection is closed first, verified.

        A failure is kept for its customer and stops nobody else. Raises ForwardingUnauthorized, ForwardingUnavailable
        (F1.1 is down as a whole), and what a list raises.
        """
        wanted = [(place, decision) for place, decision in enumerate(decisions) if decision.opens]
        await self._close_all(((p, d) for p, d in wanted if isinstance(d.action, Replace)), progress)
        if progress.closing:
            found = await self._look_until(lambda found: not _still_open(progress.closing, found))
            for place, decision in wanted:
                if _still_open(progress.closing & {c.id for c in decision.closes}, found):
                    progress.failures.setdefault(place, _not_closed(self.establish_timeout))

        async def open_one(item: tuple[int, Decision]) -> None:
            place, decision = item
            if place not in progress.failures and place not in progress.overtaken:
                await self._establish_one(place, decision, hashes, progress)

        await each(wanted, open_one, at_once=self.concurrency)

    async def close(self, decisions: Sequence[Decision], progress: Progress) -> None:
        """Close what should not be open (spec step 6). A failure is kept for its customer and stops nobody else."""
        wanted = [(place, d) for place, d in enumerate(decisions) if isinstance(d.action, Close | Trim)]
        await self._close_all(wanted, progress)

    async def watch(self, decisions: Sequence[Decision], progress: Progress) -> Sequence[Connection]:
        """List until nothing is pending or closing, or the establish timeout is over; the last list is the truth."""
        refs = {d.subject.customer_ref for d in decisions if d.opens or isinstance(d.action, Watch | Trim)}

        def settled(found: Sequence[Connection]) -> bool:
            pending = any(c.customer_ref in refs and c.state is ConnectionState.PENDING for c in found)
            return not pending and not _still_open(progress.closing, found)

        return await self._look_until(settled)

    async def _look_until(self, settled: Callable[[Sequence[Connection]], bool]) -> Sequence[Connection]:
        deadline = self.clock.monotonic() + self.establish_timeout
        pause = FIRST_LOOK_SECONDS
        while not settled(found := await self.look()):
            left = deadline - self.clock.monotonic()
            if left <= 0:
                break
            await self.clock.sleep(min(left, pause * random.uniform(0.75, 1.25)))  # noqa: S311 - jitter, not a secret
            pause = min(2 * pause, LAST_LOOK_SECONDS)
        return found

    async def _establish_one(
        self, place: int, decision: Decision, hashes: Mapping[str, NavixyHash], progress: Progress
    ) -> None:
        ref = decision.subject.customer_ref
        if ref is None or ref not in hashes:
            message = f"a plan to establish without a hash: {ref}"
            raise AssertionError(message)
        async with self.claims.hold(ref):
            if not self.still(decision):
                progress.overtaken.add(place)
                return
            progress.opens_asked.add(place)
            try:
                await self.forwarding.establish(ref, hashes[ref], key=self.key(decision))
            except CustomerError as error:
                progress.failures[place] = _failure(error)

    async def _close_all(self, wanted: Iterable[tuple[int, Decision]], progress: Progress) -> None:
        async def close_one(item: tuple[int, Decision, Connection]) -> None:
            place, decision, connection = item
            async with self.claims.hold(decision.subject.customer_ref):
                if not self.still(decision):
                    progress.overtaken.add(place)
                    return
                progress.closes_asked[place].append(connection.id)
                try:
                    if not await self.forwarding.close_connection(connection.id):
                        progress.closing.add(connection.id)
                except CustomerError as error:
                    progress.failures[place] = _failure(error)

        await each(((p, d, c) for p, d in wanted for c in d.closes), close_one, at_once=self.concurrency)


def settle_all(
    decisions: Sequence[Decision], connections: Sequence[Connection], progress: Progress, patience: float | None
) -> tuple[Settled, ...]:
    """How every decision ended, told from F1.1's list after the actions; ``patience`` None: nothing was watched."""
    by_ref: defaultdict[str | None, list[Connection]] = defaultdict(list)
    for connection in connections:
        by_ref[connection.customer_ref].append(connection)

    def end(place: int, decision: Decision) -> Settled:
        ref = decision.subject.customer_ref
        ids = {connection.id for connection in decision.subject.connections}
        final = by_ref.get(ref, []) if ref is not None else [c for c in by_ref[None] if c.id in ids]
        failure = progress.failures.get(place)
        if failure is None and patience is not None:
            failure = timed_out(decision, by_ref, patience)
        return settle(decision, tuple(final), failure)

    return tuple(end(place, decision) for place, decision in enumerate(decisions))


def timed_out(decision: Decision, final: Mapping[str | None, Sequence[Connection]], seconds: float) -> Failure | None:
    """The failure of a connection that is still pending when the time to establish is over."""
    connections = final.get(decision.subject.customer_ref, ())
    watched = decision.opens or isinstance(decision.action, Watch | Trim)
    if not watched or not any(c.state is ConnectionState.PENDING for c in connections):
        return None
    return still_pending(seconds)


def still_pending(seconds: float) -> Failure:
    """The failure of a connection that is pending for longer than that."""
    message = f"still pending after {seconds:g} s; F1.1 may yet finish it, or the next cycle establishes it anew"
    return Failure(Reason.ESTABLISH_FAILED, ConnectionFault(ESTABLISH_TIMEOUT, message, permanent=False))


def _not_closed(seconds: float) -> Failure:
    message = f"the old connection is still open {seconds:g} s after it was told to close; the next cycle tries again"
    return Failure(Reason.CLOSE_FAILED, ConnectionFault("close-timeout", message, permanent=False))


def _still_open(ids: set[str], found: Iterable[Connection]) -> bool:
    return bool(ids) and any(c.is_open and c.id in ids for c in found)


def _failure(error: CustomerError) -> Failure:
    return Failure(error.reason, ConnectionFault(error.code, str(error), error.permanent))
