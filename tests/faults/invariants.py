"""What must never have happened, looked for in F1.1's history and the ledger of our side. Each finding is a sentence.

| invariant   | what it says                                                                                          |
|-------------|-------------------------------------------------------------------------------------------------------|
| one_each    | never two open connections of one customer                                                            |
| by_the_rules| nothing opened or closed that the rules did not want at any moment since the operator last looked     |
| pins        | while a pin was noted, hold saw nothing, and disconnect no opening                                    |
| cycle_guard | no cycle closed more connections of its own accord than its guard lets it                             |
| drift_guard | nor did all drift passes together                                                                     |
| extras      | connections of people without a resource are closed by cycles alone                                   |
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from faults.facts import Facts
from faults.ledger import Cycle, Ledger
from faults.oracle import Expectation, Must, expected
from faults.trace import Act, Trace

GHOST: Final = "ghost-"
"""How the references of customers begin whom nobody knows."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The NavixySync's guards."""

    min_closes: int
    max_close_percent: int

    def allowed(self, opened: int) -> float:
        """So many connections may be closed of so many open ones."""
        return max(self.min_closes, self.max_close_percent * opened / 100)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All there is to look at."""

    trace: Trace
    ledger: Ledger
    limits: Limits


def one_each(seen: Evidence) -> Iterator[str]:
    """Never two open connections of one customer."""
    yield from seen.trace.doubles


def by_the_rules(seen: Evidence) -> Iterator[str]:
    """Every act was wanted by what the database and people said at moments that the operator may have acted on."""
    for act in seen.trace.acts:
        grounds = list(_grounds(seen.ledger, act))
        leaving = any(act.ref in facts.leaving for facts, _ in grounds)
        if leaving and not act.opens:
            continue
        if any(_fits(act, _expected(facts, act, at)) for facts, at in (*grounds, *_mixed(grounds))):
            continue
        wanted = {_expected(facts, act, at) for facts, at in grounds}
        yield f"{act}, although {', '.join(sorted(f'{one.must} ({one.why})' for one in wanted))}"


def pins(seen: Evidence) -> Iterator[str]:
    """From the moment a pin was noted until it was changed, removed or ended."""
    by_ref: defaultdict[str | None, list[Act]] = defaultdict(list)
    for act in seen.trace.acts:
        by_ref[act.ref].append(act)
    for echo in seen.ledger.echoes.values():
        until = seen.ledger.pin_counts_until(echo)
        for act in by_ref[echo.ref]:
            if echo.at < act.asked_at < until and (echo.mode == "hold" or (echo.mode == "disconnect" and act.opens)):
                yield f"{act}, although pinned to {echo.mode} (pin {echo.number}, noted by {echo.at:.3f})"


def cycle_guard(seen: Evidence) -> Iterator[str]:
    """Closes of what was connected when the cycle began, no person's and not approved."""
    held = {cycle.name: cycle.held for cycle in seen.ledger.cycles}
    for cycle in seen.ledger.cycles:
        if cycle.start >= seen.ledger.guarded_until:
            continue
        approved = held.get(cycle.approves or "", frozenset())
        closes = [a for a in _automatic_closes(seen) if cycle.surely_covers(a.asked_at) and a.since < cycle.start]
        closes = [act for act in closes if (act.ref or "", act.connection) not in approved]
        end = cycle.start if cycle.end is None else cycle.end
        if len(closes) > (most := seen.limits.allowed(seen.trace.most_open(cycle.start - 1, end))):
            yield f"cycle {cycle.name} closed {len(closes)} where {most:g} are allowed: {_refs(closes)}"


def drift_guard(seen: Evidence) -> Iterator[str]:
    """Closes outside of all cycles: the run is shorter than the day over which they are counted."""
    closes = [a for a in _automatic_closes(seen) if not seen.ledger.in_a_cycle(a.asked_at)]
    closes = [act for act in closes if act.asked_at < seen.ledger.guarded_until]
    if len(closes) > (most := seen.limits.allowed(seen.trace.most_open(0, float("inf")))):
        yield f"drift passes closed {len(closes)} where {most:g} are allowed: {_refs(closes)}"


def extras(seen: Evidence) -> Iterator[str]:
    """Only a cycle has looked in the database whether somebody is really unknown."""
    for act in seen.trace.acts:
        nobodys = act.ref is None or act.ref.startswith(GHOST)
        if nobodys and (act.opens or not seen.ledger.in_a_cycle(act.asked_at)):
            yield f"{act} outside of a cycle"


INVARIANTS: Final[tuple[Callable[[Evidence], Iterator[str]], ...]] = (
    one_each,
    by_the_rules,
    pins,
    cycle_guard,
    drift_guard,
    extras,
)


def violations(seen: Evidence) -> list[str]:
    """All findings."""
    return [f"{check.__name__}: {finding}" for check in INVARIANTS for finding in check(seen)]


def _grounds(ledger: Ledger, act: Act) -> Iterator[tuple[Facts, float]]:
    """The facts that the operator may have acted on.

    A cycle acts on what it polled, and on pins. Drift passes act on what the last whole cycle published; so do passes
    for people's pins and declarations, beside cycles. What was approved was right when it was held.
    """
    wide = min(ledger.last_completed(act.asked_at), act.asked_at)
    cycle = ledger.cycle_at(act.asked_at)
    since = wide if cycle is None or _by_a_person(ledger, act, wide) else _begin(ledger, cycle)
    return ledger.during(since, act.asked_at)


def _mixed(grounds: list[tuple[Facts, float]]) -> Iterator[tuple[Facts, float]]:
    """What the database said, beside what people said later: a drift pass has the one from the last cycle."""
    for place, (polled, _) in enumerate(grounds):
        for facts, at in grounds[place:]:
            yield replace(facts, rows=polled.rows, hidden=polled.hidden, broken=polled.broken), at


def _begin(ledger: Ledger, cycle: Cycle) -> float:
    of_list = [one.start for one in ledger.cycles if one.name == cycle.approves]
    return min([cycle.start, *of_list])


def _by_a_person(ledger: Ledger, act: Act, since: float) -> bool:
    """Whether a pin or a declaration of the customer counted: then the act may be another pass's than the cycle's."""
    ref = act.ref or ""
    return any(
        ref in facts.pins or ref in facts.declared or ref in facts.leaving
        for facts, _ in ledger.during(since, act.asked_at)
    )


def _expected(facts: Facts, act: Act, now: float) -> Expectation:
    if act.ref is None:
        return Expectation(Must.CLOSED, "nobody's") if act.origin == "automatic" else Expectation(Must.AS_IT_IS, "F1.3")
    return expected(facts, act.ref, now, alive=act.before in {"connected", "pending"})


def _fits(act: Act, wanted: Expectation) -> bool:
    match wanted.must:
        case Must.CONNECTED if act.opens:
            return act.print_ == wanted.print_
        case Must.CONNECTED:
            return act.print_ != wanted.print_ or act.before != "connected" or act.others > 0
        case Must.CLOSED:
            return not act.opens
        case Must.AS_IT_IS:
            return False


def _automatic_closes(seen: Evidence) -> list[Act]:
    """Closes of connected ones that no person can have asked for."""
    closes = [act for act in seen.trace.acts if not act.opens and act.before == "connected"]
    return [act for act in closes if not _by_a_person(seen.ledger, act, 0.0)]


def _refs(acts: list[Act]) -> str:
    return " ".join(str(act.ref) for act in acts)
