"""What can be done for a customer: six actions and the one that holds another back. Not acting is an action, too."""

from dataclasses import dataclass

from navixy_operator.core.model import Connection
from navixy_operator.core.vocabulary import ActionKind, Reason


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing to do."""

    kind = ActionKind.KEEP


@dataclass(frozen=True, slots=True)
class Watch:
    """The connection is being established; see how it ends."""

    connection: Connection
    kind = ActionKind.WATCH


@dataclass(frozen=True, slots=True)
class Establish:
    """Open a connection with the customer's hash."""

    kind = ActionKind.ESTABLISH


@dataclass(frozen=True, slots=True)
class Replace:
    """Close these, verify, and open one with the customer's hash: the hash has changed, or the connection failed."""

    connections: tuple[Connection, ...]
    kind = ActionKind.REPLACE


@dataclass(frozen=True, slots=True)
class Trim:
    """Keep the best of several connections and close the others."""

    keep: Connection
    connections: tuple[Connection, ...]
    kind = ActionKind.TRIM


@dataclass(frozen=True, slots=True)
class Close:
    """Close these and verify it."""

    connections: tuple[Connection, ...]
    kind = ActionKind.CLOSE


Active = Watch | Establish | Replace | Trim | Close


@dataclass(frozen=True, slots=True)
class Hold:
    """Do not do ``instead_of``, although it is due: a guard or the policy holds it back."""

    instead_of: Active
    reason: Reason
    kind = ActionKind.HOLD


Action = Keep | Active | Hold
