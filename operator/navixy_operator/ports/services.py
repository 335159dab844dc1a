"""The customer database and F1.1, as the passes see them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from navixy_operator.core.model import Connection, CustomerRow, NavixyHash


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
