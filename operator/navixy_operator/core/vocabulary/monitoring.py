"""Names of alerts, investigations and metrics (spec: Alerting Rules, Investigation Workflows, Monitoring Metrics)."""

from enum import StrEnum


class Severity(StrEnum):
    """How urgent an alert is (spec: Alerting Rules)."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class AlertName(StrEnum):
    """The six conditions of spec.md, and the held closes of design section 3."""

    SYNCHRONIZATION_FAILURE = "NavixySynchronizationFailure"
    PERSISTENT_DISCREPANCIES = "NavixyPersistentDiscrepancies"
    CONNECTION_COUNT_MISMATCH = "NavixyConnectionCountMismatch"
    SUSPENDED_CONNECTED = "NavixySuspendedCustomersConnected"
    HIGH_SKIP_RATE = "NavixyHighCustomerSkipRate"
    ESTABLISH_FAILURE_RATE = "NavixyConnectionEstablishmentFailureRate"
    CLOSES_HELD = "NavixyClosesHeld"


class RuleName(StrEnum):
    """Alerts of manifests/monitoring alone: the process's own, and the thresholds of spec.md's table of metrics."""

    OPERATOR_ABSENT = "NavixyOperatorAbsent"
    NO_LEADER = "NavixyNoLeader"
    SYNC_OVERDUE = "NavixySyncOverdue"
    FORWARDING_ERRORS = "NavixyForwardingErrors"
    AUDIT_UNAVAILABLE = "NavixyAuditUnavailable"
    AUDIT_ENTRIES_LOST = "NavixyAuditEntriesLost"
    LOW_SUCCESS_RATE = "NavixyLowSuccessRate"
    SLOW_SYNC = "NavixySlowSynchronization"
    LOW_CLOSE_SUCCESS_RATE = "NavixyLowClosureSuccessRate"


class Trigger(StrEnum):
    """What opens an investigation (spec: Investigation Triggers)."""

    COUNT_MISMATCH = "ConnectionCountMismatch"
    SYNCHRONIZATION_FAILURE = "SynchronizationFailure"
    REPEATEDLY_SKIPPED = "CustomersRepeatedlySkipped"
    SUSPENDED_CONNECTED = "SuspendedCustomersConnected"
    HIGH_DISCREPANCY_RATE = "HighDiscrepancyRate"


class InvestigationPhase(StrEnum):
    """Where an investigation stands."""

    OPEN = "Open"
    ACKNOWLEDGED = "Acknowledged"
    RESOLVED = "Resolved"


class InvestigationStep(StrEnum):
    """The five steps of spec.md, "Investigation Steps"."""

    REVIEW_LOGS = "ReviewSynchronizationLogs"
    ANALYZE_STATUS = "AnalyzeDatabaseAndConnections"
    VALIDATE_REQUIREMENTS = "ValidateRequirementsAndIntegration"
    IDENTIFY_CAUSE = "IdentifyRootCause"
    DETERMINE_RESOLUTION = "DetermineResolution"


class Cause(StrEnum):
    """The probable cause of what an investigation looks into, in one word (spec: Identify Root Cause)."""

    # nobody answers, or not with what is needed
    DATABASE_UNAVAILABLE = "DatabaseUnavailable"
    DATABASE_URL_INVALID = "DatabaseUrlInvalid"
    DATABASE_QUERY_FAILED = "DatabaseQueryFailed"
    FORWARDING_UNAVAILABLE = "ForwardingUnavailable"
    TOKEN_REFUSED = "ForwardingRefusesToken"  # noqa: S105 - a cause, not a secret
    FORWARDING_PROTOCOL_ERROR = "ForwardingProtocolError"
    SECRET_NOT_FOUND = "SecretNotFound"  # noqa: S105 - as above
    KUBERNETES_TROUBLE = "KubernetesTrouble"
    # the operator itself
    OPERATOR_INTERRUPTED = "OperatorInterrupted"
    OPERATOR_FAULT = "OperatorFault"
    # what somebody wants so
    POLICY_OBSERVE = "PolicyObserve"
    POLICY_UPSERT_ONLY = "PolicyUpsertOnly"
    CLOSES_HELD = "ClosesHeldByGuard"
    APPROVAL_INVALID = "ApprovalInvalid"
    PERSONS_WORD = "PinsOrManualOperations"
    # F1.1 answers, but does not do it
    HASHES_REFUSED = "ForwardingRefusesHashes"
    ESTABLISHES_FAILING = "EstablishesFailing"
    FORWARDING_SLOW = "ForwardingSlow"
    CLOSES_FAILING = "ClosesFailing"
    # the customers' data
    DUPLICATE_HASHES = "DuplicateHashes"
    CONTRADICTORY_DATA = "ContradictoryCustomerData"
    INCOMPLETE_DATA = "IncompleteCustomerData"
    CUSTOMERS_CHANGED = "ManyCustomersChanged"
    # what happened between the cycles
    CHANGED_ELSEWHERE = "ConnectionsChangedElsewhere"
    BACKLOG = "AfterFailedCycles"
    UNKNOWN = "Unknown"
