"""Drift passes against fakes: what they ask for, what they do, and what they leave (design sections 3 and 4)."""

from dataclasses import replace
from typing import Any

import pytest

from navixy_operator.chronicle import Chronicle
from navixy_operator.core.guards import Limits
from navixy_operator.core.vocabulary import FINALIZER, PIN, ConnectionState, Kind, Policy
from navixy_operator.drift import Drifted, Pass, attend, run_drift
from navixy_operator.driftmemory import Memory
from navixy_operator.errors import DatabaseUnavailable
from support.builders import connection, hash_of, print_of, resource, row
from support.cycles import SYNC, order, ready, run
from support.fakes import World

UNCHANGED = ["list NavixyCustomer", "list unchanged"]


class Between:
    """A world after a first cycle, and the passes that follow it."""

    def __init__(self, *refs: str) -> None:
        self.world = World()
        self.world.database.rows = [row(ref, number=place) for place, ref in enumerate(refs, 1)]
        self.memory = Memory()
        self.noted: list[int] = []

    async def cycle(self, name: str = "c-1", **fields: Any) -> list[str]:
        """A cycle: what it asked for."""
        return (await run(self.world, name, **fields)).journal

    def work(self, **fields: Any) -> Pass:
        """What a pass works with."""
        return Pass(
            order("d", **fields), self.world.outside, Chronicle("d", SYNC, self.world.clock), self.memory, self.note
        )

    async def note(self, count: int) -> None:
        """Keep what is about to be closed."""
        self.noted.append(count)
        self.world.journal.append(f"note {count}")

    async def drift(self, **fields: Any) -> tuple[Drifted, list[str]]:
        """One pass over all: how it ended, and what it asked for."""
        begin = len(self.world.journal)
        drifted = await run_drift(self.work(**fields))
        return drifted, self.world.journal[begin:]

    async def attend(self, *names: str, **fields: Any) -> list[str]:
        """One pass over a few: what it asked for."""
        begin = len(self.world.journal)
        await attend(self.work(**fields), names)
        return self.world.journal[begin:]

    def lose(self, ref: str, state: ConnectionState = ConnectionState.DISCONNECTED) -> None:
        """F1.1 loses a connection by itself."""
        found = self.world.forwarding.found
        (one,) = [c for c in found.values() if c.customer_ref == ref and c.is_open]
        found[one.id] = replace(one, state=state)

    def annotate(self, name: str, **annotations: str) -> None:
        """A person annotates a customer."""
        key = (Kind.CUSTOMER, name)
        self.world.resources.objects[key] = replace(
            self.world.resources.objects[key], annotations={PIN: annotations["pin"]}
        )


@pytest.fixture
async def between() -> Between:
    """Two customers, connected by a cycle."""
    found = Between("acme", "beta")
    await found.cycle()
    return found


async def test_an_unchanged_pass_costs_one_list_and_no_write(between: Between) -> None:
    """And the next one, which F1.1 answers 304, does not even decide."""
    _, first = await between.drift()
    assert first == ["list NavixyCustomer", "list connections"]
    drifted, second = await between.drift()
    assert second == UNCHANGED
    assert drifted.settled == ()
    assert drifted.counts is not None
    assert (drifted.counts.expected, drifted.counts.actual, drifted.counts.unresolved) == (2, 2, 0)


async def test_a_lost_connection_is_established_with_a_hash_looked_up_for_just_it(between: Between) -> None:
    """No poll: one look-up of one customer, one establish, one status write."""
    between.lose("beta")
    del between.world.forwarding.found["new-beta"]
    _, journal = await between.drift()
    assert [entry for entry in journal if entry.startswith(("poll", "look up", "establish", "close", "status"))] == [
        "look up 1",
        "establish beta",
    ]
    assert ready(between.world, "beta") == ("True", "Connected")


async def test_a_repair_asks_under_the_same_key_after_a_crash(between: Between) -> None:
    """The answer was lost, and the process with it: the same gap is filled under the same key, a cycle has its own."""
    between.lose("beta")
    gap = between.world.forwarding.found["new-beta"]
    await between.drift()
    keys = between.world.forwarding.keys
    first = keys[-1]
    between.world.forwarding.found["new-beta"] = gap
    between.memory = Memory()
    await between.drift()
    assert keys[-1] == first
    between.world.forwarding.found["new-beta"] = gap
    await between.cycle("c-2")
    assert keys[-1] != first


async def test_who_the_database_no_longer_wants_is_not_opened(between: Between) -> None:
    """Suspended, another hash, twice, or gone since: left to the next cycle."""
    between.lose("beta")
    for changed in (
        [row("beta", state="suspended")],
        [row("beta", navixy_hash=hash_of("other"))],
        [row("beta"), row("beta", number=2)],
        [],
    ):
        between.world.database.rows = [row("acme"), *changed]
        _, journal = await between.drift()
        assert "establish beta" not in journal
        assert ready(between.world, "beta") == ("False", "DatabaseChanged")


async def test_a_database_that_does_not_answer_holds_only_what_needs_it(between: Between) -> None:
    """The suspended one that is open is closed all the same."""
    between.world.database.rows = [row("acme"), row("beta"), row("off", number=3, state="suspended")]
    await between.cycle("c-2")
    between.lose("beta")
    between.world.connect(connection("c-off", "off"))
    between.world.database.error = DatabaseUnavailable("no answer")
    drifted, journal = await between.drift()
    assert "close c-off" in journal
    assert "establish beta" not in journal
    assert ready(between.world, "beta") == ("False", "DatabaseUnavailable")
    assert isinstance(drifted.looked_up.trouble, DatabaseUnavailable)


async def test_closes_are_noted_before_they_are_made(between: Between) -> None:
    """So that no crash makes the guard forget them."""
    between.world.database.rows = [row("acme"), row("beta", state="suspended")]
    await between.cycle("c-2")
    between.world.connect(connection("again", "beta"))
    _, journal = await between.drift()
    assert journal.index("note 1") < journal.index("close again")


async def test_beyond_the_limit_a_pass_closes_nobody(between: Between) -> None:
    """And what it holds, the next passes hold, though they alone would be within the limit."""
    between.world.database.rows = [row("acme", state="suspended"), row("beta", state="suspended")]
    await between.cycle("c-2")
    between.world.connect(connection("a", "acme"), connection("b", "beta"))
    limits = Limits(max_close_percent=0, min_closes=1)
    drifted, journal = await between.drift(limits=limits)
    assert not [entry for entry in journal if entry.startswith(("close", "note"))]
    assert drifted.counts is not None
    assert drifted.counts.held == 2
    assert ready(between.world, "acme") == ("False", "MassClose")
    between.lose("acme")
    _, journal = await between.drift(limits=limits)
    assert "close b" not in journal


async def test_extras_are_counted_and_left(between: Between) -> None:
    """Only a cycle, which has looked the reference up, may close them."""
    between.world.connect(connection("x", "stranger"), connection("y", None))
    drifted, journal = await between.drift()
    assert not [entry for entry in journal if entry.startswith("close")]
    assert drifted.counts is not None
    assert (drifted.counts.expected, drifted.counts.actual, drifted.counts.unresolved) == (2, 4, 2)


async def test_a_failed_one_waits_for_the_cycle_and_with_backoff_for_its_pause(between: Between) -> None:
    """NextCycle: left, and its status with it. Backoff: tried again when its pause is over, and not before."""
    between.lose("beta", ConnectionState.FAILED)
    await between.drift()
    assert ready(between.world, "beta") == ("False", "EstablishFailed")
    between.world.clock.seconds += 7200
    _, journal = await between.drift()
    assert not [entry for entry in journal if entry.startswith(("close", "establish", "status"))]
    between.memory = Memory()
    _, journal = await between.drift(soon=True)
    assert "establish beta" not in journal, "the first sight of a failure begins its pause"
    between.world.clock.seconds += 61
    _, journal = await between.drift(soon=True)
    assert "establish beta" in journal


async def test_a_pin_is_attended_to_with_requests_about_that_customer_alone(between: Between) -> None:
    """Disconnect: its own connections are listed, one close, one look, one status write."""
    between.annotate("beta", pin="disconnect")
    journal = await between.attend("beta")
    assert journal == ["list NavixyCustomer", "list beta", "close new-beta", "list beta", "status beta"]
    assert ready(between.world, "beta") == ("True", "Pinned")
    assert between.noted == [], "a person's close does not count for the guard"


async def test_a_pin_set_while_a_pass_decides_has_the_last_word(between: Between) -> None:
    """Between the decision and the act somebody pins the customer off: nothing is opened, and no status is written."""
    between.lose("beta")
    rows_of = between.world.database.rows_of

    async def and_meanwhile(*arguments: Any) -> None:
        await rows_of(*arguments)
        between.annotate("beta", pin="disconnect")

    between.world.database.rows_of = and_meanwhile  # type: ignore[method-assign, assignment] # a person is quick
    _, journal = await between.drift()
    assert not [entry for entry in journal if entry in {"establish beta", "status beta"}]


async def test_what_stays_pending_is_failed_in_time_whoever_is_pinned_meanwhile(between: Between) -> None:
    """A pass over a few customers does not forget since when others have been pending."""
    between.lose("beta")
    between.world.forwarding.settle_seconds = 1e6
    await between.drift()
    between.world.clock.seconds += 20
    between.annotate("acme", pin="disconnect")
    await between.attend("acme")
    between.world.clock.seconds += 20
    await between.drift()
    assert ready(between.world, "beta") == ("False", "EstablishFailed")


@pytest.mark.parametrize("policy", [Policy.OBSERVE, Policy.UPSERT_ONLY])
async def test_a_policy_binds_drift_passes(between: Between, policy: Policy) -> None:
    """Observe does nothing, UpsertOnly closes nothing."""
    between.world.database.rows = [row("acme"), row("beta", state="suspended")]
    await between.cycle("c-2")
    between.world.connect(connection("again", "beta"))
    between.lose("acme")
    _, journal = await between.drift(policy=policy)
    assert "close again" not in journal
    assert ("establish acme" in journal) is (policy is Policy.UPSERT_ONLY)


async def settles(between: Between, ref: str, why: str, **fields: Any) -> None:
    """Cycles and passes take turns, and write one customer's status once, or not at all."""
    await between.cycle("c-2", **fields)
    for name in ("c-3", "c-4"):
        _, journal = await between.drift(**fields)
        journal += await between.cycle(name, **fields)
        assert not {f"status {ref}", f"establish {ref}", f"close new-{ref}"} & set(journal)
        assert ready(between.world, ref)[1] == why


async def test_a_failed_one_that_the_policy_holds_reads_the_same_to_both(between: Between) -> None:
    """A pass does not say of it that a cycle will try again."""
    between.lose("beta", ConnectionState.FAILED)
    await settles(between, "beta", "PolicyObserve", policy=Policy.OBSERVE)


@pytest.mark.parametrize("lost", [False, True])
async def test_who_may_be_a_row_without_a_reference_is_left_by_both(between: Between, *, lost: bool) -> None:
    """Also where a person wants it connected: the hash cannot be looked up under its name."""
    between.world.database.rows = [row("acme"), row(None, navixy_hash=hash_of("beta"))]
    between.annotate("beta", pin="connect")
    if lost:
        del between.world.forwarding.found["new-beta"]
    await settles(between, "beta", "UnreadableReference" if lost else "Pinned")


async def test_a_connection_with_the_hash_of_a_row_without_a_reference_stays(between: Between) -> None:
    """The customer had another hash when it was last read; the connection alone tells that it may be that row."""
    between.world.database.rows = [row("acme"), row(None, navixy_hash=hash_of("newer"))]
    found = between.world.forwarding.found
    found["new-beta"] = replace(found["new-beta"], fingerprint=print_of("newer"))
    await settles(between, "beta", "UnreadableReference")


async def test_a_declaration_in_deletion_is_closed_and_let_go(between: Between) -> None:
    """The finalizer goes when nothing is open; in a namespace that is going, at once, and nothing is closed."""
    spec = {"customerRef": "gift", "sync": "main", "source": "Manual", "state": "active"}
    where = {"hashSecretRef": {"name": "gift", "key": "hash"}}
    item = resource(Kind.CUSTOMER, "gift", spec={**spec, **where}, deleting=True, finalizers=(FINALIZER,))
    between.world.resources.objects[Kind.CUSTOMER, "gift"] = item
    between.world.connect(connection("g", "gift"))
    between.world.resources.accepting = False
    journal = await between.attend("gift")
    assert "finalizers gift" in journal
    assert "close g" not in journal
    between.world.resources.objects[Kind.CUSTOMER, "gift"] = item
    between.world.resources.accepting = True
    journal = await between.attend("gift")
    assert journal.index("close g") < journal.index("finalizers gift")
