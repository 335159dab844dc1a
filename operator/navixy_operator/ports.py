"""What the cycle needs of the outside, as small protocols. The contract is in the comments; adapters fulfil it.

All calls are bounded in time, raise nothing but :mod:`navixy_operator.errors`, and may be repeated without harm.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
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

    async def rows_of(self, customer_refs: Collection[str], take: Callable[[CustomerRow], None]) -> None:
        """Hand the rows of just these customers to ``take``, every provider's, as ``snapshot`` does; at least those.

        The database is asked for no others where it can be (a database that cannot take the condition is read whole,
        and the rest dropped here). References are compared trimmed, as text. Raises as ``snapshot``.
        """

    async def close(self) -> None:
        """Let go of all connections."""


@dataclass(frozen=True, slots=True)
class Listing:
    """F1.1's whole list as it was told once. ``etag`` is None where F1.1 gives none."""

    connections: tuple[Connection, ...]
    etag: str | None = None


class Forwarding(Protocol):
    """F1.1 (f11.openapi.yaml): connections of the provider ``navixy``."""

    async def connections(self) -> Sequence[Connection]:
        """All connections F1.1 lists, of every state, each id once (the last sight of it): the whole list or an error.

        Raises ForwardingUnavailable, ForwardingUnauthorized, ForwardingProtocolError.
        """

    async def listing(self, known: Listing | None = None) -> Listing:
        """The same with its ETag; ``known`` itself (the same object) when F1.1 says that nothing changed since (304).

        Raises as ``connections``.
        """

    async def connections_of(self, customer_ref: str) -> Sequence[Connection]:
        """All connections of one customer, of every state, as ``connections`` gives them. Raises as ``connections``."""

    async def establish(self, customer_ref: str, navixy_hash: NavixyHash, *, key: str) -> Connection:
        """Ask for a connection; the answer may be pending. ``key`` (at most 64 characters) makes a repeat harmless.

        Transport errors, 5xx and 429 are retried with the same key, backoff and jitter, within the timeouts.
        Raises EstablishRefused (422), EstablishFailed (409, or the retries are used up), ForwardingUnauthorized, and
        ForwardingUnavailable, without asking, when F1.1 answered none of many establishes and closes in a row.
        """

    async def close_connection(self, connection_id: str) -> bool:
        """Ask to close; True when it is closed for certain (204, 404), False when it is closing (202).

        Retried at once, three times, full jitter. Raises CloseFailed, ForwardingUnauthorized, and
        ForwardingUnavailable as ``establish``.
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

    def peek(self, kind: Kind, namespace: str, name: str) -> Resource | None:
        """What a watch last told of one object, without a request; None: nothing is known. May lag behind."""

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
        """Create; None when one of that name exists already (a lost answer, or another's)."""

    async def accepts(self, kind: Kind, namespace: str) -> bool:
        """Whether an object of this kind could be created here now; asked by a dry run, nothing is written.

        False while the namespace or the CRD is being deleted, or is gone: what is deleted then is deleted in bulk.
        """

    async def update(
        self, resource: Resource, *, spec: Mapping[str, Any], labels: Mapping[str, str]
    ) -> Resource | None:
        """Change spec and labels to these by one merge patch of the differences; None: it is gone."""

    async def annotate(self, resource: Resource, annotations: Mapping[str, str | None]) -> Resource | None:
        """Set these annotations, remove those that are None, leave all others; no request without a difference.

        None: it is gone.
        """

    async def set_finalizers(self, resource: Resource, finalizers: Sequence[str]) -> Resource | None:
        """Change the finalizers to these; no request when they are. None: it is gone, or gone by this."""

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
    secrets: Secrets
    clock: Clock
