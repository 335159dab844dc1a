"""SyncCycle: one run, as a Job of a CronJob (design section 2)."""

from collections.abc import Sequence
from typing import Annotated, TypeVar

from pydantic import ConfigDict, Field

from navixy_operator.api.common import (
    MAX_LISTED,
    Condition,
    Count,
    Flag,
    Identifier,
    Message,
    Model,
    ObjectName,
    ReasonText,
    ReportedRef,
    Seconds,
    SyncName,
    Time,
    conditions_field,
    immutable,
)
from navixy_operator.api.counts import Counts
from navixy_operator.core.vocabulary import ActionKind, Discrepancy, Outcome, Phase
from navixy_operator.core.vocabulary import Condition as ConditionType

T = TypeVar("T")


def capped(entries: Sequence[T]) -> tuple[tuple[T, ...], int]:
    """The first 100 entries for a list of a status, and how many are left out."""
    return tuple(entries[:MAX_LISTED]), max(0, len(entries) - MAX_LISTED)


class SyncCycleSpec(Model):
    """What to run. Immutable."""

    model_config = ConfigDict(json_schema_extra=immutable("spec"))

    sync: SyncName = Field(description="Name of the NavixySync, in the same namespace, to run a cycle of.")
    dry_run: Flag = Field(default=False, description="Whether to plan only, without touching F1.1 or any customer.")
    approves: ObjectName | None = Field(
        default=None,
        description="Name of the SyncCycle whose held closes this run may carry out, as its annotation approves; set "
        "by the operator.",
    )
    scheduled_time: Time | None = Field(
        default=None, description="The scheduled moment of the run; set by the operator, absent in a run on demand."
    )


class CycleDiscrepancy(Model):
    """One difference between customers and connections."""

    type: Discrepancy = Field(description="What kind of difference.")
    customer_ref: ReportedRef | None = Field(
        default=None, description="The customer; absent when the connection names none."
    )
    connection_id: Identifier | None = Field(default=None, description="The connection; absent when there is none.")
    message: Message | None = Field(default=None, description="The difference in a sentence.")


class CycleAction(Model):
    """What was, or in a dry run would be, done for one customer."""

    customer_ref: ReportedRef | None = Field(
        default=None, description="The customer; absent when the connection names none."
    )
    connection_id: Identifier | None = Field(
        default=None, description="The customer's connection when it was decided; absent: none was open."
    )
    action: ActionKind = Field(description="What was to be done.")
    outcome: Outcome | None = Field(default=None, description="How it ended; Held in a dry run.")
    reason: ReasonText | None = Field(default=None, description="Why it was to be done, or why it failed.")
    message: Message | None = Field(default=None, description="The same in a sentence.")


class CycleSkip(Model):
    """A customer that does not meet the requirements."""

    customer_ref: ReportedRef | None = Field(default=None, description="The customer; absent when the row names none.")
    reason: ReasonText = Field(description="Which requirement is missing.")
    message: Message | None = Field(default=None, description="The same in a sentence.")


class HeldClose(Model):
    """A close that waits for approval."""

    customer_ref: ReportedRef | None = Field(
        default=None, description="The customer; absent when the connection names none."
    )
    connection_id: Identifier = Field(description="The connection to close.")
    reason: ReasonText | None = Field(default=None, description="Why it should be closed.")


class HeldCloses(Model):
    """The closes that a guard holds back until a person approves them."""

    digest: Annotated[str, Field(min_length=1, max_length=128)] = Field(
        description="Digest over the exact list: the value of the annotation that approves it."
    )
    count: Count = Field(description="Number of held closes.")
    reason: ReasonText = Field(description="The guard that holds them.")
    members: Annotated[str, Field(max_length=900_000)] = Field(
        default="", description="Short names of all held closes, one behind the other, for programs."
    )
    items: tuple[HeldClose, ...] = Field(default=(), max_length=MAX_LISTED, description="The first 100 of them.")
    items_omitted: Count = Field(default=0, description="Number of held closes that the list leaves out.")
    approved_at: Time | None = Field(
        default=None, description="When an approval was carried out; absent: not yet. Another one does not count."
    )


class CycleValidation(Model):
    """What the second look at F1.1 found, after the actions."""

    passed: Flag = Field(description="Whether counts and members are as they should be.")
    expected: Count = Field(description="Number of connections that should be connected.")
    actual: Count = Field(description="Number of connections that are connected.")
    messages: tuple[Annotated[Message, Field(description="One thing that is not as it should be.")], ...] = Field(
        default=(), max_length=20, description="What is not as it should be."
    )


ReasonCounts = dict[str, Annotated[Count, Field(description="Number of customers.")]]
DiscrepancyCounts = dict[str, Annotated[Count, Field(description="Number of discrepancies.")]]


class SyncCycleStatus(Model):
    """The run and its report; written by the operator alone."""

    observed_generation: Count | None = Field(
        default=None, description="metadata.generation of the spec that this status speaks of."
    )
    phase: Phase | None = Field(default=None, description="The run's state.")
    reason: ReasonText | None = Field(default=None, description="Why the phase is what it is, in one word.")
    message: Message | None = Field(default=None, description="The same in a sentence.")
    start_time: Time | None = Field(default=None, description="When the run started.")
    completion_time: Time | None = Field(default=None, description="When the run ended.")
    duration_seconds: Seconds | None = Field(default=None, description="How many seconds the run took.")
    counts: Counts | None = Field(default=None, description="What the run counted.")
    discrepancies: tuple[CycleDiscrepancy, ...] = Field(
        default=(), max_length=MAX_LISTED, description="The first 100 differences between customers and connections."
    )
    discrepancies_omitted: Count = Field(default=0, description="Number of discrepancies that the list leaves out.")
    discrepancy_counts: DiscrepancyCounts = Field(
        default_factory=dict, max_length=64, description="Number of discrepancies by type, all of them."
    )
    actions: tuple[CycleAction, ...] = Field(
        default=(), max_length=MAX_LISTED, description="The first 100 actions, failed ones first."
    )
    actions_omitted: Count = Field(default=0, description="Number of actions that the list leaves out.")
    skips: tuple[CycleSkip, ...] = Field(
        default=(), max_length=MAX_LISTED, description="The first 100 customers that do not meet the requirements."
    )
    skips_omitted: Count = Field(default=0, description="Number of skipped customers that the list leaves out.")
    skip_counts: ReasonCounts = Field(
        default_factory=dict, max_length=64, description="Number of skipped customers by reason, all of them."
    )
    held_closes: HeldCloses | None = Field(
        default=None, description="The closes that a guard holds back; absent: none."
    )
    approval_refusal: Message | None = Field(
        default=None, description="Why the approval that this cycle bears does not count; absent: none was refused."
    )
    audit_digest: Annotated[str, Field(min_length=64, max_length=64)] | None = Field(
        default=None,
        description="Digest over all that the audit trail has of this run, in order; `navixy-operator audit verify` "
        "compares it.",
    )
    validation: CycleValidation | None = Field(
        default=None, description="What the second look at F1.1 found, after the actions."
    )
    conditions: tuple[Condition, ...] = conditions_field(
        ConditionType.READY, ConditionType.RECONCILING, ConditionType.STALLED, ConditionType.CLOSES_HELD
    )
