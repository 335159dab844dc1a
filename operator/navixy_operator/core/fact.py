"""One thing that happened, as its observers hear of it: the audit trail, the metrics, the alerts (design section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from navixy_operator.core.vocabulary import Discrepancy, EventName, EventStatus, Origin, RunKind


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Run:
    """In what something happened: a cycle, or a pass between cycles. ``id``: 32 hex characters, never used twice.

    Who tells of it holds one object for it, all the time: while that lives, there may be more to come.
    """

    id: str
    kind: RunKind
    name: str
    namespace: str
    sync: str


@dataclass(frozen=True, slots=True)
class Fact:
    """An event with what the spec logs of it. ``seq`` counts from 0 within its run, without a gap.

    ``customer`` is the reference, None where it is about none or many. ``details`` holds what JSON can hold: text,
    numbers, booleans, None, lists and mappings of these; never a hash or another secret.
    """

    at: datetime
    event: EventName
    run: Run
    seq: int
    status: EventStatus
    customer: str | None = None
    discrepancy: Discrepancy | None = None
    origin: Origin = Origin.AUTOMATIC
    details: Mapping[str, object] = field(default_factory=dict)
