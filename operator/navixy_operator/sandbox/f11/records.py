"""The nouns of the simulator's truth, and how the contract shows a connection. Moments: seconds since the epoch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

import orjson


class Table(StrEnum):
    """What the sink is told about."""

    CONNECTIONS = "connections"
    KEYS = "keys"
    HISTORY = "history"
    FORGOTTEN = "forgotten"


Sink = Callable[[Table, tuple[Any, ...]], None]


@dataclass(slots=True)
class Connection:
    """One connection, with what is going to become of it."""

    id: str
    seq: int
    provider: str
    customer_ref: str | None
    state: str
    origin: str
    fingerprint: str | None
    error: dict[str, object] | None
    created_at: float
    updated_at: float
    settles_at: float | None = None
    fails_with: dict[str, object] | None = None
    closes_at: float | None = None
    closing_since: float | None = None
    text: bytes | None = field(default=None, compare=False)
    """Its JSON, until the next change."""

    @property
    def is_open(self) -> bool:
        """Whether it takes up its customer's place."""
        return self.state != "disconnected"

    def row(self) -> tuple[Any, ...]:
        """For the store, in the order of the fields."""
        return (
            self.id,
            self.seq,
            self.provider,
            self.customer_ref,
            self.state,
            self.origin,
            self.fingerprint,
            _dump(self.error),
            self.created_at,
            self.updated_at,
            self.settles_at,
            _dump(self.fails_with),
            self.closes_at,
            self.closing_since,
        )

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> "Connection":
        """Back from the store."""
        fields = list(row)
        fields[7], fields[11] = _load(fields[7]), _load(fields[11])
        return cls(*fields)

    def json(self) -> bytes:
        """As the contract shows it; optional fields only where there is something to say."""
        if self.text is None:
            created = _moment(self.created_at)
            shown: dict[str, object] = {
                "id": self.id,
                "provider": self.provider,
                "customer_ref": self.customer_ref,
                "state": self.state,
                "origin": self.origin,
                "created_at": created,
                "updated_at": created if self.updated_at == self.created_at else _moment(self.updated_at),
            }
            if self.fingerprint is not None:
                shown["hash_fingerprint"] = self.fingerprint
            if self.error is not None:
                shown["error"] = self.error
            self.text = orjson.dumps(shown)
        return self.text


class Remembered(NamedTuple):
    """The first answer to an idempotency key."""

    at: float
    digest: str
    status: int
    body: bytes


class Change(NamedTuple):
    """One line of the history, of a change of state or origin; ``by``: api, seed, settle, close, alter.

    ``before`` and ``origin_before`` are None for a new connection. ``asked_at`` is the moment of the request behind a
    change that took its time (``close``), else the change's own.
    """

    number: int
    at: float
    connection_id: str
    customer_ref: str | None
    before: str | None
    after: str
    by: str
    origin_before: str | None
    origin: str
    fingerprint: str | None
    asked_at: float


@dataclass(frozen=True, slots=True)
class Query:
    """Which connections, and how many at once."""

    provider: str | None = None
    states: frozenset[str] = frozenset()
    customer_ref: str | None = None
    size: int = 100

    def wants(self, one: Connection) -> bool:
        """Whether the connection is asked for."""
        return (
            (self.provider is None or one.provider == self.provider)
            and (not self.states or one.state in self.states)
            and (self.customer_ref is None or one.customer_ref == self.customer_ref)
        )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _dump(value: dict[str, object] | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _load(value: str | None) -> dict[str, object] | None:
    return None if value is None else orjson.loads(value)
