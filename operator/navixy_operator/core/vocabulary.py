"""Every name that leaves the process, once (design section 2): kinds, labels, annotations, conditions, reasons, events.

A test compares these names with the CRDs, the manifests and the documentation, in both directions.
"""

from enum import StrEnum
from typing import Final

GROUP: Final = "dataforwarding.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
CATEGORY: Final = "navixy"
PROVIDER: Final = "navixy"
FIELD_MANAGER: Final = "navixy-operator"

CUSTOMERS: Final = "navixycustomers"
SYNCS: Final = "navixysyncs"
CYCLES: Final = "synccycles"

LABEL_ELIGIBLE: Final = f"{GROUP}/eligible"
LABEL_SYNC: Final = f"{GROUP}/sync"
LABEL_VERDICT: Final = f"{GROUP}/verdict"
LABEL_APPROVES: Final = f"{GROUP}/approves"
PIN: Final = f"{GROUP}/pin"
PIN_REASON: Final = f"{GROUP}/pin-reason"
PIN_BY: Final = f"{GROUP}/pin-by"
PIN_UNTIL: Final = f"{GROUP}/pin-until"
APPROVE_CLOSES: Final = f"{GROUP}/approve-closes"
FINALIZER: Final = f"{GROUP}/close-connection"
LEASE: Final = "navixy-operator"


class Kind(StrEnum):
    """The kinds of this group."""

    CUSTOMER = "NavixyCustomer"
    SYNC = "NavixySync"
    CYCLE = "SyncCycle"


class CustomerState(StrEnum):
    """A customer's state in the customer database (spec: Customer States)."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"


class ConnectionState(StrEnum):
    """A connection's state in F1.1 (spec: Connection States). All but ``disconnected`` are open."""

    PENDING = "pending"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    FAILED = "failed"


class Origin(StrEnum):
    """Who opened or closed a connection: this feature or a person through F1.3."""

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class Source(StrEnum):
    """Where a NavixyCustomer comes from."""

    DATABASE = "Database"
    MANUAL = "Manual"


class Desired(StrEnum):
    """What a customer's connection should be."""

    CONNECTED = "Connected"
    DISCONNECTED = "Disconnected"


class Phase(StrEnum):
    """A synchronization's state (spec: Synchronization States)."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


class PinMode(StrEnum):
    """What a person wants of one connection (design section 2, Pins)."""

    CONNECT = "connect"
    DISCONNECT = "disconnect"
    HOLD = "hold"


class Policy(StrEnum):
    """What a NavixySync may do: report, open, or open and close."""

    OBSERVE = "Observe"
    UPSERT_ONLY = "UpsertOnly"
    FULL = "Full"


class Condition(StrEnum):
    """Condition types."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    ELIGIBLE = "Eligible"
    PINNED = "Pinned"
    DATABASE_AVAILABLE = "DatabaseAvailable"
    FORWARDING_AVAILABLE = "ForwardingAvailable"
    IN_SYNC = "InSync"
    CLOSES_HELD = "ClosesHeld"


class Reason(StrEnum):
    """Reasons: of verdicts, of what is desired, of conditions and of errors."""

    # verdicts: why a customer is eligible or not (design section 3)
    ELIGIBLE = "Eligible"
    SUSPENDED = "Suspended"
    REMOVED = "Removed"
    NOT_IN_DATABASE = "NotInDatabase"
    MISSING_HASH = "MissingHash"
    INVALID_HASH = "InvalidHash"
    NO_GATEWAYS = "NoGateways"
    DUPLICATE_HASH = "DuplicateHash"
    DUPLICATE_REFERENCE = "DuplicateReference"
    INVALID_RECORD = "InvalidRecord"
    NOT_YET_JUDGED = "NotYetJudged"
    CHANGED_BY_HAND = "ChangedByHand"
    # a person's word, which goes before the verdict
    MANUAL_OPERATION = "ManualOperation"
    PINNED = "Pinned"
    PIN_EXPIRED = "PinExpired"
    DECLARATION_DELETED = "DeclarationDeleted"
    # a customer's Ready: what stands between the actual and the desired
    CONNECTED = "Connected"
    PENDING = "Pending"
    ESTABLISH_FAILED = "EstablishFailed"
    HASH_REJECTED = "HashRejected"
    CLOSE_FAILED = "CloseFailed"
    PERSISTENT_FAILURE = "PersistentFailure"
    NEXT_CYCLE = "NextCycle"
    DATABASE_CHANGED = "DatabaseChanged"
    POLICY_OBSERVE = "PolicyObserve"
    POLICY_UPSERT_ONLY = "PolicyUpsertOnly"
    DRY_RUN = "DryRun"
    # a NavixySync's and a SyncCycle's conditions and failures
    SYNCHRONIZED = "Synchronized"
    PARTIAL = "PartiallySynchronized"
    DISCREPANCIES = "Discrepancies"
    PERSISTENT_DISCREPANCIES = "PersistentDiscrepancies"
    IN_PROGRESS = "InProgress"
    NOT_YET_RUN = "NotYetRun"
    AVAILABLE = "Available"
    NONE_HELD = "NoneHeld"
    EMPTY_DATABASE = "EmptyDatabase"
    SHRUNKEN_DATABASE = "ShrunkenDatabase"
    MASS_CLOSE = "MassClose"
    APPROVAL_INVALID = "ApprovalInvalid"
    DATABASE_UNAVAILABLE = "DatabaseUnavailable"
    DATABASE_URL_INVALID = "DatabaseUrlInvalid"
    DATABASE_QUERY_FAILED = "DatabaseQueryFailed"
    FORWARDING_UNAVAILABLE = "ForwardingUnavailable"
    FORWARDING_UNAUTHORIZED = "ForwardingUnauthorized"
    FORWARDING_PROTOCOL_ERROR = "ForwardingProtocolError"
    FORWARDING_SHARED = "ForwardingShared"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - a reason, not a secret
    INVALID_SPEC = "InvalidSpec"
    SYNC_NOT_FOUND = "SyncNotFound"
    INTERRUPTED = "Interrupted"
    INTERNAL_ERROR = "InternalError"
    KUBERNETES_UNAVAILABLE = "KubernetesUnavailable"
    KUBERNETES_FORBIDDEN = "KubernetesForbidden"
    LEADERSHIP_LOST = "LeadershipLost"


class Discrepancy(StrEnum):
    """Types of discrepancy between customers and connections (spec: Compare and Identify Discrepancies)."""

    MISSING = "MissingConnection"
    EXTRA = "ExtraConnection"
    SUSPENDED = "SuspendedConnected"
    REMOVED = "RemovedConnected"
    INELIGIBLE = "IneligibleConnected"
    HASH_CHANGED = "HashChanged"
    DUPLICATE = "DuplicateConnection"
    PINNED = "PinnedConnected"


class ActionKind(StrEnum):
    """What was or would be done for a customer."""

    KEEP = "Keep"
    WATCH = "Watch"
    ESTABLISH = "Establish"
    REPLACE = "Replace"
    TRIM = "Trim"
    CLOSE = "Close"
    HOLD = "Hold"


class Outcome(StrEnum):
    """How an action ended."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    PENDING = "Pending"
    HELD = "Held"
    SKIPPED = "Skipped"


class CycleEvent(StrEnum):
    """Kubernetes Events and log events of a cycle (the same names serve the audit trail)."""

    SYNCHRONIZATION_STARTED = "SynchronizationStarted"
    SYNCHRONIZATION_COMPLETED = "SynchronizationCompleted"
    SYNCHRONIZATION_FAILED = "SynchronizationFailed"
    DATABASE_QUERIED = "CustomerDatabaseQueried"
    ELIGIBLE_IDENTIFIED = "EligibleCustomersIdentified"
    MISSING_DETECTED = "MissingConnectionsDetected"
    EXTRA_DETECTED = "ExtraConnectionsDetected"
    CONNECTION_ESTABLISHED = "ConnectionEstablished"
    ESTABLISH_FAILED = "ConnectionEstablishFailed"
    CONNECTION_CLOSED = "ConnectionClosed"
    CLOSE_FAILED = "ConnectionCloseFailed"
    CUSTOMER_SKIPPED = "CustomerSkipped"
    DISCREPANCY_RESOLVED = "DiscrepancyResolved"
    VERDICT_CHANGED = "VerdictChanged"
    CLOSES_HELD = "ClosesHeld"
    CLOSES_APPROVED = "ClosesApproved"
    APPROVAL_REFUSED = "ApprovalRefused"
    COUNT_MISMATCH = "ConnectionCountMismatch"
    PERSISTENT_DISCREPANCIES = "PersistentDiscrepancies"
    PERSISTENT_FAILURE = "PersistentFailure"
    DRIFT_REPAIRED = "DriftRepaired"
    PIN_APPLIED = "PinApplied"
    PIN_REMOVED = "PinRemoved"
    PIN_EXPIRED = "PinExpired"
    PIN_PROBLEM = "PinProblem"
    MANUAL_OPERATION = "ManualOperationObserved"
    CUSTOMER_RESTORED = "CustomerRestored"
    DECLARATION_RELEASED = "DeclarationReleased"
    EVENTS_SUMMED_UP = "EventsSummedUp"
