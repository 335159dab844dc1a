"""From a seed to what will happen, and when. Pure: the same seed gives the same schedule."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Final

from faults import weather
from faults.actions import (
    Action,
    Approve,
    Database,
    Declare,
    DeleteResource,
    DropRows,
    FailNext,
    Kill,
    Lose,
    Manually,
    PutRows,
    RestartApiServer,
    RunCycle,
    SetPin,
    TakePin,
    Undeclare,
)
from faults.facts import Row

SECONDS: Final = 20.0
STEPS: Final = 36
BUSY_SECONDS: Final = 3.0
"""In some seeds cycles begin only in so much of each half; drift passes have the rest."""
FLEET: Final = 32
LEAST: Final = 20
"""Rows, below which none are deleted any more."""
SPECIAL: Final = {"state": "suspended", "hash": None, "gateways": 0}


@dataclass(frozen=True, slots=True)
class Timed:
    """An action and its moment, in seconds from the start."""

    at: float
    action: Action

    def __str__(self) -> str:
        return f"{self.at:5.1f} {self.action}"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is there at the start, and what then happens.

    ``manual``: whose connection F1.3 holds from the start. ``ghosts``: connections of customers nobody knows.
    """

    seed: int
    database: str
    retry: str
    rows: tuple[Row, ...]
    manual: tuple[str, ...]
    ghosts: int
    timed: tuple[Timed, ...]

    def __str__(self) -> str:
        lines = [f"seed {self.seed}: {len(self.rows)} rows in {self.database}, retry {self.retry}, "]
        lines[0] += f"F1.3 holds {' '.join(self.manual)}, {self.ghosts} ghosts"
        return "\n".join([*lines, *map(str, self.timed)])


def schedule(seed: int) -> Schedule:
    """The schedule of a seed."""
    random = Random(seed)  # noqa: S311 - reproducible is the point
    rows = [Row(number, f"f-{number:02}", hash=_hash(random), gateways=random.randint(1, 5)) for number in _ids()]
    for number, (name, value) in enumerate((*SPECIAL.items(), ("hash", "ask-support"), ("hash", rows[-1].hash))):
        rows[number] = replace(rows[number], **{name: value})  # type: ignore[arg-type]  # a field of Row and its value
    draft = _Draft(random, {row.id: row for row in rows})
    moments = sorted(round(random.uniform(0.2, SECONDS), 1) for _ in range(STEPS))
    drawn = [(at, action) for at in moments for action in draft.step()]
    drawn += [(round(random.uniform(0, SECONDS), 1), RunCycle(f"run-{number}")) for number in range(1, 5)]
    if random.random() < 0.6:
        drawn = [(at, action) for at, action in drawn if _is_busy(at) or not isinstance(action, RunCycle)]
    drawn += draft.of_the_cluster()
    drawn += weather.drawn(random, SECONDS)
    drawn.sort(key=lambda each: each[0])
    return Schedule(
        seed=seed,
        database="postgresql" if seed % 4 == 3 else "sqlite",
        retry=random.choice(("NextCycle", "Backoff")),
        rows=tuple(rows),
        manual=(rows[0].ref, *(row.ref for row in random.sample(rows[6:], 2))),
        ghosts=random.randint(0, 3),
        timed=tuple(Timed(at, action) for at, action in drawn),
    )


def _is_busy(at: float) -> bool:
    return at % (SECONDS / 2) < BUSY_SECONDS


def _ids() -> range:
    return range(1, FLEET + 1)


def _hash(random: Random) -> str:
    return random.randbytes(16).hex()


class _Draft:
    """Keeps track while a schedule is drawn, so that what is drawn makes sense."""

    def __init__(self, random: Random, rows: dict[int, Row]) -> None:
        self.random = random
        self.rows = rows
        self.pinned: list[str] = []
        self.declared: list[str] = []
        self.taken: set[str] = set()
        self.pins = self.names = self.outage = 0
        self.last_id = max(rows)

    def step(self) -> list[Action]:
        """One thing that happens, or two that belong together."""
        steps: tuple[tuple[int, Callable[[], list[Action]]], ...] = (
            (9, self._change_row),
            (2, self._join),
            (2, self._leave),
            (1, self._in_bulk),
            (2, self._outage),
            (6, lambda: [*self._pin()]),
            (4, self._race),
            (3, self._unpin),
            (4, self._manually),
            (4, self._lose),
            (1, self._fail_next),
            (2, self._declare),
            (1, self._undeclare),
            (1, self._delete_resource),
            (1, lambda: [Approve()]),
        )
        found: list[Action] = []
        while not found:
            (chosen,) = self.random.choices([each for _, each in steps], [weight for weight, _ in steps])
            found = chosen()
        return found

    def of_the_cluster(self) -> list[tuple[float, Action]]:
        """Restarts and kills; and the database is back in the end."""
        random, found = self.random, list[tuple[float, Action]]()
        if random.random() < 0.6:
            found.append((round(random.uniform(2, SECONDS - 4), 1), RestartApiServer()))
        if random.random() < 0.5:
            found.append((round(random.uniform(1, SECONDS), 1), Kill()))
        if random.random() < 0.5:
            seconds = round(random.uniform(0, 1.5), 2)
            found.append((round(random.uniform(1, SECONDS - 2), 1), Kill(self._name("cut"), seconds)))
        return [*found, (SECONDS, Database("back"))]

    def _name(self, kind: str) -> str:
        self.names += 1
        return f"{kind}-{self.names}"

    def _row(self) -> Row:
        """Anybody, and more often somebody who is pinned or was declared, so that things meet."""
        of_note = [row for row in self.rows.values() if row.ref in self.pinned or row.ref in self.taken]
        some = of_note if of_note and self.random.random() < 0.3 else list(self.rows.values())
        return self.random.choice(some)

    def _put(self, why: str, *rows: Row) -> list[Action]:
        self.rows.update({row.id: row for row in rows})
        return [PutRows(why, rows)]

    def _change_row(self) -> list[Action]:
        row, random = self._row(), self.random
        changes: tuple[tuple[str, dict[str, object]], ...] = (
            ("suspended", {"state": "suspended"}),
            ("suspended", {"state": " Suspended"}),
            ("active", {"state": "active"}),
            ("active again, all well", {"state": "ACTIVE ", "hash": _hash(random), "gateways": 3}),
            ("removed", {"state": "removed"}),
            ("state that does not exist", {"state": "paused"}),
            ("gateways taken", {"gateways": 0}),
            ("gateways given", {"gateways": random.randint(1, 9)}),
            ("new hash", {"hash": _hash(random)}),
            ("new hash", {"hash": _hash(random)}),
            ("malformed hash", {"hash": _hash(random)[:-1]}),
            ("no hash", {"hash": None}),
            ("hash of another", {"hash": self._row().hash}),
        )
        why, fields = random.choice(changes)
        return self._put(why, replace(row, **fields))  # type: ignore[arg-type]  # fields of Row and their values

    def _join(self) -> list[Action]:
        self.last_id += 1
        twice = self.random.random() < 0.25
        ref = self._row().ref if twice else f"f-{self.last_id:02}"
        return self._put("second row" if twice else "joins", Row(self.last_id, ref, hash=_hash(self.random)))

    def _leave(self) -> list[Action]:
        if len(self.rows) < LEAST:
            return []
        row = self._row()
        del self.rows[row.id]
        return [DropRows((row,))]

    def _in_bulk(self) -> list[Action]:
        if len(self.rows) < LEAST:
            return []
        some = self.random.sample(list(self.rows.values()), self.random.randint(7, 10))
        if self.random.random() < 0.5:
            return self._put("suspended in bulk", *(replace(row, state="suspended") for row in some))
        for row in some:
            del self.rows[row.id]
        return [DropRows(tuple(some))]

    def _outage(self) -> list[Action]:
        """Alternately away and back."""
        self.outage += 1
        if self.outage % 2 == 0:
            return [Database("back")]
        what = self.random.choice(("empty", "empty", "broken"))
        return [Database(what), RunCycle(self._name(what), 10.0)]

    def _pin(self, ref: str = "") -> list[SetPin]:
        free = sorted({row.ref for row in self.rows.values()} - self.taken)
        again = self.pinned and self.random.random() < 0.3
        if ref not in free:
            ref = self.random.choice(self.pinned if again else free)
        self.pins += 1
        if ref not in self.pinned:
            self.pinned.append(ref)
        mode = self.random.choice(("connect", "disconnect", "hold", "hold", "Disconnect ", "on-ice"))
        seconds = self.random.choice((None, None, None, 4.0, 8.0))
        return [SetPin(ref, self.pins, mode, seconds)]

    def _race(self) -> list[Action]:
        """A pin in the very moment in which a pass has something to do for the same customer."""
        random = self.random
        well = [
            row for row in self.rows.values() if row.state == "active" and row.gateways and row.ref not in self.taken
        ]
        if not well:
            return []
        row = random.choice(well)
        due: tuple[Callable[[], list[Action]], ...] = (
            lambda: [Lose((row.ref,))],
            lambda: self._put("new hash", replace(row, hash=_hash(random))),
            lambda: self._put("suspended", replace(row, state="suspended")),
        )
        first, strikes = random.choice(due)(), random.choice((weather.SLOW, weather.UNSURE))
        (pin,) = self._pin(row.ref)
        mode, delay = random.choice(("hold", "disconnect", pin.mode)), round(random.uniform(0, 0.6), 2)
        return [*first, *strikes, RunCycle(self._name("race")), replace(pin, mode=mode, delay=delay)]

    def _unpin(self) -> list[Action]:
        return [TakePin(self.pinned.pop(self.random.randrange(len(self.pinned))))] if self.pinned else []

    def _manually(self) -> list[Action]:
        row = self._row()
        what = self.random.choice(("opens", "closes", "closes", "hands back"))
        return [Manually(what, row.ref, row.hash or _hash(self.random))]

    def _lose(self) -> list[Action]:
        refs = tuple(self._row().ref for _ in range(self.random.randint(1, 3)))
        return [Lose(refs, self.random.choice(("disconnected", "disconnected", "failed")))]

    def _fail_next(self) -> list[Action]:
        ref = self._row().ref
        return [FailNext(ref, self.random.randint(1, 2)), Lose((ref,))]

    def _declare(self) -> list[Action]:
        known = sorted({row.ref for row in self.rows.values()} - self.taken - set(self.pinned))
        ref = self.random.choice(known) if self.random.random() < 0.4 else f"m-{len(self.taken)}"
        self.taken.add(ref)
        self.declared.append(ref)
        return [Declare(ref, _hash(self.random), self.random.choice(("active", "active", "suspended")))]

    def _undeclare(self) -> list[Action]:
        return [Undeclare(self.declared.pop(self.random.randrange(len(self.declared))))] if self.declared else []

    def _delete_resource(self) -> list[Action]:
        free = sorted({row.ref for row in self.rows.values()} - self.taken - set(self.pinned))
        return [DeleteResource(self.random.choice(free))]
