"""Between cycles: resources against connections, without a poll of the database (design sections 3 and 4).

Requests of a pass over all customers: one paged list of F1.1 (one answer of 304 where nothing changed), no list of the
API server where a watch keeps a mirror, and no write where nothing changed. Who is as the last pass left them, which
had nothing to do for them, is not decided on again. A pass over a few customers, for their pins and declarations, asks
F1.1 for just those.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from navixy_operator.chronicle import Chronicle
from navixy_operator.core import guards
from navixy_operator.core.actions import Hold, Keep
from navixy_operator.core.drift import within_drift
from navixy_operator.core.driftstatus import DriftCounts, recent_closes
from navixy_operator.core.guards import HOLDING, Facts
from navixy_operator.core.model import Connection, Record
from navixy_operator.core.outcome import Settled
from navixy_operator.core.plan import Decision, decide_all
from navixy_operator.core.validation import suspended_count, validate
from navixy_operator.cycle import Order, call_the_roll, idempotency_key
from navixy_operator.declarations import read_declarations
from navixy_operator.driftmemory import Memory, automatic, standing_of
from navixy_operator.lookup import LookedUp, look_up
from navixy_operator.narration import tell_drifted, tell_overtaken, told_if_cut_off
from navixy_operator.ports import Outside
from navixy_operator.present import subjects_of
from navixy_operator.publish import Published, publish_outcomes
from navixy_operator.resolve import Look, Progress, Resolver, settle_all
from navixy_operator.roll import Roll
from navixy_operator.standing import StillSo

FEW: Final = 8
"""So many customers are asked for one by one; more are looked for in the whole list."""
PATIENCE_SECONDS: Final = 5.0
"""How long a pass watches what it has begun; what is still pending then, the next one looks at."""

NoteCloses = Callable[[int], Awaitable[None]]
"""Writes down how many connections are about to be cut off, before they are. Raises OperatorError: none is."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass works with."""

    order: Order
    outside: Outside
    chronicle: Chronicle
    memory: Memory
    note_closes: NoteCloses


@dataclass(frozen=True, slots=True)
class Drifted:
    """How a pass ended: its counts (None: it was about a few customers), the decisions, what the database was asked."""

    counts: DriftCounts | None
    settled: tuple[Settled, ...]
    looked_up: LookedUp
    refs: Mapping[str, str] = field(default_factory=dict)
    """The customers' references by the names of their resources, in a pass over a few."""
    busy: frozenset[str] = frozenset()
    """Who of the few was left alone: a request of another pass for them is under way, and would come after our word."""


async def run_drift(work: Pass) -> Drifted:
    """One pass over all customers. Raises OperatorError where F1.1 or the API server cannot be read whole."""
    memory, forwarding, now = work.memory, work.outside.forwarding, work.outside.clock.now()
    roll = await call_the_roll(work.order, work.outside, work.chronicle)
    before, memory.listing = memory.listing, await forwarding.listing(memory.listing)
    same = before is not None and before.connections == memory.listing.connections
    standing = standing_of(work.order.sync, roll)
    if memory.rests(standing, roll, now, listing_is_new=not same):
        return Drifted(memory.counts, (), LookedUp())
    memory.stir()

    async def look() -> Sequence[Connection]:
        memory.listing = await forwarding.listing(memory.listing)
        return memory.listing.connections

    calm = memory.calm(work.order.sync, roll, memory.listing.connections)
    settled, looked_up = await _work(work, roll, memory.listing.connections, look, calm)
    counts = _counts((*calm.values(), *settled), looked_up)
    memory.keep(standing, roll, (*calm.values(), *settled), counts, now)
    return Drifted(counts, settled, looked_up)


async def attend(work: Pass, names: Collection[str]) -> Drifted:
    """One pass over the customers whose resources have these names: pins, declarations. Raises as ``run_drift``."""
    roll = await call_the_roll(work.order, work.outside, work.chronicle)
    named = {ref: item for ref, item in roll.by_ref.items() if item.name in names}
    few = {ref: item for ref, item in named.items() if not work.order.claims.taken(ref)}

    async def look() -> Sequence[Connection]:
        if len(few) > FEW:
            return await work.outside.forwarding.connections()
        return [one for ref in few for one in await work.outside.forwarding.connections_of(ref)]

    settled, looked_up = await _work(work, Roll(few), await look(), look, None)
    refs = {item.name: ref for ref, item in named.items()}
    return Drifted(None, settled, looked_up, refs, frozenset(named.keys() - few.keys()))


async def _work(
    work: Pass, roll: Roll, connections: Sequence[Connection], look: Look, calm: Mapping[str, Settled] | None
) -> tuple[tuple[Settled, ...], LookedUp]:
    """Gather, decide, act, tell. ``calm``: who of all need not be decided on; None where the roll is not of all."""
    declared = await read_declarations(work.outside, roll, work.order.hash_pattern)
    planned = decide(work, roll, connections, declared, calm)
    decisions, looked_up = await look_up(work.outside, work.order.hash_pattern, planned, declared)
    resolver, progress = resolver_for(work, roll, look), Progress()
    if any(not isinstance(decision.action, Keep | Hold) for decision in decisions):
        if closes := guards.counted(decisions)[0]:
            await work.note_closes(closes)
        with told_if_cut_off(work.chronicle, decisions, progress):
            await resolver.establish(decisions, looked_up.hashes, progress)
            await resolver.close(decisions, progress)
            acted = any(decision.opens or decision.closes for decision in decisions)
            connections = await resolver.watch(decisions, progress) if acted else connections
    work.memory.time_out(decisions, connections, progress, work.outside.clock.now(), work.order.establish_timeout)
    settled = settle_all(decisions, connections, progress, None)
    work.memory.learn(settled, work.outside.clock.now())
    await publish(work, roll, settled, progress)
    return settled, looked_up


def decide(
    work: Pass,
    roll: Roll,
    connections: Sequence[Connection],
    declared: Mapping[str, Record],
    calm: Mapping[str, Settled] | None,
) -> tuple[Decision, ...]:
    """What a drift pass does of what is due: within its bounds, the guards and the policy. ``calm`` as in ``_work``."""
    order, memory, now = work.order, work.memory, work.outside.clock.now()

    def bounded(decision: Decision) -> Decision:
        item = roll.by_ref.get(decision.subject.customer_ref or "")
        status = {} if item is None else item.status
        due = memory.is_due(decision, status, now)
        return within_drift(decision, status, due=due, soon=order.soon, policy=order.policy)

    whole = calm is not None
    plan = decide_all(subjects_of(roll, connections, declared, now, leftovers=whole, without=calm or ()))
    decisions = tuple(d if isinstance(d.action, Keep) else bounded(d) for d in plan)
    facts = Facts(recent=recent_closes(order.sync.status, now))
    opened = automatic(connections) if whole else memory.open_connections
    decisions = guards.guard(decisions, facts, order.limits, opened=opened)
    return guards.restrain(decisions, order.policy)


def resolver_for(work: Pass, roll: Roll, look: Look) -> Resolver:
    """What acts on F1.1 for this pass.

    The key of an establish follows from the connection that was lost: the same after a lost answer or a crash, another
    one for the next loss, for F1.1 answers a known key as it did the first time.
    """
    order = work.order

    def key(decision: Decision) -> str:
        subject = decision.subject
        item = roll.by_ref.get(subject.customer_ref or "")
        told = {} if item is None else item.status.get("connection") or {}
        last = subject.current.id if subject.current is not None else told.get("id", "")
        tried = work.memory.tries(subject.customer_ref)
        return idempotency_key(order.sync.uid, f"drift\n{last}\n{subject.fingerprint}\n{tried}", decision.name)

    return Resolver(
        work.outside.forwarding,
        work.outside.clock,
        order.concurrency,
        min(order.establish_timeout, PATIENCE_SECONDS),
        key,
        look=look,
        claims=order.claims,
        still=StillSo(work.outside.resources, roll.by_ref, work.outside.clock, by_resource=True),
    )


async def publish(work: Pass, roll: Roll, settled: Sequence[Settled], progress: Progress) -> None:
    """The statuses that changed, and the story of what was done."""
    resources, clock = work.outside.resources, work.outside.clock
    still = StillSo(resources, roll.by_ref, clock, by_resource=True)
    ours = [e for place, e in enumerate(settled) if place not in progress.overtaken]
    taken = work.order.claims.taken
    last = [e for e in ours if still.settled(e) and not taken(e.decision.subject.customer_ref)]
    published = Published(dict(roll.by_ref))
    tell_overtaken(work.chronicle, settled, progress)
    tell_drifted(work.chronicle, ours, published)
    persistent = work.order.persistent
    await publish_outcomes(resources, last, published, work.chronicle, cycle=None, clock=clock, persistent=persistent)


def _counts(settled: Sequence[Settled], looked_up: LookedUp) -> DriftCounts:
    found = validate(settled)
    held = sum(isinstance(e.decision.action, Hold) and e.decision.action.reason in HOLDING for e in settled)
    unresolved = sum(not entry.as_desired for entry in settled)
    database = looked_up.asked and looked_up.trouble is None
    suspended = suspended_count(settled)
    return DriftCounts(found.expected, found.actual, unresolved, held, found.messages, database, suspended)
