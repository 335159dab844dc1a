"""Investigation: why something is not as it should be, and what to do about it (spec: Investigation Workflows)."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field

from navixy_operator.api.common import (
    Condition,
    Count,
    Identifier,
    Message,
    Model,
    ReasonText,
    SyncName,
    Time,
    conditions_field,
    immutable,
)
from navixy_operator.core.vocabulary import Condition as ConditionType
from navixy_operator.core.vocabulary import InvestigationPhase, InvestigationStep, Trigger

MAX_FINDINGS: Final = 20
MAX_SUGGESTIONS: Final = 20
WHEN_READY: Final = (
    "Ready is False while the investigation is open or acknowledged, and True once it is resolved, so that "
    "`kubectl wait --for=condition=Ready` waits for its end, and whoever counts what is not ready counts what is open."
)


class InvestigationSpec(Model):
    """What is looked into. Immutable."""

    model_config = ConfigDict(json_schema_extra=immutable("spec"))

    sync: SyncName = Field(description="Name of the NavixySync, in the same namespace, that is looked into.")
    trigger: Trigger = Field(description="What opened the investigation.")


class StepEvidence(Model):
    """What one of the five steps of the specification found."""

    step: InvestigationStep = Field(description="The step.")
    findings: tuple[Annotated[Message, Field(description="One finding, in a sentence.")], ...] = Field(
        default=(), max_length=MAX_FINDINGS, description="What was found."
    )


class ProbableCause(Model):
    """What the evidence speaks for: the first rule that matches."""

    reason: ReasonText = Field(description="The cause in one CamelCase word for programs.")
    message: Message = Field(description="What speaks for it, in a sentence.")


class InvestigationStatus(Model):
    """What was found; written by the operator alone."""

    observed_generation: Count | None = Field(
        default=None, description="metadata.generation of the spec that this status speaks of."
    )
    phase: InvestigationPhase | None = Field(
        default=None,
        description="Open: somebody should look. Acknowledged: somebody does, as the annotation "
        "dataforwarding.io/acknowledge says. Resolved: a whole cycle has not shown the trigger any more.",
    )
    message: Message | None = Field(default=None, description="What the trigger showed when it was last seen.")
    opened_time: Time | None = Field(default=None, description="When the investigation was opened.")
    last_seen_time: Time | None = Field(
        default=None,
        description="When the trigger was last seen: the end of lastSeenCycle, or when it came up between cycles.",
    )
    last_seen_cycle: Identifier | None = Field(
        default=None, description="Name of the SyncCycle that last showed the trigger; absent: none has."
    )
    cycles_seen: Count | None = Field(default=None, description="Number of SyncCycles that have shown the trigger.")
    clear_since: Time | None = Field(
        default=None, description="Since when the trigger has not been seen any more; absent while it lasts."
    )
    acknowledged_by: Identifier | None = Field(
        default=None, description="Who looks into it, as the annotation dataforwarding.io/acknowledge says."
    )
    acknowledged_time: Time | None = Field(default=None, description="When that was first seen.")
    resolved_time: Time | None = Field(default=None, description="When the investigation was resolved.")
    probable_cause: ProbableCause | None = Field(
        default=None, description="What the evidence speaks for, as of lastSeenTime."
    )
    suggested_resolution: tuple[Annotated[Message, Field(description="One thing to do, in a sentence.")], ...] = Field(
        default=(), max_length=MAX_SUGGESTIONS, description="What to do about it, the first thing first."
    )
    evidence: tuple[StepEvidence, ...] = Field(
        default=(),
        max_length=len(InvestigationStep),
        description="What the five steps of an investigation found, in order, as of lastSeenTime.",
    )
    conditions: tuple[Condition, ...] = conditions_field(ConditionType.READY, note=WHEN_READY)
