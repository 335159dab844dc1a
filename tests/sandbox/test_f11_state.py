"""The simulator's truth, without HTTP: time is a number."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navixy_operator.sandbox.f11.behaviour import Alteration, Behaviour, Failure, Seed
from navixy_operator.sandbox.f11.records import Change, Connection, Query, Remembered, Table
from navixy_operator.sandbox.f11.state import KEY_SECONDS, World

FINGERPRINT = "0123456789abcdef"


class Recorder:
    """A world whose sink keeps what a store would."""

    def __init__(self, **settings: Any) -> None:
        self.rows: dict[str, tuple[Any, ...]] = {}
        self.keys: dict[str, Remembered] = {}
        self.history: list[Change] = []
        self.ids = iter(range(10**6))
        self.world = World(Behaviour(**settings), self.sink, lambda: f"c{next(self.ids)}")

    def sink(self, table: Table, row: tuple[Any, ...]) -> None:
        """Keep a row as SQLite would."""
        match table:
            case Table.CONNECTIONS:
                self.rows[row[0]] = row
            case Table.FORGOTTEN:
                del self.rows[row[0]]
            case Table.KEYS:
                self.keys[row[0]] = Remembered(*row[1:])
            case Table.HISTORY:
                self.history.append(Change(*row))

    def restarted(self) -> World:
        """A new world from what the store has."""
        world = World(self.world.behaviour, lambda *_: None, lambda: f"c{next(self.ids)}")
        connections = sorted((Connection.from_row(row) for row in self.rows.values()), key=lambda one: one.seq)
        world.restore(connections, dict(self.keys), list(self.history))
        return world


def test_pending_settles_when_it_is_time() -> None:
    """Not before; and the moment is the settling's, not the look's."""
    world = Recorder(settle_seconds=10).world
    one = world.establish("A-1", FINGERPRINT, "automatic", 100)
    world.advance(109.9)
    assert one.state == "pending"
    world.advance(500)
    assert (one.state, one.updated_at) == ("connected", 110)
    assert [(change.before, change.after, change.by) for change in world.history] == [
        (None, "pending", "api"),
        ("pending", "connected", "settle"),
    ]


def test_failures_are_counted() -> None:
    """Two fail, the third stands; one without a count always fails."""
    world = Recorder(failures={"A-1": Failure(times=2), "A-2": Failure(permanent=True)}).world
    for expected in ("failed", "failed", "connected"):
        one = world.establish("A-1", FINGERPRINT, "automatic", 1)
        world.advance(2)
        assert one.state == expected
        world.close(one, 3)
    for _ in range(3):
        one = world.establish("A-2", FINGERPRINT, "automatic", 1)
        world.advance(2)
        assert one.error == {"code": "navixy-unreachable", "message": "Navixy did not answer", "permanent": True}
        world.close(one, 3)


def test_closing_takes_its_time_and_is_forgotten_later() -> None:
    """Closing, disconnected, listed for a while, gone."""
    world = Recorder(close_seconds=5, retention_seconds=60).world
    one = world.establish("A-1", FINGERPRINT, "manual", 0)
    world.advance(1)
    assert not world.close(one, 10)
    assert not world.close(one, 12)  # asking again does not make it later
    world.advance(14)
    assert one.is_open
    world.advance(15)
    assert (one.state, one.origin) == ("disconnected", "automatic")
    assert world.close(one, 16)
    world.advance(74)
    assert one.id in world.connections
    world.advance(75)
    assert one.id not in world.connections
    assert world.page(Query(), 0) == ([], None)


def test_the_history_says_whose_a_connection_was_and_when_its_end_was_asked_for() -> None:
    """Who closes a connection of F1.3 is found out, also where closing takes its time."""
    world = Recorder(close_seconds=5).world
    slow = world.establish("A-1", FINGERPRINT, "manual", 0)
    world.advance(1)
    world.close(slow, 10)
    world.advance(20)
    lost = world.seed(Seed(customer_ref="A-2"), 30)
    world.alter(lost, Alteration(state="disconnected", origin="manual"), 31)
    world.alter(lost, Alteration(origin="automatic"), 32)
    world.alter(lost, Alteration(origin="automatic"), 33)
    told = [(one.after, one.origin_before, one.origin, one.fingerprint, one.at, one.asked_at) for one in world.history]
    assert told == [
        ("pending", None, "manual", FINGERPRINT, 0, 0),
        ("connected", "manual", "manual", FINGERPRINT, 0, 0),
        ("disconnected", "manual", "automatic", FINGERPRINT, 15, 10),
        ("connected", None, "automatic", None, 30, 30),
        ("disconnected", "automatic", "manual", None, 31, 31),
        ("disconnected", "manual", "automatic", None, 32, 32),
    ]


def test_a_shorter_retention_counts_for_those_already_closed() -> None:
    """Changed settings are worked out anew."""
    world = Recorder(retention_seconds=1000).world
    one = world.seed(Seed(), 0)
    world.close(one, 10)
    world.behaviour.retention_seconds = 5
    world.replan()
    world.advance(15)
    assert not world.connections


def test_keys_are_remembered_for_a_day() -> None:
    """24 hours, by the contract."""
    world = Recorder().world
    world.remember("k", "digest", 202, b"{}", 100)
    world.advance(100 + KEY_SECONDS - 1)
    assert "k" in world.keys
    world.advance(100 + KEY_SECONDS)
    assert "k" not in world.keys


def test_an_alteration_moves_the_customers_place() -> None:
    """Lost by Navixy: the place is free. Opened by F1.3: it is taken."""
    world = Recorder().world
    one = world.establish("A-1", FINGERPRINT, "automatic", 0)
    world.alter(one, Alteration(state="disconnected", origin="manual"), 5)
    assert world.open_of("A-1") is None
    assert (one.state, one.origin, one.updated_at) == ("disconnected", "manual", 5)
    world.alter(one, Alteration(state="connected"), 6)
    assert world.open_of("A-1") is one


@pytest.mark.parametrize("overlap", [0, 3])
@given(count=st.integers(0, 40), size=st.integers(4, 20), gone=st.sets(st.integers(0, 39)))
def test_pages_show_everything_once_or_more(overlap: int, count: int, size: int, gone: set[int]) -> None:
    """Any size, any forgotten ones; without overlap exactly once and in order."""
    world = Recorder(retention_seconds=0).world
    made = [world.seed(Seed(), 0) for _ in range(count)]
    for number in gone & set(range(count)):
        world.close(made[number], 1)
    world.advance(2)
    seen: list[str] = []
    after: int | None = 0
    pages = 0
    while after is not None:
        items, after = world.page(Query(size=size), after, overlap)
        seen += [one.id for one in items]
        pages += 1
        assert pages <= 50
    left = [one.id for number, one in enumerate(made) if number not in gone]
    assert list(dict.fromkeys(seen)) == left
    assert overlap or seen == left


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["establish", "close", "wait", "lose", "key"]), st.sampled_from("ABC"), st.integers(0, 9)
    ),
    max_size=40,
)


@given(actions=ACTIONS, settle=st.integers(0, 5), closing=st.integers(0, 5))
def test_a_restart_changes_nothing(actions: list[tuple[str, str, int]], settle: int, closing: int) -> None:
    """After any actions a world read back from the store goes on as the one that was not stopped."""
    kept = Recorder(settle_seconds=settle, close_seconds=closing, retention_seconds=20)
    world, now = kept.world, 1000.0
    for action, customer, number in actions:
        now += number if action == "wait" else 0.25
        world.advance(now)
        held = world.open_of(customer)
        if action == "establish" and held is None:
            world.establish(customer, FINGERPRINT, "automatic", now)
        elif action == "close" and held:
            world.close(held, now)
        elif action == "lose" and held:
            world.alter(held, Alteration(state="disconnected"), now)
        elif action == "key":
            world.remember(f"{customer}{number}", "d", 202, b"{}", now)
        opened = [one.customer_ref for one in world.connections.values() if one.is_open]
        assert len(opened) == len(set(opened))
    again = kept.restarted()
    for later in (now, now + 6, now + 100):
        again.advance(later)
        world.advance(later)
        assert [one.json() for one in again.connections.values()] == [one.json() for one in world.connections.values()]
        assert (again.history, again.keys) == (world.history, world.keys)
        assert [again.open_of(name) for name in "ABC"] == [world.open_of(name) for name in "ABC"]
