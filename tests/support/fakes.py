"""The ports in memory: a world that a cycle can be run in, with a journal of everything it asked for, in order."""

import copy
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from navixy_operator.core.fact import Fact
from navixy_operator.core.model import Connection, ConnectionFault, CustomerRow, NavixyHash
from navixy_operator.core.reading import read_text
from navixy_operator.core.vocabulary import ConnectionState, Kind
from navixy_operator.errors import CloseFailed, EstablishRefused, InvalidSpec, OperatorError, SecretNotFound
from navixy_operator.ports import Listing, Outside, Resource
from support.builders import NOW, PASSING, resource

Journal = list[str]


@dataclass
class FakeClock:
    """Time that passes only while somebody sleeps."""

    seconds: float = 0.0

    def now(self) -> datetime:
        """The moment, in UTC."""
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        """Seconds since the beginning of the test."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0
        self.seconds += seconds


@dataclass
class FakeDatabase:
    """Gives these rows, or this error after them."""

    journal: Journal
    rows: Sequence[CustomerRow] = ()
    error: OperatorError | None = None

    async def snapshot(self, take: Callable[[CustomerRow], None]) -> None:
        """Hand out the rows."""
        self.journal.append("poll")
        for row in self.rows:
            take(row)
        if self.error is not None:
            raise self.error

    async def rows_of(self, customer_refs: Collection[str], take: Callable[[CustomerRow], None]) -> None:
        """Hand out the rows of these customers."""
        self.journal.append(f"look up {len(customer_refs)}")
        wanted = {read_text(ref) for ref in customer_refs} - {None}
        for number, row in enumerate((row for row in self.rows if read_text(row.customer_ref) in wanted), start=1):
            take(replace(row, number=number))
        if self.error is not None:
            raise self.error

    async def close(self) -> None:
        """Nothing to let go of."""


@dataclass
class FakeForwarding:
    """F1.1: connections that settle and close after a while, customers and connections that fail.

    ``refused`` and ``broken`` are references: the hash is refused at once, or the connection fails later.
    ``stuck`` are ids of connections that cannot be closed. ``list_errors`` are what the lists give, in turn.
    ``lists`` counts the lists of everything, also those that found nothing changed.
    """

    journal: Journal
    clock: FakeClock
    found: dict[str, Connection] = field(default_factory=dict)
    settle_seconds: float = 0.0
    close_seconds: float = 0.0
    refused: Mapping[str, OperatorError] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    stuck: set[str] = field(default_factory=set)
    list_errors: dict[int, OperatorError] = field(default_factory=dict)
    lists: int = 0
    keys: list[str] = field(default_factory=list)
    most_at_once: int = 0
    _due: dict[str, tuple[float, ConnectionState]] = field(default_factory=dict)

    async def connections(self) -> Sequence[Connection]:
        """Everything as it is by now."""
        return list((await self.listing()).connections)

    async def listing(self, known: Listing | None = None) -> Listing:
        """Everything as it is by now, or ``known`` when it is that."""
        self.lists += 1
        if (error := self.list_errors.get(self.lists)) is not None:
            self.journal.append("list connections")
            raise error
        self._settle()
        found = tuple(self.found.values())
        etag = f'"{hash(found)}"'
        if known is not None and known.etag == etag:
            self.journal.append("list unchanged")
            return known
        self.journal.append("list connections")
        return Listing(found, etag)

    async def connections_of(self, customer_ref: str) -> Sequence[Connection]:
        """One customer's as they are by now."""
        self.journal.append(f"list {customer_ref}")
        self._settle()
        return [connection for connection in self.found.values() if connection.customer_ref == customer_ref]

    async def establish(self, customer_ref: str, navixy_hash: NavixyHash, *, key: str) -> Connection:
        """Open a pending connection that will settle."""
        self.journal.append(f"establish {customer_ref}")
        self.keys.append(key)
        if (error := self.refused.get(customer_ref)) is not None:
            raise error
        assert not [c for c in self.found.values() if c.customer_ref == customer_ref and c.is_open]
        identity = f"new-{customer_ref}"
        moment, pending = self.clock.now(), ConnectionState.PENDING
        print_ = navixy_hash.fingerprint
        self.found[identity] = Connection(identity, customer_ref, pending, moment, moment, fingerprint=print_)
        end = ConnectionState.FAILED if customer_ref in self.broken else ConnectionState.CONNECTED
        self._due[identity] = (self.clock.monotonic() + self.settle_seconds, end)
        return self.found[identity]

    async def close_connection(self, connection_id: str) -> bool:
        """Close, at once or after a while."""
        self.journal.append(f"close {connection_id}")
        if connection_id in self.stuck:
            message = "F1.1 did not close the connection"
            raise CloseFailed(message, code="close-failed")
        if self.close_seconds:
            self._due[connection_id] = (self.clock.monotonic() + self.close_seconds, ConnectionState.DISCONNECTED)
            return False
        self._become(connection_id, ConnectionState.DISCONNECTED)
        return True

    async def close(self) -> None:
        """Nothing to let go of."""

    def states(self) -> dict[str | None, list[str]]:
        """The states of each customer's open connections."""
        states: dict[str | None, list[str]] = {}
        for connection in self.found.values():
            if connection.is_open:
                states.setdefault(connection.customer_ref, []).append(connection.state.value)
        return states

    def _settle(self) -> None:
        for identity, (when, state) in list(self._due.items()):
            if when <= self.clock.monotonic():
                self._become(identity, state)

    def _become(self, identity: str, state: ConnectionState) -> None:
        self._due.pop(identity, None)
        error: ConnectionFault | None = PASSING if state is ConnectionState.FAILED else None
        moment = self.clock.now()
        self.found[identity] = replace(self.found[identity], state=state, error=error, updated_at=moment)


@dataclass
class FakeResources:
    """The API server: counts what costs a request. ``refuses`` are names that it takes nothing of.

    ``accepting`` is its answer to whether it would take a new object.
    """

    journal: Journal
    objects: dict[tuple[Kind, str], Resource] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    requests: Counter[str] = field(default_factory=Counter)
    accepting: bool = True

    async def list(self, kind: Kind, namespace: str) -> Sequence[Resource]:
        """Every object of the kind, by name as the API server has them."""
        self._ask("list", kind)
        found = [item for (of, _), item in sorted(self.objects.items()) if of is kind and item.namespace == namespace]
        return copy.deepcopy(found)

    async def get(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """One object."""
        self._ask("get", name)
        found = self.objects.get((kind, name))
        return copy.deepcopy(found) if found is not None and found.namespace == namespace else None

    def peek(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """One object, as a watch that misses nothing knows it."""
        found = self.objects.get((kind, name))
        return copy.deepcopy(found) if found is not None and found.namespace == namespace else None

    async def create(
        self,
        kind: Kind,
        namespace: str,
        name: str,
        *,
        spec: Mapping[str, Any],
        labels: Mapping[str, str],
        annotations: Mapping[str, str] | None = None,
    ) -> Resource | None:
        """A new object, or None where one is."""
        self._ask("create", name)
        if (kind, name) in self.objects:
            return None
        self.objects[kind, name] = resource(
            kind,
            name,
            namespace=namespace,
            spec=copy.deepcopy(dict(spec)),
            labels=dict(labels),
            annotations=dict(annotations or {}),
        )
        return copy.deepcopy(self.objects[kind, name])

    async def accepts(self, kind: Kind, namespace: str) -> bool:
        """As ``accepting`` says."""
        del namespace
        self._ask("accepts", kind)
        return self.accepting

    async def update(
        self, resource: Resource, *, spec: Mapping[str, Any], labels: Mapping[str, str]
    ) -> Resource | None:
        """The differences; no request when there are none."""
        if (resource.spec, resource.labels) == (spec, labels):
            return resource
        self._ask("update", resource.name)
        changed = {"spec": copy.deepcopy(dict(spec)), "labels": dict(labels), "generation": resource.generation + 1}
        return self._put(resource, changed)

    async def annotate(self, resource: Resource, annotations: Mapping[str, str | None]) -> Resource | None:
        """The differences; no request when there are none."""
        if all(resource.annotations.get(key) == value for key, value in annotations.items()):
            return resource
        self._ask("annotate", resource.name)
        merged = {**resource.annotations, **annotations}
        return self._put(resource, {"annotations": {key: value for key, value in merged.items() if value is not None}})

    async def set_finalizers(self, resource: Resource, finalizers: Sequence[str]) -> Resource | None:
        """The differences; no request when there are none. A deleted object without any is gone."""
        if resource.finalizers == tuple(finalizers):
            return resource
        self._ask("finalizers", resource.name)
        now = self._put(resource, {"finalizers": tuple(finalizers)})
        if now is not None and now.deleting and not now.finalizers:
            del self.objects[now.kind, now.name]
            return None
        return now

    async def write_status(self, resource: Resource, status: Mapping[str, Any]) -> Resource | None:
        """The differences; no request when there are none."""
        if resource.status == status:
            return resource
        self._ask("status", resource.name)
        return self._put(resource, {"status": copy.deepcopy(dict(status))})

    async def delete(self, resource: Resource) -> None:
        """Gone."""
        self._ask("delete", resource.name)
        self.objects.pop((resource.kind, resource.name), None)

    def customers(self) -> dict[str, Resource]:
        """The NavixyCustomers by reference."""
        return {item.spec["customerRef"]: item for (kind, _), item in self.objects.items() if kind is Kind.CUSTOMER}

    def _ask(self, verb: str, about: str) -> None:
        self.journal.append(f"{verb} {about}")
        self.requests[verb] += 1
        if about in self.refuses and verb in {"create", "update", "status"}:
            message = f"the API server refuses {about}"
            raise InvalidSpec(message)

    def _put(self, old: Resource, changes: Mapping[str, Any]) -> Resource | None:
        key = (old.kind, old.name)
        if key not in self.objects or self.objects[key].uid != old.uid:
            return None
        self.objects[key] = replace(self.objects[key], **changes)
        return copy.deepcopy(self.objects[key])


@dataclass
class FakeSecrets:
    """Values by Secret and key; one that is not there is not found."""

    journal: Journal
    values: dict[tuple[str, str], str] = field(default_factory=dict)

    async def read(self, namespace: str, name: str, key: str) -> str:
        """One value."""
        self.journal.append(f"secret {name}")
        if (name, key) not in self.values:
            message = f"Secret {namespace}/{name} does not exist"
            raise SecretNotFound(message)
        return self.values[name, key]


@dataclass
class FakeRecorder:
    """Keeps the Events: kind and name of what they are about, reason, message, whether a warning."""

    events: list[tuple[str, str, str, bool]] = field(default_factory=list)

    async def record(self, about: Resource, *, warning: bool, reason: str, message: str) -> None:
        """Keep it."""
        self.events.append((f"{about.kind}/{about.name}", reason, message, warning))


@dataclass
class World:
    """All ports, with one clock and one journal."""

    journal: Journal = field(default_factory=list)
    clock: FakeClock = field(default_factory=FakeClock)
    recorder: FakeRecorder = field(default_factory=FakeRecorder)
    facts: list[Fact] = field(default_factory=list)
    """What observers have heard."""

    def __post_init__(self) -> None:
        self.database = FakeDatabase(self.journal)
        self.forwarding = FakeForwarding(self.journal, self.clock)
        self.resources = FakeResources(self.journal)
        self.secrets = FakeSecrets(self.journal)

    @property
    def outside(self) -> Outside:
        """As a cycle takes it."""
        return Outside(self.database, self.forwarding, self.resources, self.secrets, self.clock)

    def connect(self, *connections: Connection) -> None:
        """Put connections into F1.1."""
        self.forwarding.found |= {connection.id: connection for connection in connections}


def refusal() -> EstablishRefused:
    """F1.1 does not take the hash."""
    return EstablishRefused("F1.1 refused the customer's hash (hash-rejected)", code="hash-rejected")
