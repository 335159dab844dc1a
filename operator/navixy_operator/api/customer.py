"""NavixyCustomer: one customer with Navixy as a provider, and its connection (design section 2)."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from navixy_operator.api.common import (
    Condition,
    Count,
    CustomerRef,
    Flag,
    Identifier,
    Integer,
    Matches,
    Message,
    Model,
    ReasonText,
    SecretKeyRef,
    SyncName,
    Time,
    conditions_field,
    immutable,
    validations,
)
from navixy_operator.core.reading import MAX_GATEWAYS
from navixy_operator.core.vocabulary import Condition as ConditionType
from navixy_operator.core.vocabulary import ConnectionState, CustomerState, Desired, PinMode, Source

MANUAL_HAS_SECRET = (
    "(self.source == 'Manual') == has(self.hashSecretRef)",
    "hashSecretRef is required with source Manual and not allowed otherwise",
)
MANUAL_HAS_STATE = ("self.source != 'Manual' || has(self.state)", "state is required with source Manual")

PhaseWord = Annotated[
    str, Field(max_length=64), Matches(r"^[A-Za-z][A-Za-z_]*$", "is not a phase: use one word of letters")
]
Fingerprint = Annotated[
    str,
    Field(max_length=16),
    Matches(r"^[0-9a-f]{16}$", "is not a fingerprint: the first 16 hex characters of the hash's SHA-256"),
]


class NavixyCustomerSpec(Model):
    """What is known of the customer: a projection of the database row, or a person's declaration."""

    model_config = ConfigDict(json_schema_extra=validations(MANUAL_HAS_SECRET, MANUAL_HAS_STATE))

    customer_ref: CustomerRef = Field(
        description="The customer's reference in the customer database and in F1.1. Immutable.",
        json_schema_extra=immutable("customerRef"),
    )
    sync: SyncName = Field(description="Name of the NavixySync, in the same namespace, that this customer belongs to.")
    source: Source = Field(
        description="Database: generated from the customer database. Manual: declared by a person or Git."
    )
    state: CustomerState | None = Field(
        default=None, description="The customer's state; absent when the database gives none that can be read."
    )
    gateways: Annotated[Integer, Field(ge=0, le=MAX_GATEWAYS)] | None = Field(
        default=None,
        description="Number of gateways; absent when the database gives none that can be read, and with Manual.",
    )
    hash_fingerprint: Fingerprint | None = Field(
        default=None,
        description="First 16 hex characters of the SHA-256 of the customer's hash; absent: none, or not valid.",
    )
    hash_secret_ref: SecretKeyRef | None = Field(
        default=None, description="Where the customer's hash is; required with source Manual, not allowed otherwise."
    )

    @model_validator(mode="after")
    def _manual(self) -> Self:
        """The CEL rules, for API servers older than CEL."""
        manual = self.source is Source.MANUAL
        if manual != (self.hash_secret_ref is not None):
            raise ValueError(MANUAL_HAS_SECRET[1])
        if manual and self.state is None:
            raise ValueError(MANUAL_HAS_STATE[1])
        return self


class ConnectionFault(Model):
    """Why the connection failed, in F1.1's words."""

    code: Identifier = Field(description="F1.1's code of the failure.")
    message: Message = Field(default="", description="F1.1's words about it.")
    permanent: Flag = Field(default=False, description="Whether the same hash will not be accepted later either.")
    hash_fingerprint: Fingerprint | None = Field(
        default=None, description="Fingerprint of the hash that the failure is about: another hash may be tried."
    )


class CustomerConnection(Model):
    """The customer's connection, as F1.1 told it last."""

    id: Identifier | None = Field(default=None, description="F1.1's id of the connection; absent: there is none.")
    state: ConnectionState | None = Field(default=None, description="F1.1's state of the connection.")
    since: Time | None = Field(default=None, description="Since when the connection has been in this state.")
    error: ConnectionFault | None = Field(
        default=None, description="Why the connection failed, or could not be changed."
    )


class InsteadOf(Model):
    """What the rules would say if the customer were not pinned."""

    desired: Desired | None = Field(
        default=None, description="What the connection would be; absent: it would be left as it is."
    )
    reason: ReasonText = Field(description="Why.")


class CustomerPin(Model):
    """The manual override that counts now."""

    mode: PinMode = Field(description="connect and disconnect force the state; hold leaves the connection as it is.")
    reason: Message | None = Field(default=None, description="Why, as the annotation says.")
    by: Identifier | None = Field(default=None, description="Who set the pin, as the annotation says.")
    until: Time | None = Field(default=None, description="When the pin ends; absent: when its annotation is removed.")
    instead_of: InsteadOf | None = Field(
        default=None, description="What would be desired without the pin, as of the last pass."
    )


class NavixyCustomerStatus(Model):
    """What the operator found and did; written by the operator alone."""

    observed_generation: Count | None = Field(
        default=None, description="metadata.generation of the spec that this status speaks of."
    )
    phase: PhaseWord | None = Field(default=None, description="The whole state in one word, for people.")
    desired: Desired | None = Field(default=None, description="What the connection should be.")
    connection: CustomerConnection | None = Field(default=None, description="The connection, as F1.1 told it last.")
    pin: CustomerPin | None = Field(default=None, description="The manual override that counts now; absent: none.")
    failed_cycles: Count | None = Field(
        default=None, description="Number of cycles in a row that could not bring about what is desired."
    )
    last_cycle: Identifier | None = Field(
        default=None, description="Name of the SyncCycle that last changed this customer."
    )
    conditions: tuple[Condition, ...] = conditions_field(
        ConditionType.READY,
        ConditionType.RECONCILING,
        ConditionType.STALLED,
        ConditionType.ELIGIBLE,
        ConditionType.PINNED,
    )
