"""The contract table: objects that the models and the API server must both take, or both refuse.

An ``operator_only`` row breaks a rule that the schema cannot say: CEL (API servers older than it drop the rule), or
that Kubernetes has no words for (cron, time zones, regular expressions).
"""

from dataclasses import dataclass
from typing import Any, Final

from api.samples import MANUAL, MAXIMAL_SPEC, MAXIMAL_STATUS, MINIMAL, changed
from navixy_operator.core.vocabulary import Kind

LONG: Final = "x" * 1024


@dataclass(frozen=True, slots=True)
class Case:
    """One object: ``data`` is a spec, or with ``status`` a status."""

    name: str
    kind: Kind
    data: dict[str, Any]
    valid: bool
    status: bool = False
    operator_only: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


def _specs(kind: Kind, base: dict[str, Any], *rows: tuple[str, Any], valid: bool, **marks: bool) -> list[Case]:
    return [Case(f"{path}={str(value)[:40]}", kind, changed(base, path, value), valid, **marks) for path, value in rows]


def _statuses(kind: Kind, *rows: tuple[str, Any], valid: bool) -> list[Case]:
    base = MAXIMAL_STATUS[kind]
    return [
        Case(f"status.{path}={str(value)[:40]}", kind, changed(base, path, value), valid, status=True)
        for path, value in rows
    ]


_CONDITION: Final = MAXIMAL_STATUS[Kind.SYNC]["conditions"][0]
_ALERT: Final = MAXIMAL_STATUS[Kind.SYNC]["alerts"][0]

CUSTOMER: Final = [
    Case("minimal", Kind.CUSTOMER, MINIMAL[Kind.CUSTOMER], valid=True),
    Case("manual", Kind.CUSTOMER, MANUAL, valid=True),
    Case("every field", Kind.CUSTOMER, MAXIMAL_SPEC[Kind.CUSTOMER], valid=True),
    *_specs(
        Kind.CUSTOMER,
        MINIMAL[Kind.CUSTOMER],
        ("customerRef", LONG),
        ("customerRef", "Клиент/Ü_№ 1 "),
        ("customerRef", "ё" * 1024),
        ("state", "suspended"),
        ("gateways", 0),
        ("gateways", 2**31 - 1),
        ("sync", "a" * 52),
        ("sync", "team.main-2"),
        ("nonsense", {"is": "pruned"}),
        ("state", None),
        ("gateways", None),
        valid=True,
    ),
    *_specs(
        Kind.CUSTOMER,
        MINIMAL[Kind.CUSTOMER],
        ("customerRef", ...),
        ("customerRef", ""),
        ("customerRef", LONG + "x"),
        ("customerRef", 17),
        ("customerRef", ["acme"]),
        ("sync", ...),
        ("sync", "Main"),
        ("sync", "main\n"),
        ("sync", "-main"),
        ("sync", "a" * 53),
        ("source", ...),
        ("source", "database"),
        ("state", "Active"),
        ("state", "unknown"),
        ("state", True),
        ("gateways", -1),
        ("gateways", 2**31),
        ("gateways", "3"),
        ("gateways", 1.5),
        ("gateways", True),
        ("hashFingerprint", "0123456789ABCDEF"),
        ("hashFingerprint", "0123456789abcdef0123456789abcdef"),
        valid=False,
    ),
    *_specs(
        Kind.CUSTOMER,
        MANUAL,
        ("hashSecretRef", "acme-hash"),
        ("hashSecretRef.key", ...),
        ("hashSecretRef.name", "Acme_Hash"),
        ("hashSecretRef.key", "a/b"),
        ("hashSecretRef.key", ""),
        valid=False,
    ),
    *_specs(
        Kind.CUSTOMER, MANUAL, ("hashSecretRef", ...), ("state", ...), ("source", "Database"),
        valid=False, operator_only=True,
    ),
    *_statuses(
        Kind.CUSTOMER,
        ("connection.state", "open"),
        ("connection.since", "yesterday"),
        ("connection.error.code", ...),
        ("connection.error.permanent", "no"),
        ("desired", "connected"),
        ("pin.mode", "keep"),
        ("pin.until", "tomorrow"),
        ("pin.insteadOf", {"desired": "Connected"}),
        ("pin.insteadOf.desired", "as it is"),
        ("pin.insteadOf.reason", "two words"),
        ("failedCycles", -1),
        ("phase", "two words"),
        valid=False,
    ),
]  # fmt: skip

_URL: Final = "forwarding.url"

SYNC: Final = [
    Case("minimal", Kind.SYNC, MINIMAL[Kind.SYNC], valid=True),
    Case("every field", Kind.SYNC, MAXIMAL_SPEC[Kind.SYNC], valid=True),
    *_specs(
        Kind.SYNC,
        MINIMAL[Kind.SYNC],
        ("schedule", "0 0 29 2 *"),
        ("timeZone", "America/Argentina/Buenos_Aires"),
        ("policy", "Observe"),
        ("drift", {}),
        ("drift", None),
        ("guards.maxClosePercent", 0),
        ("guards.minCloses", None),
        ("history.cycles", 1),
        (_URL, "http://127.0.0.1:8080"),
        (_URL, "https://[::1]:8443/a/b@c/"),
        ("alerts.alertmanagerUrl", "http://alertmanager:9093/prefix"),
        ("database.query", "SELECT 1"),
        ("database.query", None),
        valid=True,
    ),
    *_specs(
        Kind.SYNC,
        MINIMAL[Kind.SYNC],
        ("schedule", ""),
        ("schedule", 5),
        ("schedule", "*" * 257),
        ("timeZone", ""),
        ("suspend", "yes"),
        ("suspend", 1),
        ("policy", "full"),
        ("hashPattern", ""),
        ("database", ...),
        ("database", "postgresql://"),
        ("database.urlSecretRef", ...),
        ("database.query", ""),
        ("database.query", "x" * 20_001),
        ("database.timeoutSeconds", 0),
        ("database.timeoutSeconds", "60"),
        ("forwarding", ...),
        ("forwarding.tokenSecretRef", ...),
        ("forwarding.concurrency", 0),
        ("forwarding.concurrency", 257),
        ("forwarding.ratePerSecond", 0),
        ("forwarding.timeoutSeconds", 301),
        ("forwarding.establishTimeoutSeconds", 0),
        (_URL, ...),
        (_URL, ""),
        (_URL, "f11.example"),
        (_URL, "ftp://f11.example"),
        (_URL, "https://"),
        (_URL, "https:///path"),
        (_URL, "https://user:pw@f11.example"),
        (_URL, "https://f11.example/?token=1"),
        (_URL, "https://f11.example#part"),
        (_URL, "https://f11.example/ x"),
        (_URL, "https://f11.example\n"),
        (_URL, "https://" + "x" * 2048),
        ("drift.intervalSeconds", 4),
        ("drift.intervalSeconds", 86_401),
        ("drift", []),
        ("guards.maxClosePercent", 101),
        ("guards.maxShrinkPercent", -1),
        ("guards.minCloses", -1),
        ("retry.failed", "Never"),
        ("alerts.alertmanagerUrl", "alertmanager:9093"),
        ("alerts.persistentCycles", 0),
        ("alerts.skipRatePercent", 101),
        ("alerts.establishSuccessPercent", -1),
        ("history.cycles", 0),
        ("history.cycles", 1001),
        valid=False,
    ),
    *_specs(
        Kind.SYNC,
        MINIMAL[Kind.SYNC],
        ("schedule", "61 * * * *"),
        ("schedule", "0 3 * *"),
        ("schedule", "* * * * * *"),
        ("schedule", "@daily"),
        ("schedule", "0 0 31 4 *"),
        ("timeZone", "Mars/Olympus"),
        ("timeZone", "/etc/passwd"),
        ("timeZone", "Europe"),
        ("hashPattern", "[0-9a-f"),
        ("hashPattern", "a{99999999999999999999}"),
        (_URL, "https://f11.example:99999"),
        (_URL, "https://:8080"),
        (_URL, "https://[::1"),
        valid=False, operator_only=True,
    ),
    *_statuses(
        Kind.SYNC,
        ("phase", "Completed"),
        ("expected", 1.5),
        ("discrepantCycles", -1),
        ("discrepantSince", "yesterday"),
        ("recentCloses", [{"hour": "2026-01-02T03:00:00Z"}]),
        ("recentCloses", [{"hour": "03:00", "count": 1}]),
        ("recentCloses", [{"hour": "2026-01-02T03:00:00Z", "count": -1}]),
        ("recentCloses", [{"hour": "2026-01-02T03:00:00Z", "count": 1}] * 49),
        ("suspendedConnected", -1),
        ("alerts", [_ALERT] * 33),
        ("alerts", [changed(_ALERT, "name", "Fire")]),
        ("alerts", [changed(_ALERT, "severity", "High")]),
        ("alerts", [changed(_ALERT, "since", ...)]),
        ("alerts", [changed(_ALERT, "resolved", "no")]),
        ("lastCycle.durationSeconds", -1),
        ("lastCycle.phase", ...),
        ("lastCycle.counts.missing", -1),
        ("nextScheduleTime", "2026-01-02 03:00:00"),
        ("nextScheduleTime", "2026-01-02T03:00:00"),
        ("nextScheduleTime", 1767322800),
        ("conditions", [_CONDITION] * 17),
        ("conditions", [changed(_CONDITION, "status", "true")]),
        ("conditions", [{**_CONDITION, "status": True}]),
        ("conditions", [changed(_CONDITION, "reason", "two words")]),
        ("conditions", [changed(_CONDITION, "lastTransitionTime", ...)]),
        valid=False,
    ),
]  # fmt: skip

CYCLE: Final = [
    Case("minimal", Kind.CYCLE, MINIMAL[Kind.CYCLE], valid=True),
    Case("every field", Kind.CYCLE, MAXIMAL_SPEC[Kind.CYCLE], valid=True),
    *_specs(
        Kind.CYCLE,
        MINIMAL[Kind.CYCLE],
        ("dryRun", None),
        ("approves", "main-29000000-approved-1"),
        ("scheduledTime", "2026-01-02T03:00:00.123456+02:00"),
        ("scheduledTime", "2026-01-02t03:00:00.123456789z"),
        valid=True,
    ),
    *_specs(
        Kind.CYCLE,
        MINIMAL[Kind.CYCLE],
        ("sync", ...),
        ("sync", "a b"),
        ("dryRun", "true"),
        ("approves", ""),
        ("approves", "Main_1"),
        ("approves", "a" * 254),
        ("scheduledTime", "03:00"),
        ("scheduledTime", "2026-13-01T00:00:00Z"),
        ("scheduledTime", "2026-02-30T00:00:00Z"),
        ("scheduledTime", "2026-01-02T24:00:00Z"),
        ("scheduledTime", "2026-01-02T03:00Z"),
        valid=False,
    ),
    *_statuses(
        Kind.CYCLE,
        ("phase", "running"),
        ("durationSeconds", "9"),
        ("durationSeconds", True),
        ("discrepancies", [{"type": "Missing"}]),
        ("discrepancies", [{"type": "MissingConnection"}] * 101),
        ("discrepanciesOmitted", -1),
        ("discrepancyCounts", {"MissingConnection": "2"}),
        ("discrepancyCounts", {f"Type{number}": 1 for number in range(65)}),
        ("actions", [{"action": "Open"}]),
        ("actions", [{"action": "Close", "outcome": "Maybe"}]),
        ("skips", [{"customerRef": "beta"}]),
        ("heldCloses.digest", ...),
        ("heldCloses.members", "x" * 900_001),
        ("heldCloses.members", ["AAECAwQF"]),
        ("heldCloses.approvedAt", "yes"),
        ("auditDigest", "0123"),
        ("heldCloses.items", [{"customerRef": "gamma"}]),
        ("validation.passed", ...),
        ("validation.messages", ["x"] * 21),
        valid=False,
    ),
]

_ENTRY: Final = {"step": "ReviewSynchronizationLogs", "findings": ["3 cycles kept"]}

INVESTIGATION: Final = [
    Case("minimal", Kind.INVESTIGATION, MINIMAL[Kind.INVESTIGATION], valid=True),
    Case("every field", Kind.INVESTIGATION, MAXIMAL_SPEC[Kind.INVESTIGATION], valid=True),
    *_specs(
        Kind.INVESTIGATION,
        MINIMAL[Kind.INVESTIGATION],
        ("trigger", "CustomersRepeatedlySkipped"),
        ("trigger", "SuspendedCustomersConnected"),
        ("trigger", "HighDiscrepancyRate"),
        ("sync", "team.main-2"),
        valid=True,
    ),
    *_specs(
        Kind.INVESTIGATION,
        MINIMAL[Kind.INVESTIGATION],
        ("sync", ...),
        ("sync", "Main"),
        ("trigger", ...),
        ("trigger", "Suspicion"),
        ("trigger", "connectioncountmismatch"),
        ("trigger", ""),
        valid=False,
    ),
    *_statuses(Kind.INVESTIGATION, ("phase", "Resolved"), ("probableCause.reason", "OfALaterVersion"), valid=True),
    *_statuses(
        Kind.INVESTIGATION,
        ("phase", "open"),
        ("openedTime", "yesterday"),
        ("cyclesSeen", -1),
        ("probableCause.reason", "two words"),
        ("probableCause.message", ...),
        ("suggestedResolution", "run a cycle"),
        ("suggestedResolution", ["x"] * 21),
        ("evidence", [_ENTRY] * 6),
        ("evidence", [{**_ENTRY, "step": "Guess"}]),
        ("evidence", [{**_ENTRY, "findings": ["x"] * 21}]),
        ("evidence", [{"findings": ["x"]}]),
        valid=False,
    ),
]

CASES: Final = [*CUSTOMER, *SYNC, *CYCLE, *INVESTIGATION]
