"""How the action of a decision ended, and what stands in F1.1 afterwards."""

from dataclasses import dataclass, replace

from navixy_operator.core.actions import Hold, Keep
from navixy_operator.core.model import Connection, ConnectionFault
from navixy_operator.core.plan import Decision
from navixy_operator.core.subject import Subject
from navixy_operator.core.vocabulary import ConnectionState, Desired, Outcome, Reason


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an action failed: the reason for the condition, and F1.1's words."""

    reason: Reason
    fault: ConnectionFault


@dataclass(frozen=True, slots=True)
class Settled:
    """A decision with its end: the failure, if one was met, and the connections as F1.1 listed them last."""

    decision: Decision
    final: Subject
    failure: Failure | None = None

    @property
    def outcome(self) -> Outcome:
        """How it ended, told from the state of the world, not from what was sent."""
        if isinstance(self.decision.action, Hold):
            return Outcome.HELD
        if self.as_desired:
            return Outcome.SUCCEEDED
        if isinstance(self.decision.action, Keep):
            return Outcome.SKIPPED
        failed = self.failure is not None or self.failed_connection is not None
        return Outcome.FAILED if failed else Outcome.PENDING

    @property
    def as_desired(self) -> bool:
        """Whether the actual is what is desired: exactly one connection with this hash, or none open."""
        if self.decision.as_it_is:
            return True
        opened = self.final.open
        if self.decision.desired is Desired.DISCONNECTED:
            return not opened
        return len(opened) == 1 and opened[0].state is ConnectionState.CONNECTED and self.final.same_hash(opened[0])

    @property
    def failed_connection(self) -> Connection | None:
        """The connection whose establishment failed, where that is what the customer is left with."""
        current = self.final.current
        return current if current is not None and current.state is ConnectionState.FAILED else None


def settle(decision: Decision, connections: tuple[Connection, ...], failure: Failure | None) -> Settled:
    """The decision with what F1.1 lists for its subject after the actions.

    Where that is what is desired, a failure met on the way (a lost answer) no longer counts.
    """
    settled = Settled(decision, replace(decision.subject, connections=connections), failure)
    return settled if failure is None or not settled.as_desired else replace(settled, failure=None)
