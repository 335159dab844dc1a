"""Objects of each kind: the smallest valid one, and one that uses every field."""

from typing import Any, Final

from navixy_operator.core.vocabulary import API_VERSION, Kind

JSON = dict[str, Any]

MINIMAL: Final[dict[Kind, JSON]] = {
    Kind.CUSTOMER: {"customerRef": "acme", "sync": "main", "source": "Database"},
    Kind.SYNC: {
        "database": {"urlSecretRef": {"name": "customer-database", "key": "url"}},
        "forwarding": {"url": "https://f11.example", "tokenSecretRef": {"name": "f11-token", "key": "token"}},
    },
    Kind.CYCLE: {"sync": "main"},
    Kind.INVESTIGATION: {"sync": "main", "trigger": "SynchronizationFailure"},
}

MANUAL: Final[JSON] = {
    "customerRef": "acme",
    "sync": "main",
    "source": "Manual",
    "state": "active",
    "hashSecretRef": {"name": "acme-hash", "key": "hash"},
}

_CONDITIONS: Final = [
    {
        "type": "Ready",
        "status": "False",
        "reason": "HashRejected",
        "message": "F1.1 does not know the hash",
        "lastTransitionTime": "2026-01-02T03:04:05Z",
        "observedGeneration": 7,
    }
]
_COUNTS: Final = {
    "rows": 21,
    "customers": 19,
    "eligible": 15,
    "skipped": 3,
    "expected": 15,
    "actualBefore": 14,
    "actual": 15,
    "discrepancies": 4,
    "unresolved": 1,
    "failed": 1,
    "missing": 2,
    "extra": 1,
    "suspendedConnected": 1,
    "suspendedRemaining": 1,
    "established": 2,
    "establishFailed": 1,
    "closed": 1,
    "closeFailed": 1,
    "pending": 1,
    "held": 1,
    "pinned": 1,
    "manual": 1,
    "declared": 1,
    "persistent": 1,
    "created": 2,
    "updated": 1,
    "deleted": 1,
}

MAXIMAL_SPEC: Final[dict[Kind, JSON]] = {
    Kind.CUSTOMER: {**MANUAL, "gateways": 3, "hashFingerprint": "0123456789abcdef"},
    Kind.SYNC: {
        "schedule": "*/5 1-3 * * MON",
        "timeZone": "Europe/Berlin",
        "suspend": True,
        "policy": "UpsertOnly",
        "hashPattern": "^[0-9A-F]{40}$",
        "database": {
            "urlSecretRef": {"name": "customer-database", "key": "url"},
            "query": "SELECT customer_ref, provider, state, navixy_hash, gateway_count FROM mine",
            "timeoutSeconds": 30,
        },
        "forwarding": {
            "url": "http://f11.example:8080/base/",
            "tokenSecretRef": {"name": "f11-token", "key": "token"},
            "concurrency": 4,
            "ratePerSecond": 20,
            "timeoutSeconds": 5,
            "establishTimeoutSeconds": 90,
        },
        "drift": {"intervalSeconds": 120},
        "guards": {"maxClosePercent": 5, "minCloses": 2, "maxShrinkPercent": 7},
        "retry": {"failed": "Backoff"},
        "alerts": {
            "alertmanagerUrl": "http://alertmanager.monitoring:9093",
            "persistentCycles": 3,
            "skipRatePercent": 15,
            "establishSuccessPercent": 80,
        },
        "history": {"cycles": 10},
    },
    Kind.CYCLE: {
        "sync": "main",
        "dryRun": True,
        "approves": "main-29000000",
        "scheduledTime": "2026-01-02T03:00:00Z",
    },
    Kind.INVESTIGATION: {"sync": "main", "trigger": "ConnectionCountMismatch"},
}

MAXIMAL_STATUS: Final[dict[Kind, JSON]] = {
    Kind.CUSTOMER: {
        "observedGeneration": 7,
        "phase": "Failed",
        "desired": "Connected",
        "connection": {
            "id": "c-17",
            "state": "failed",
            "since": "2026-01-02T03:04:05Z",
            "error": {
                "code": "hash-rejected",
                "message": "no such hash",
                "permanent": True,
                "hashFingerprint": "0123456789abcdef",
            },
        },
        "pin": {
            "mode": "hold",
            "reason": "audit",
            "by": "ops",
            "until": "2026-02-01T00:00:00Z",
            "insteadOf": {"desired": "Disconnected", "reason": "Suspended"},
        },
        "failedCycles": 2,
        "lastCycle": "main-29000000",
        "conditions": _CONDITIONS,
    },
    Kind.SYNC: {
        "observedGeneration": 7,
        "phase": "completed",
        "activeCycle": "main-29000001",
        "lastCycle": {
            "name": "main-29000000",
            "phase": "completed",
            "reason": "PartiallySynchronized",
            "message": "14 of 15 expected connections are connected",
            "startTime": "2026-01-02T03:00:00Z",
            "completionTime": "2026-01-02T03:00:09Z",
            "durationSeconds": 8.75,
            "counts": _COUNTS,
        },
        "expected": 15,
        "actual": 14,
        "discrepancies": 4,
        "suspendedConnected": 1,
        "alerts": [
            {
                "name": "NavixySuspendedCustomersConnected",
                "severity": "high",
                "since": "2026-01-02T03:00:04Z",
                "message": "suspended or removed customers have an open connection",
                "resolved": True,
            }
        ],
        "discrepantCycles": 3,
        "discrepantSince": "2025-12-31T03:00:09Z",
        "recentCloses": [{"hour": "2026-01-02T02:00:00Z", "count": 2}, {"hour": "2026-01-02T03:00:00Z", "count": 1}],
        "lastSuccessfulTime": "2026-01-02T03:00:09Z",
        "lastScheduleTime": "2026-01-02T03:00:00Z",
        "nextScheduleTime": "2999-01-03T03:00:00Z",
        "conditions": _CONDITIONS,
    },
    Kind.CYCLE: {
        "observedGeneration": 1,
        "phase": "failed",
        "reason": "CountMismatch",
        "message": "15 expected, 14 open",
        "startTime": "2026-01-02T03:00:00Z",
        "completionTime": "2026-01-02T03:00:09Z",
        "durationSeconds": 8.75,
        "counts": _COUNTS,
        "discrepancies": [
            {"type": "MissingConnection", "customerRef": "acme", "connectionId": "c-17", "message": "no connection"}
        ],
        "discrepanciesOmitted": 3,
        "discrepancyCounts": {"MissingConnection": 2, "ExtraConnection": 1},
        "actions": [
            {
                "customerRef": "acme",
                "connectionId": "c-17",
                "action": "Establish",
                "outcome": "Failed",
                "reason": "HashRejected",
                "message": "no such hash",
            }
        ],
        "actionsOmitted": 5,
        "skips": [{"customerRef": "beta", "reason": "NoGateways", "message": "has no gateways"}],
        "skipsOmitted": 2,
        "skipCounts": {"NoGateways": 3},
        "heldCloses": {
            "digest": "sha256:0123",
            "count": 2,
            "reason": "EmptyDatabase",
            "members": "AAECAwQFBgcICQoL",
            "items": [{"customerRef": "gamma", "connectionId": "c-18", "reason": "NotInDatabase"}],
            "itemsOmitted": 1,
            "approvedAt": "2026-01-02T04:00:00Z",
        },
        "approvalRefusal": "it names another list than this cycle's",
        "auditDigest": "0123456789abcdef" * 4,
        "validation": {"passed": False, "expected": 15, "actual": 14, "messages": ["acme has no connection"]},
        "conditions": _CONDITIONS,
    },
    Kind.INVESTIGATION: {
        "observedGeneration": 1,
        "phase": "Acknowledged",
        "message": "14 connections are connected where 15 are expected",
        "openedTime": "2026-01-02T03:00:10Z",
        "lastSeenTime": "2026-01-03T03:00:09Z",
        "lastSeenCycle": "main-29001440",
        "cyclesSeen": 2,
        "clearSince": "2026-01-03T04:00:00Z",
        "acknowledgedBy": "ops",
        "acknowledgedTime": "2026-01-02T08:00:00Z",
        "resolvedTime": "2026-01-04T03:00:09Z",
        "probableCause": {"reason": "ForwardingRefusesHashes", "message": "F1.1 refuses the hashes of 1 customer"},
        "suggestedResolution": ["Correct the hash in the customer database."],
        "evidence": [
            {"step": "ReviewSynchronizationLogs", "findings": ["2 cycles kept: 2 completed"]},
            {"step": "IdentifyRootCause", "findings": ["ForwardingRefusesHashes: F1.1 refuses the hashes"]},
        ],
        "conditions": _CONDITIONS,
    },
}


def resource(kind: Kind, name: str, spec: JSON, namespace: str = "default") -> JSON:
    """An object for the API server."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind.value,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def changed(data: JSON, path: str, value: Any) -> JSON:
    """A copy with one field (``a.b.c``) set, or taken out when the value is ``...``."""
    head, _, rest = path.partition(".")
    copy = dict(data)
    if rest:
        copy[head] = changed(copy.get(head, {}), rest, value)
    elif value is ...:
        copy.pop(head, None)
    else:
        copy[head] = value
    return copy
