"""Closes that a SyncCycle holds back: what a person sees before approving them, and the cycle that carries them out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from navixy_operator.bootstrap import World
from navixy_operator.cli.moments import in_words
from navixy_operator.core.approval import VALID, Approval, read_approval
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.vocabulary import APPROVE_CLOSES, LABEL_APPROVES, Kind, Phase, Reason
from navixy_operator.errors import ApprovalInvalid, OperatorError, TemporaryError
from navixy_operator.ports import Resource

ENDED: Final = frozenset({Phase.COMPLETED.value, Phase.FAILED.value})
IN_WORDS: Final = {
    Reason.MASS_CLOSE.value: "more closes at once than spec.guards lets pass (maxClosePercent, minCloses)",
    Reason.SHRUNKEN_DATABASE.value: "the customer database has lost more customers than spec.guards lets pass "
    "(maxShrinkPercent); make sure that it is whole",
    Reason.EMPTY_DATABASE.value: "the customer database gave no Navixy customer at all; make sure that it is whole",
}
COLUMNS: Final = ("CUSTOMER", "CONNECTION", "REASON")


@dataclass(frozen=True, slots=True)
class HeldList:
    """The closes that one SyncCycle holds, as they can be approved at that moment.

    ``approved``: its annotation is there already, and not used up; ``tried``: the cycles that ended without success.
    """

    cycle: Resource
    at: datetime
    approved: bool
    tried: frozenset[str]

    @property
    def held(self) -> dict[str, Any]:
        """``status.heldCloses``."""
        return dict(self.cycle.status["heldCloses"])

    @property
    def digest(self) -> str:
        """What names exactly this list."""
        return str(self.held["digest"])

    @property
    def count(self) -> int:
        """How many connections would be closed."""
        return int(self.held["count"])

    @property
    def ended(self) -> datetime:
        """When its cycle ended."""
        return datetime.fromisoformat(self.cycle.status["completionTime"])

    @property
    def until(self) -> datetime:
        """So long it can be approved, and carried out."""
        return self.ended + VALID


def approvable(cycle: Resource, now: datetime) -> Approval | str | None:
    """What the operator would make of an approval that is given now: in words why not; None: it was used up."""
    digest = (cycle.status.get("heldCloses") or {}).get("digest", "")
    return read_approval(cycle.name, {APPROVE_CLOSES: digest}, cycle.status, now)


def held_list(cycle: Resource, cycles: Sequence[Resource], now: datetime) -> HeldList:
    """The list that can be approved. Raises ApprovalInvalid where the operator would refuse it, and why."""
    if cycle.status.get("phase") not in ENDED:
        message = f"the SyncCycle {cycle.name} has not ended yet; what it holds back is known then"
        raise TemporaryError(message)
    found = approvable(cycle, now)
    if found is None:
        when = cycle.status["heldCloses"]["approvedAt"]
        message = f"the closes that {cycle.name} held were approved and carried out at {when}; an approval counts once"
        raise ApprovalInvalid(message)
    if isinstance(found, str):
        message = f"the SyncCycle {cycle.name} cannot be approved: {found}"
        raise ApprovalInvalid(message)
    given = cycle.annotations.get(APPROVE_CLOSES, "").strip()
    approved = given == cycle.status["heldCloses"]["digest"]
    tried = frozenset(run.name for run in runs_of(cycle, cycles) if run.status.get("phase") in ENDED)
    return HeldList(cycle, now, approved, tried)


def runs_of(cycle: Resource, cycles: Sequence[Resource]) -> list[Resource]:
    """The cycles that the operator has made for a SyncCycle's approval."""
    return [run for run in cycles if run.labels.get(LABEL_APPROVES) == cycle.name]


def facts(found: HeldList) -> list[tuple[str, str]]:
    """What holds how much, since when, under which digest."""
    reason = str(found.held["reason"])
    connections = "1 connection" if found.count == 1 else f"{found.count} connections"
    return [
        ("SyncCycle", f"{found.cycle.name} of the NavixySync {found.cycle.spec['sync']}"),
        ("Holds", f"closes of {connections}, {reason}: {IN_WORDS.get(reason, 'a guard objects')}"),
        ("Digest", found.digest),
        ("Age", f"{in_words(found.at - found.ended)}; can be approved until {timestamp(found.until)}"),
    ]


def rows(found: HeldList) -> list[tuple[str, str, str]]:
    """Customer, connection and reason of each close that the status lists."""
    return [
        (item.get("customerRef", "(nobody)"), item["connectionId"], item.get("reason", "-"))
        for item in found.held.get("items", ())
    ]


async def find_approvable(world: World, namespace: str, sync: str) -> Resource | None:
    """The newest SyncCycle whose held closes can be approved; None: there is none, or we may not look."""
    try:
        cycles = await world.cluster.resources.list(Kind.CYCLE, namespace)
    except OperatorError:
        return None
    now = world.cluster.clock.now()
    ours = [cycle for cycle in cycles if cycle.spec.get("sync") == sync and cycle.status.get("phase") in ENDED]
    waiting = [cycle for cycle in ours if isinstance(approvable(cycle, now), Approval)]
    return max(waiting, key=lambda cycle: cycle.status["completionTime"], default=None)
