"""The invariants find what is planted, and nothing else: a suite that cannot fail proves nothing."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from faults.facts import Facts, Pin, Row, fingerprint
from faults.invariants import Evidence, Limits, violations
from faults.ledger import Cycle, Echo, Entry, Ledger
from faults.trace import trace

HASHES = {number: f"{number:032x}" for number in range(1, 31)}
FLEET = Facts().with_rows(*(Row(number, f"f-{number}", hash=HASHES[number]) for number in HASHES))
LIMITS = Limits(min_closes=3, max_close_percent=20)
CYCLE = Cycle("c", "completed", 90.0, 110.0)


def line(number: int, after: str, at: float, **fields: Any) -> dict[str, Any]:
    """A change of a customer's connection by the operator, automatic before and after."""
    by = "api" if after in {"pending", "disconnected"} else "settle"
    known = {"customer_ref": f"f-{number}", "fingerprint": fingerprint(HASHES[number]), "asked_at": at}
    origins = {"origin_before": "automatic", "origin": "automatic"}
    return {"connection_id": f"cn-{number}", "after": after, "at": at, "by": by, **known, **origins, **fields}


def opened(numbers: Iterable[int], at: float = 1.0) -> list[dict[str, Any]]:
    """Connections opened one after the other."""
    return [line(number, after, at) for number in numbers for after in ("pending", "connected")]


def closed(numbers: Iterable[int], at: float) -> list[dict[str, Any]]:
    """Connections closed."""
    return [line(number, "disconnected", at) for number in numbers]


def seen(
    history: list[dict[str, Any]], *entries: tuple[float, Facts], cycles: Iterable[Cycle] = (), echo: Echo | None = None
) -> list[str]:
    """The names of the invariants that find something."""
    ledger = Ledger([Entry(at, at, facts) for at, facts in ((0.0, FLEET), *entries)], cycles=list(cycles))
    if echo is not None:
        ledger.echoes[echo.ref, echo.number] = echo
    return sorted({one.partition(":")[0] for one in violations(Evidence(trace(history), ledger, LIMITS))})


def suspended(numbers: Iterable[int], facts: Facts = FLEET) -> Facts:
    """These customers suspended."""
    return facts.with_rows(*(replace(facts.rows[number], state="suspended") for number in numbers))


def test_what_the_rules_want_is_no_finding() -> None:
    """Opened since eligible, closed since suspended, a changed hash put right, three closes at once."""
    changed = suspended([1, 2]).with_rows(replace(FLEET.rows[3], hash="f" * 32))
    again = line(3, "pending", 101.0, connection_id="cn-new", fingerprint=fingerprint("f" * 32))
    history = [*opened(HASHES), *closed([1, 2, 3], 100.0), again]
    assert seen(history, (50.0, changed), cycles=[CYCLE]) == []


@pytest.mark.parametrize("after", ["pending", "disconnected"])
def test_acts_against_the_rules_are_found(after: str) -> None:
    """Closing an eligible customer; opening a suspended one, whom an earlier cycle has already taken note of."""
    earlier = Cycle("b", "completed", 60.0, 61.0)
    facts = FLEET if after == "disconnected" else suspended([1])
    history = [*(opened([1]) if after == "disconnected" else []), line(1, after, 100.0)]
    assert seen(history, (50.0, facts), cycles=[earlier, CYCLE]) == ["by_the_rules"]


def test_what_was_right_a_moment_ago_is_no_finding() -> None:
    """State changes during a cycle count in the next one: until then both are right."""
    assert seen([*opened([1]), *closed([1], 100.0)], (50.0, suspended([1])), (99.0, FLEET), cycles=[CYCLE]) == []


def test_a_pin_that_ends_uncovers_what_the_last_cycle_published() -> None:
    """A drift pass goes by the database as it was polled, and by the pins of now."""
    pinned = suspended([1]).with_pin("f-1", Pin(7, "hold", until=115.0))
    history = [*opened([1]), *closed([1], 116.0)]
    assert seen(history, (50.0, pinned), (112.0, replace(pinned, hidden=True)), cycles=[CYCLE]) == []


def test_two_open_connections_are_found() -> None:
    """Of one customer, at once, whoever opened them."""
    assert seen([*opened([1]), line(1, "pending", 2.0, connection_id="cn-more")]) == ["one_each"]


def test_what_is_in_f13s_hands_is_guarded() -> None:
    """F1.3's connection of a suspended customer, closed by a cycle that began later."""
    facts = replace(suspended([1]), manual=frozenset({"f-1"}))
    assert seen([*opened([1]), *closed([1], 100.0)], (50.0, facts), cycles=[CYCLE]) == ["by_the_rules"]


@pytest.mark.parametrize(("mode", "after"), [("hold", "disconnected"), ("disconnect", "pending")])
def test_what_is_pinned_is_guarded(mode: str, after: str) -> None:
    """From the note of a pin to its end: what the rules wanted before the pin is no excuse."""
    begin = opened([1]) if after == "disconnected" else []
    facts = suspended([1]) if after == "disconnected" else FLEET
    entries = [(20.0, facts), (30.0, facts.with_pin("f-1", Pin(7, mode))), (60.0, facts)]
    echo = Echo("f-1", 7, mode, 31.0)
    act = line(1, after, 50.0)
    assert seen([*begin, act], *entries, echo=echo) == ["pins"]
    for moment in (30.5, 60.5):
        assert seen([*begin, {**act, "asked_at": moment, "at": moment}], *entries, echo=echo) == []


def test_a_close_asked_for_before_a_pin_is_no_finding() -> None:
    """Closing takes its time: what counts is when it was asked for."""
    entries = [(20.0, suspended([1])), (30.0, suspended([1]).with_pin("f-1", Pin(7, "hold")))]
    act = line(1, "disconnected", 50.0, by="close", asked_at=29.0)
    assert seen([*opened([1]), act], *entries, echo=Echo("f-1", 7, "hold", 31.0)) == []


def test_the_guard_of_a_cycle_is_guarded() -> None:
    """Seven of thirty are more than 20 percent; six are not; approved ones do not count."""
    many = suspended(range(1, 8))
    history = [*opened(HASHES), *closed(range(1, 8), 100.0)]
    assert seen(history, (50.0, many), cycles=[CYCLE]) == ["cycle_guard"]
    assert seen(history[:-1], (50.0, many), cycles=[CYCLE]) == []
    before = Cycle("held", "completed", 60.0, 61.0, held=frozenset({("f-1", "cn-1"), ("f-2", "cn-2")}))
    assert seen(history, (50.0, many), cycles=[before, replace(CYCLE, approves="held")]) == []


def test_the_guard_of_drift_passes_is_guarded() -> None:
    """They count together, however far apart."""
    history = [*opened(HASHES), *(one for n in range(1, 8) for one in closed([n], 200.0 + n))]
    assert seen(history, (50.0, suspended(range(1, 8))), cycles=[CYCLE]) == ["drift_guard"]


def test_an_empty_database_is_guarded() -> None:
    """Closing anybody by its word is against the rules."""
    hidden = replace(FLEET, hidden=True)
    assert seen([*opened([1]), *closed([1], 100.0)], (50.0, hidden), cycles=[CYCLE]) == ["by_the_rules"]


def test_ghosts_are_a_cycles_business() -> None:
    """A connection of somebody unknown may be closed by a cycle, and by nothing else."""
    ghost = {"customer_ref": "ghost-1", "connection_id": "g"}
    there = line(1, "connected", 1.0, by="seed", **ghost)
    assert seen([there, line(1, "disconnected", 100.0, **ghost)], cycles=[CYCLE]) == []
    assert seen([there, line(1, "disconnected", 200.0, **ghost)], cycles=[CYCLE]) == ["extras"]
