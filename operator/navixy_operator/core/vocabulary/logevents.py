"""Names of the log lines that are the process's own: nothing of them is in the audit trail (docs/logs.md)."""

from enum import StrEnum


class LogEvent(StrEnum):
    """What the process tells of itself in its log; what it tells of customers and connections is an ``EventName``."""

    # its life, and who of several leads
    OPERATOR_STARTED = "OperatorStarted"
    OPERATOR_STOPPED = "OperatorStopped"
    LEADERSHIP_ACQUIRED = "LeadershipAcquired"
    LEADERSHIP_RELEASED = "LeadershipReleased"
    LEADERSHIP_LOST = "LeadershipLost"
    STANDING_BY = "StandingBy"
    LEASE_ABSENT = "LeaseAbsent"
    LEASE_NOT_REACHED = "LeaseNotReached"
    LEASE_NOT_RENEWED = "LeaseNotRenewed"
    LEASE_NOT_CLEARED = "LeaseNotCleared"
    # work that failed and is tried again
    TURN_FAILED = "TurnFailed"
    ATTEND_FAILED = "AttendFailed"
    LOOK_FAILED = "LookFailed"
    SWEEP_FAILED = "SweepFailed"
    ORPHANS_NOT_MINDED = "OrphansNotMinded"
    ORPHAN_NOT_MINDED = "OrphanNotMinded"
    ORPHAN_NOT_EXPLAINED = "OrphanNotExplained"
    DRIFT_PASS = "DriftPass"  # noqa: S105 - a pass, not a password
    DRIFT_TROUBLE = "DriftTrouble"
    # faults of the operator itself
    INTERNAL_ERROR = "InternalError"
    RUNNER_BROKE = "RunnerBroke"
    ATTEND_BROKE = "AttendBroke"
    LOOK_BROKE = "LookBroke"
    WATCH_ENDED = "WatchEnded"
    HEALTH_CHECK_BROKE = "HealthCheckBroke"
    AUDIT_TRAIL_BROKE = "AuditTrailBroke"
    AUDIT_TRAIL_ENDED = "AuditTrailEnded"
    # the API server
    WATCH_BROKE_OFF = "WatchBrokeOff"
    REQUEST_REPEATED = "RequestRepeated"
    EVENT_NOT_POSTED = "EventNotPosted"
    EVENTS_NOT_POSTED = "EventsNotPosted"
    TOKEN_NOT_READ = "TokenNotRead"  # noqa: S105 - a name, not a token
    TLS_NOT_VERIFIED = "TlsNotVerified"
    # audit trail, alerts and investigations
    AUDIT_SPOOL_FOUND = "AuditSpoolFound"
    AUDIT_SPOOL_UNUSABLE = "AuditSpoolUnusable"
    AUDIT_SPOOL_LINES_SKIPPED = "AuditSpoolLinesSkipped"
    AUDIT_NOT_KEPT = "AuditNotKept"
    AUDIT_NOT_FLUSHED = "AuditNotFlushed"
    AUDIT_NOT_PURGED = "AuditNotPurged"
    ALERTS_NOT_TAKEN = "AlertsNotTaken"
    ALERTS_TAKEN_AGAIN = "AlertsTakenAgain"
    LAST_WORDS_CUT_OFF = "LastWordsCutOff"
    EVIDENCE_WITHOUT_AUDIT = "EvidenceWithoutAudit"
