"""The suite's own statement of the rules, and that the same seed tells the same story."""

import typing
from dataclasses import replace

import pytest

from faults import hands
from faults.actions import Action, Database, Strike
from faults.facts import Declaration, Facts, Pin, Row, fingerprint
from faults.oracle import Must, expected
from faults.schedule import schedule
from faults.weather import STRIKES

GOOD, OTHER = "a" * 32, "b" * 32
ACME = Row(1, "acme", hash=GOOD)
FACTS = Facts().with_rows(ACME, Row(2, "beta", hash=OTHER))


def pinned(mode: str, facts: Facts = FACTS, until: float | None = None) -> Facts:
    """Acme pinned."""
    return facts.with_pin("acme", Pin(1, mode, until))


def acme(**fields: object) -> Facts:
    """Acme's row changed."""
    return FACTS.with_rows(replace(ACME, **fields))  # type: ignore[arg-type]  # fields of Row and their values


TWICE = FACTS.with_rows(Row(3, "acme", hash=OTHER[1:] + "c"))
OFF = acme(state="suspended")
CASES = {
    "eligible": (FACTS, Must.CONNECTED),
    "without case and spaces": (acme(state=" Active ", provider="NAVIXY"), Must.CONNECTED),
    "suspended": (OFF, Must.CLOSED),
    "removed": (acme(state="REMOVED"), Must.CLOSED),
    "gone": (FACTS.without_rows(1), Must.CLOSED),
    "another provider's": (acme(provider="wialon"), Must.CLOSED),
    "unknown state": (acme(state="paused"), Must.AS_IT_IS),
    "several rows": (TWICE, Must.AS_IT_IS),
    "several rows, all suspended": (OFF.with_rows(Row(3, "acme", "suspended")), Must.CLOSED),
    "hash of another": (acme(hash=OTHER), Must.AS_IT_IS),
    "suspended, with the hash of another": (acme(hash=OTHER, state="suspended"), Must.CLOSED),
    "no gateways": (acme(gateways=0), Must.CLOSED),
    "no hash": (acme(hash=None), Must.CLOSED),
    "blank hash": (acme(hash="  "), Must.CLOSED),
    "malformed hash": (acme(hash=GOOD[1:]), Must.CLOSED),
    "hold": (pinned("hold"), Must.AS_IT_IS),
    "unknown mode": (pinned("on-ice"), Must.AS_IT_IS),
    "disconnect": (pinned(" Disconnect "), Must.CLOSED),
    "disconnect, over": (pinned("disconnect", until=99.0), Must.CONNECTED),
    "disconnect, not yet over": (pinned("disconnect", until=101.0), Must.CLOSED),
    "connect, suspended": (pinned("connect", OFF), Must.CONNECTED),
    "connect, gone": (pinned("connect", FACTS.without_rows(1)), Must.CLOSED),
    "connect, hash of another": (pinned("connect", acme(hash=OTHER)), Must.CONNECTED),
    "F1.3 has it": (replace(OFF, manual=frozenset({"acme"})), Must.AS_IT_IS),
    "F1.3 before a pin": (replace(pinned("disconnect"), manual=frozenset({"acme"})), Must.AS_IT_IS),
    "empty database": (replace(FACTS, hidden=True), Must.AS_IT_IS),
    "broken database": (replace(FACTS, broken=True), Must.AS_IT_IS),
    "declared": (replace(OFF, declared={"acme": Declaration("c" * 32)}), Must.CONNECTED),
    "declared suspended": (replace(FACTS, declared={"acme": Declaration("c" * 32, "suspended")}), Must.CLOSED),
    "declared with the hash of another": (replace(OFF, declared={"acme": Declaration(OTHER)}), Must.AS_IT_IS),
    "declared, empty database": (replace(FACTS, hidden=True, declared={"acme": Declaration(GOOD)}), Must.CONNECTED),
}


@pytest.mark.parametrize(("facts", "must"), CASES.values(), ids=CASES)
def test_the_rules(facts: Facts, must: Must) -> None:
    """Every line of the oracle's table."""
    assert expected(facts, "acme", 100.0).must is must


def test_which_hash_must_be_connected() -> None:
    """The row's, or the declaration's before it."""
    assert expected(FACTS, "acme", 0).print_ == fingerprint(GOOD)
    declared = replace(FACTS, declared={"acme": Declaration("c" * 32)})
    assert expected(declared, "acme", 0).print_ == fingerprint("c" * 32)


def test_a_pin_to_connect_keeps_what_lives_without_a_hash() -> None:
    """A person's word does not end in a close because the hash has gone."""
    facts = pinned("connect", FACTS.without_rows(1))
    assert expected(facts, "acme", 0, alive=True).must is Must.AS_IT_IS


def test_a_seed_tells_the_same_story_again() -> None:
    """The same seed, the same schedule; another one, another."""
    assert [schedule(seed) for seed in range(5)] == [schedule(seed) for seed in range(5)]
    assert len({str(schedule(seed)) for seed in range(50)}) == 50


def test_everything_is_drawn_and_can_be_done() -> None:
    """Over the seeds every action and every single fault comes up; all have hands; the database is back in the end."""
    timed = [each for seed in range(300) for each in schedule(seed).timed]
    kinds = set(typing.get_args(Action))
    assert {type(each.action) for each in timed} == kinds
    struck = {(each.action.kind, each.action.fields) for each in timed if isinstance(each.action, Strike)}
    assert struck >= {(kind, tuple(fields.items())) for kind, fields in STRIKES}
    assert all(hands._do.dispatch(kind) is not hands._do.dispatch(object) for kind in kinds)
    for seed in range(300):
        last = [each.action for each in schedule(seed).timed if isinstance(each.action, Database)][-1]
        assert last == Database("back")
