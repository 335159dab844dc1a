"""Names of what happens, for the log, the audit trail and Kubernetes Events (spec: Audit Trail Logic)."""

from enum import StrEnum


class EventName(StrEnum):
    """What happened: the names of log lines, audit events and Kubernetes Events alike."""

    # the eleven of spec.md, "Events Logged"

    SYNCHRONIZATION_STARTED = "SynchronizationStarted"
    SYNCHRONIZATION_COMPLETED = "SynchronizationCompleted"
    DATABASE_QUERIED = "CustomerDatabaseQueried"
    ELIGIBLE_IDENTIFIED = "EligibleCustomersIdentified"
    MISSING_DETECTED = "MissingConnectionsDetected"
    EXTRA_DETECTED = "ExtraConnectionsDetected"
    CONNECTION_ESTABLISHED = "ConnectionEstablished"
    CONNECTION_CLOSED = "ConnectionClosed"
    CUSTOMER_SKIPPED = "CustomerSkipped"
    DISCREPANCY_RESOLVED = "DiscrepancyResolved"
    SYNCHRONIZATION_FAILED = "SynchronizationFailed"
    # what else is worth a line
    ESTABLISH_FAILED = "ConnectionEstablishFailed"
    CLOSE_FAILED = "ConnectionCloseFailed"
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
    ALERT_FIRING = "AlertFiring"
    ALERT_RESOLVED = "AlertResolved"
    INVESTIGATION_OPENED = "InvestigationOpened"
    INVESTIGATION_ACKNOWLEDGED = "InvestigationAcknowledged"
    INVESTIGATION_RESOLVED = "InvestigationResolved"
    AUDIT_UNAVAILABLE = "AuditUnavailable"
    AUDIT_RESTORED = "AuditRestored"
    AUDIT_LOST = "AuditEventsLost"
    AUDIT_PURGED = "AuditEventsPurged"


class EventStatus(StrEnum):
    """How what an event tells of stands (spec: Log Format, "status")."""

    IN_PROGRESS = "InProgress"
    FOUND = "Found"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    PENDING = "Pending"
    HELD = "Held"
    SKIPPED = "Skipped"


class RunKind(StrEnum):
    """In what an event happened."""

    CYCLE = "cycle"
    DRY_RUN = "dry-run"
    DRIFT = "drift"
    ATTEND = "attend"
    """A pass over a few customers, for a pin or a declaration."""
    OPERATOR = "operator"
    """Beside all passes: alerts, investigations, the audit trail itself."""


class Step(StrEnum):
    """The steps of a cycle that are timed (spec: Daily Synchronization Workflow); comparing takes hardly any time."""

    POLL = "poll"
    VALIDATE_REQUIREMENTS = "validate_requirements"
    PUBLISH = "publish"
    QUERY_CONNECTIONS = "query_connections"
    RESOLVE_MISSING = "resolve_missing"
    RESOLVE_INVALID = "resolve_invalid"
    VALIDATE_RESULTS = "validate_results"
    LOG = "log"
