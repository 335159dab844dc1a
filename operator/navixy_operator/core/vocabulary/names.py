"""Names of resources: kinds, labels, annotations, states, conditions (design section 2)."""

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
INVESTIGATIONS: Final = "investigations"

LABEL_ELIGIBLE: Final = f"{GROUP}/eligible"
LABEL_SYNC: Final = f"{GROUP}/sync"
LABEL_VERDICT: Final = f"{GROUP}/verdict"
LABEL_APPROVES: Final = f"{GROUP}/approves"
LABEL_TRIGGER: Final = f"{GROUP}/trigger"
PIN: Final = f"{GROUP}/pin"
PIN_REASON: Final = f"{GROUP}/pin-reason"
PIN_BY: Final = f"{GROUP}/pin-by"
PIN_UNTIL: Final = f"{GROUP}/pin-until"
APPROVE_CLOSES: Final = f"{GROUP}/approve-closes"
ACKNOWLEDGE: Final = f"{GROUP}/acknowledge"
FINALIZER: Final = f"{GROUP}/close-connection"
LEASE: Final = "navixy-operator"


class Kind(StrEnum):
    """The kinds of this group."""

    CUSTOMER = "NavixyCustomer"
    SYNC = "NavixySync"
    CYCLE = "SyncCycle"
    INVESTIGATION = "Investigation"


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
    AUDIT_AVAILABLE = "AuditAvailable"


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
