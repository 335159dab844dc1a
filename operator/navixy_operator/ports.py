"""What the cycle needs of the outside, as small protocols. The contract is in the comments; adapters fulfil it.

All calls are bounded in time, raise nothing but :mod:`navixy_operator.errors`, and may be repeated without harm.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from navixy_operator.core.model import Connection, CustomerRow, NavixyHash
from navixy_operator.core.vocabulary import Kind


class CustomerDatabase(Protocol):
    """The customer database, read only (design section 4)."""

    async def snapshot(self, take: Callable[[CustomerRow], None]) -> None:
        """Hand every row of one consistent snapshot to ``take``, in the database's order, numbered from 1.

        ``take`` runs in a worker thread, is cheap and never raises. Returns after the last row; on an error what was
        taken is worthless. Raises DatabaseUnavailable, DatabaseUrlInvalid, DatabaseQueryFailed.
        """

    async def close(self) -> None:
        """Let go of all connections."""


class Forwarding(Protocol):
    """F1.1 (f11.openapi.yaml): connections of the provider ``navixy``."""

    async def connections(self) -> Sequence[Connection]:
        """All connections F1.1 lists, of every state, each id once (the last sight of it): the whole list or an error.

        Raises ForwardingUnavailable, ForwardingUnauthorized, ForwardingProtocolError.
        """

    async def establish(self, customer_ref: str, navixy_hash: NavixyHash, *, key: str) -> Connection:
        """Ask for a connection; the answer may be pending. ``key`` (at most 64 characters) makes a repeat harmless.

        Transport errors, 5xx and 429 are retried with the same key, backoff and jitter, within the timeouts.
        Raises EstablishRefused (422), EstablishFailed (409, or the retries are used up), ForwardingUnauthorized.
        """

    async def close_connection(self, connection_id: str) -> bool:
        """Ask to close; True when it is closed for certain (204, 404), False when it is closing (202).

        Retried at once, three times, full jitter. Raises CloseFailed, ForwardingUnauthorized.
        """

    async def close(self) -> None:
        """Let go of all connections."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One object of the API server, cut to what the operator uses. ``spec`` and ``status`` are plain JSON."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    created_at: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    finalizers: tuple[str, ...]
    deleting: bool
    spec: Mapping[str, Any]
    status: Mapping[str, Any]


class Resources(Protocol):
    """Objects of this group, in any namespace the operator serves.

    Reads and idempotent writes are retried on 429, 5xx and broken connections, with backoff and full jitter. Raises
    KubernetesUnavailable when the retries are used up, InvalidSpec when the API server refuses the content.
    """

    async def list(self, kind: Kind, namespace: str) -> Sequence[Resource]:
        """Every object of the kind, read in pages; an expired page starts the list over."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """One object; None: there is none."""

    async def create(
        self, kind: Kind, namespace: str, name: str, *, spec: Mapping[str, Any], labels: Mapping[str, str]
    ) -> Resource | None:
        """Create; None when one of that name exists already (a lost answer, or another's)."""

    async def update(
        self, resource: Resource, *, spec: Mapping[str, Any], labels: Mapping[str, str]
    ) -> Resource | None:
        """Change spec and labels to these by one merge patch of the differences; None: it is gone."""

    async def write_status(self, resource: Resource, status: Mapping[str, Any]) -> Resource | None:
        """Change the status to this by one merge patch of the differences, no request when there are none.

        None: it is gone.
        """

    async def delete(self, resource: Resource) -> None:
        """Delete exactly this object (uid as precondition); one that is gone or replaced is left."""


class Secrets(Protocol):
    """Kubernetes Secrets, read at the moment they are needed, never kept."""

    async def read(self, namespace: str, name: str, key: str) -> str:
        """One value as text, stripped.

        Raises SecretNotFound (missing, empty, not text, not permitted), KubernetesUnavailable.
        """


class Recorder(Protocol):
    """Kubernetes Events about a resource."""

    async def record(self, about: Resource, *, warning: bool, reason: str, message: str) -> None:
        """Post one Event, at most 1,024 characters of message; a failure to post is logged, never raised."""


class Clock(Protocol):
    """Time, so that tests can hold it."""

    def now(self) -> datetime:
        """The moment, in UTC."""

    def monotonic(self) -> float:
        """Seconds that only ever go forward, for durations and deadlines."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What every NavixySync shares: the API server, and time."""

    resources: Resources
    recorder: Recorder
    clock: Clock


@dataclass(frozen=True, slots=True)
class Outside:
    """All that a cycle of one NavixySync talks to."""

    database: CustomerDatabase
    forwarding: Forwarding
    resources: Resources
    clock: Clock
