"""All that is known of one customer when the plan is made."""

from dataclasses import dataclass
from typing import Final

from navixy_operator.core.model import Connection, Verdict
from navixy_operator.core.pins import NO_PIN, Pin, PinReading
from navixy_operator.core.vocabulary import ConnectionState

_STANDING: Final = {ConnectionState.CONNECTED: 3, ConnectionState.PENDING: 2, ConnectionState.FAILED: 1}


@dataclass(frozen=True, slots=True)
class Subject:
    """All that is known of one customer when the plan is made.

    ``customer_ref`` is None for a connection that names nobody. ``refused`` is the fingerprint of the hash that F1.1
    refused for good; ``stuck`` the id of the connection that an earlier cycle watched in vain; ``has_hash`` tells
    whether the hash can be had to establish with; ``has_resource`` whether a NavixyCustomer stands for the customer.
    """

    customer_ref: str | None
    verdict: Verdict
    fingerprint: str | None
    connections: tuple[Connection, ...]
    refused: str | None = None
    stuck: str | None = None
    pins: PinReading = NO_PIN
    has_hash: bool = True
    has_resource: bool = True

    @property
    def pin(self) -> Pin | None:
        """The manual override that counts; None: none does."""
        return self.pins.pin

    @property
    def open(self) -> tuple[Connection, ...]:
        """The open connections, best first: connected before pending before failed, same hash, newest."""
        if len(self.connections) <= 1:  # nearly always, and asked for often
            return tuple(c for c in self.connections if c.is_open)
        return tuple(sorted((c for c in self.connections if c.is_open), key=self._rank, reverse=True))

    @property
    def current(self) -> Connection | None:
        """The connection that tells the customer's story: the best open one, else the last closed."""
        if opened := self.open:
            return opened[0]
        return max(self.connections, key=lambda c: (c.updated_at, c.id), default=None)

    @property
    def hash_is_refused(self) -> bool:
        """Whether F1.1 has said for good that it does not take this very hash."""
        return self.fingerprint is not None and self.refused == self.fingerprint

    def same_hash(self, connection: Connection) -> bool:
        """Whether the connection was opened with the customer's hash; yes where nobody can tell."""
        return not self.has_hash or connection.fingerprint in {None, self.fingerprint}

    def _rank(self, connection: Connection) -> tuple[object, ...]:
        standing = _STANDING[connection.state]
        return standing, self.same_hash(connection), connection.created_at, connection.id
