"""What the cycle needs of the outside, as small protocols. The contract is in the comments; adapters fulfil it.

All calls are bounded in time, raise nothing but :mod:`navixy_operator.errors`, and may be repeated without harm.
"""

from dataclasses import dataclass

from navixy_operator.ports.audit import (
    AuditPage,
    AuditQuery,
    AuditReader,
    AuditSpool,
    AuditState,
    AuditStore,
    AuditTrail,
    Stretch,
)
from navixy_operator.ports.cluster import Clock, Recorder, Resource, Resources, Secrets
from navixy_operator.ports.monitoring import Alert, Alerting, Board, Observer
from navixy_operator.ports.services import CustomerDatabase, Forwarding, Listing

__all__ = [
    "Alert",
    "Alerting",
    "AuditPage",
    "AuditQuery",
    "AuditReader",
    "AuditSpool",
    "AuditState",
    "AuditStore",
    "AuditTrail",
    "Board",
    "Clock",
    "Cluster",
    "CustomerDatabase",
    "Forwarding",
    "Listing",
    "Observer",
    "Outside",
    "Recorder",
    "Resource",
    "Resources",
    "Secrets",
    "Stretch",
]


@dataclass(frozen=True, slots=True)
class Cluster:
    """What every NavixySync shares: the API server, time, and who hears of what happens."""

    resources: Resources
    recorder: Recorder
    clock: Clock
    observers: tuple[Observer, ...] = ()
    trail: AuditTrail | None = None
    audit: AuditReader | None = None
    board: Board | None = None
    alerting: Alerting | None = None


@dataclass(frozen=True, slots=True)
class Outside:
    """All that a cycle of one NavixySync talks to."""

    database: CustomerDatabase
    forwarding: Forwarding
    resources: Resources
    secrets: Secrets
    clock: Clock
