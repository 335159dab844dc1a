"""Held closes that a person approves: a cycle of their own carries them out (design section 3, Guards).

The annotation on the SyncCycle that lists them makes the operator run another cycle, which polls the database anew:
what is still right then, and in the approved list, is closed. The approval is used up when that cycle has completed;
where it failed it is tried again, less and less, within its 24 hours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from navixy_operator.chronicle import Chronicle
from navixy_operator.core.approval import Approval, read_approval, token
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.outcome import Settled
from navixy_operator.core.vocabulary import (
    LABEL_APPROVES,
    LABEL_SYNC,
    EventName,
    EventStatus,
    Kind,
    Origin,
    Outcome,
    Phase,
    Reason,
)
from navixy_operator.errors import ApprovalInvalid
from navixy_operator.ports import Cluster, Resource

Begin = Callable[[str], Chronicle]
"""Begins a story of its own about the SyncCycle of that name."""

FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)
_ENDED: Final = frozenset({Phase.COMPLETED, Phase.FAILED})


@dataclass(frozen=True, slots=True)
class Approving:
    """The SyncCycle whose held closes a run may carry out, and which they are."""

    cycle: Resource
    approval: Approval

    @property
    def held_for(self) -> Reason | None:
        """The guard that held them; None: another version's word."""
        told = self.cycle.status["heldCloses"]["reason"]
        return Reason(told) if told in set(Reason) else None


async def heed_approvals(cluster: Cluster, cycles: Sequence[Resource], begin: Begin) -> list[Resource]:
    """The SyncCycles made just now for approvals that count; one that does not is told on its cycle, once."""
    made = []
    for cycle in cycles:
        if cycle.status.get("phase") not in _ENDED:
            continue
        found = read_approval(cycle.name, cycle.annotations, cycle.status, cluster.clock.now())
        if isinstance(found, str):
            await _refuse(cluster, cycle, found, begin)
        elif found is not None and (run := await _make_run(cluster, cycle, cycles)) is not None:
            made.append(run)
    return made


async def approved_cycle(cluster: Cluster, run: Resource) -> Approving | None:
    """What a SyncCycle may carry out of another's held closes, read anew; None: it is none of that sort.

    Raises ApprovalInvalid: the annotation is gone, used up, too old, or names another list.
    """
    name = run.spec.get("approves")
    if name is None:
        return None
    cycle = await cluster.resources.get(Kind.CYCLE, run.namespace, name)
    if cycle is None or cycle.spec.get("sync") != run.spec.get("sync"):
        message = f"there is no SyncCycle {name} of this NavixySync whose held closes could be approved"
        raise ApprovalInvalid(message)
    found = read_approval(cycle.name, cycle.annotations, cycle.status, cluster.clock.now())
    if isinstance(found, Approval):
        return Approving(cycle, found)
    message = f"the held closes of {name} are not approved: {found or 'no annotation, or one that was used already'}"
    raise ApprovalInvalid(message)


async def use_up(cluster: Cluster, approving: Approving, settled: Sequence[Settled], chronicle: Chronicle) -> None:
    """Say on the approved cycle that its list was carried out: an approval counts once."""
    cycle, tokens = approving.cycle, approving.approval.tokens
    closed = sum(
        token(entry.decision.subject.customer_ref, connection.id) in tokens
        for entry in settled
        if entry.outcome is Outcome.SUCCEEDED
        for connection in entry.decision.closes
    )
    held = {**cycle.status["heldCloses"], "approvedAt": timestamp(cluster.clock.now())}
    await cluster.resources.write_status(cycle, {**cycle.status, "heldCloses": held})
    event, message = EventName.CLOSES_APPROVED, f"{closed} of the {len(tokens)} closes held by {cycle.name} were made"
    chronicle.tell(event, origin=Origin.MANUAL, approved=cycle.name, closed=closed, listed=len(tokens))
    chronicle.headline(event, f"{message}; the others are no longer right, or failed")


async def _make_run(cluster: Cluster, cycle: Resource, cycles: Sequence[Resource]) -> Resource | None:
    """A run for the approval, unless one is waiting or running, or the last one has just failed."""
    runs = [run for run in cycles if run.labels.get(LABEL_APPROVES) == cycle.name]
    if any(run.status.get("phase") not in _ENDED for run in runs):
        return None
    ends = [datetime.fromisoformat(run.status["completionTime"]) for run in runs]
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** len(ends))
    if ends and cluster.clock.now() < max(ends) + pause:
        return None
    return await cluster.resources.create(
        Kind.CYCLE,
        cycle.namespace,
        f"{cycle.name[:230]}-approved-{len(runs) + 1}",
        spec={"sync": cycle.spec["sync"], "approves": cycle.name},
        labels={LABEL_SYNC: cycle.spec["sync"], LABEL_APPROVES: cycle.name},
    )


async def _refuse(cluster: Cluster, cycle: Resource, why: str, begin: Begin) -> None:
    if cycle.status.get("approvalRefusal") == why:
        return
    await cluster.resources.write_status(cycle, {**cycle.status, "approvalRefusal": why})
    event = EventName.APPROVAL_REFUSED
    begin(cycle.name).tell(event, status=EventStatus.FAILED, origin=Origin.MANUAL, warning=True, problem=why)
    message = f"the approval does not count: {why}"
    await cluster.recorder.record(cycle, warning=True, reason=event.value, message=message)
