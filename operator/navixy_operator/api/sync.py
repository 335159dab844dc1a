"""NavixySync: the configuration and the state of one synchronization (design section 2)."""

import re
import zoneinfo
from datetime import UTC, datetime
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field

from navixy_operator.api.common import (
    MAX_SYNC_NAME,
    Condition,
    Count,
    Flag,
    Identifier,
    Integer,
    Matches,
    Message,
    Model,
    Percent,
    ReasonText,
    Seconds,
    SecretKeyRef,
    Time,
    conditions_field,
    section,
)
from navixy_operator.api.counts import Counts
from navixy_operator.core.model import DEFAULT_HASH_PATTERN
from navixy_operator.core.vocabulary import AlertName, Phase, Policy, Severity
from navixy_operator.core.vocabulary import Condition as ConditionType

CRON_FIELDS: Final = 5
NAME_RULE = (
    f"size(self.metadata.name) <= {MAX_SYNC_NAME}",
    f"metadata.name must have at most {MAX_SYNC_NAME} characters: its SyncCycles are named after it",
)


def explain_name(name: str) -> str | None:
    """What is wrong with the name of a NavixySync, as the CEL rule says it; None: nothing."""
    return NAME_RULE[1] if len(name) > MAX_SYNC_NAME else None


def _cron(value: str) -> str:
    problem = ""
    if len(value.split()) != CRON_FIELDS:
        problem = "write minute, hour, day of month, month and day of week"
    else:
        try:
            # The reference moment says only that the expression comes true some day, whatever today is.
            next(CronSim(value, datetime(2000, 1, 1, tzinfo=UTC)))
        except CronSimError as error:
            problem = str(error).lower()
        except StopIteration:
            problem = "no day fits it"
    if problem:
        message = f"is not a cron expression: {problem}"
        raise ValueError(message)
    return value


def _time_zone(value: str) -> str:
    try:
        zoneinfo.ZoneInfo(value)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        message = "is not a time zone: use a name of the IANA database, such as UTC or Europe/Berlin"
        raise ValueError(message) from None
    return value


def _hash_pattern(value: str) -> str:
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        message = f"is not a regular expression: {error}"
        raise ValueError(message) from None
    return value


def _address(value: str) -> str:
    try:
        usable = bool(urlsplit(value).hostname) and urlsplit(value).port != 0
    except ValueError:
        usable = False
    if not usable:
        message = "must have a host and, if any, a port from 1 to 65535"
        raise ValueError(message)
    return value


Schedule = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_cron)]
TimeZone = Annotated[str, Field(min_length=1, max_length=128), AfterValidator(_time_zone)]
HashPattern = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_hash_pattern)]
HttpUrl = Annotated[
    str,
    Field(max_length=2048),
    Matches(
        r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        "must be http(s)://host[:port][/path], without user, password, query or fragment",
    ),
    AfterValidator(_address),
]


class Database(Model):
    """The customer database, read only."""

    url_secret_ref: SecretKeyRef = Field(description="Where the database's SQLAlchemy URL is, its password included.")
    query: Annotated[str, Field(min_length=1, max_length=20_000)] | None = Field(
        default=None,
        description="SQL that gives the columns customer_ref, provider, state, navixy_hash, gateway_count and, if "
        "wanted, name; absent: the default query over customers, customer_providers and gateways.",
    )
    timeout_seconds: Annotated[Integer, Field(ge=1, le=3600)] = Field(
        default=60, description="Seconds that the query may take in all."
    )


class Forwarding(Model):
    """F1.1, the service that holds the connections."""

    url: HttpUrl = Field(description="Base URL of F1.1, http or https, without user, password, query or fragment.")
    token_secret_ref: SecretKeyRef = Field(description="Where the bearer token for F1.1 is.")
    concurrency: Annotated[Integer, Field(ge=1, le=256)] = Field(
        default=16, description="Requests to F1.1 that may be under way at once."
    )
    rate_per_second: Annotated[Integer, Field(ge=1, le=10_000)] = Field(
        default=100, description="Requests to F1.1 that may be started in a second."
    )
    timeout_seconds: Annotated[Integer, Field(ge=1, le=300)] = Field(
        default=10, description="Seconds that one request to F1.1 may take."
    )
    establish_timeout_seconds: Annotated[Integer, Field(ge=1, le=3600)] = Field(
        default=60, description="Seconds after which a connection that is still pending counts as failed."
    )


class Drift(Model):
    """The cheap runs between cycles."""

    interval_seconds: Annotated[Integer, Field(ge=5, le=86_400)] = Field(
        default=60, description="Seconds between two drift passes."
    )


class Guards(Model):
    """When the closes of a cycle are held until a person approves them."""

    max_close_percent: Percent = Field(
        default=20, description="Percentage of the open automatic connections that one cycle may close."
    )
    min_closes: Annotated[Integer, Field(ge=0, le=1_000_000)] = Field(
        default=10, description="Number of closes that are always allowed."
    )
    max_shrink_percent: Percent = Field(
        default=20, description="Percentage of the Navixy customers that the database may lose between two cycles."
    )


class Retry(Model):
    """What happens to a connection that failed."""

    failed: Literal["NextCycle", "Backoff"] = Field(
        default="NextCycle",
        description="NextCycle: established anew by the next cycle. Backoff: sooner, by drift passes, less and less.",
    )


class Alerts(Model):
    """Where and when to alert."""

    alertmanager_url: HttpUrl | None = Field(
        default=None, description="Base URL of an Alertmanager; absent: none is pushed."
    )
    persistent_cycles: Annotated[Integer, Field(ge=1, le=1000)] = Field(
        default=2, description="Number of cycles that discrepancies may last before they count as persistent."
    )
    skip_rate_percent: Percent = Field(default=10, description="Percentage of skipped customers above which to alert.")
    establish_success_percent: Percent = Field(
        default=90, description="Percentage of successful establishments below which to alert."
    )


class History(Model):
    """What is kept of the past."""

    cycles: Annotated[Integer, Field(ge=1, le=1000)] = Field(
        default=30, description="Number of finished SyncCycles to keep."
    )


class NavixySyncSpec(Model):
    """How to synchronize."""

    schedule: Schedule = Field(
        default="0 3 * * *",
        description="When to run a cycle: minute, hour, day of month, month, day of week, as cron has them.",
    )
    time_zone: TimeZone = Field(
        default="UTC", description="Time zone of the schedule, by its name in the IANA database."
    )
    suspend: Flag = Field(
        default=False,
        description="Whether scheduled cycles and drift passes rest; a SyncCycle made by hand still runs.",
    )
    policy: Policy = Field(
        default=Policy.FULL, description="Observe: plan and report only. UpsertOnly: never close. Full: open and close."
    )
    hash_pattern: HashPattern = Field(
        default=DEFAULT_HASH_PATTERN,
        description="Regular expression (Python's) that the whole of a valid Navixy hash matches.",
    )
    database: Database = Field(description="The customer database, read only.")
    forwarding: Forwarding = Field(description="F1.1, the service that holds the connections.")
    drift: Drift = section(Drift, "The cheap runs between cycles.")
    guards: Guards = section(Guards, "When closes are held until a person approves them.")
    retry: Retry = section(Retry, "What happens to a connection that failed.")
    alerts: Alerts = section(Alerts, "Where and when to alert.")
    history: History = section(History, "What is kept of the past.")


class LastCycle(Model):
    """The cycle that ended last, and its counts."""

    name: Identifier = Field(description="Name of the SyncCycle.")
    phase: Phase = Field(description="How it ended.")
    reason: ReasonText | None = Field(default=None, description="Why it ended so, in one word.")
    message: Message | None = Field(default=None, description="Its summary, or why it failed, in a sentence.")
    start_time: Time | None = Field(default=None, description="When it started.")
    completion_time: Time | None = Field(default=None, description="When it ended.")
    duration_seconds: Seconds | None = Field(default=None, description="How many seconds it took.")
    counts: Counts | None = Field(default=None, description="What it counted.")


class RecentCloses(Model):
    """What drift passes cut off within one hour."""

    hour: Time = Field(description="The beginning of the hour.")
    count: Count = Field(description="Number of connections.")


class ActiveAlert(Model):
    """An alert that lasts."""

    name: AlertName = Field(description="Its alertname in Alertmanager.")
    severity: Severity = Field(description="How urgent it is.")
    since: Time = Field(description="When it began.")
    message: Message = Field(description="What is wrong, in a sentence.")
    resolved: Flag = Field(default=False, description="Whether it is over, and Alertmanager has yet to be told.")


class NavixySyncStatus(Model):
    """What the last cycles found and did; written by the operator alone."""

    observed_generation: Count | None = Field(
        default=None, description="metadata.generation of the spec that this status speaks of."
    )
    phase: Phase | None = Field(default=None, description="The synchronization's state.")
    active_cycle: Identifier | None = Field(
        default=None, description="Name of the SyncCycle that runs now; absent: none."
    )
    last_cycle: LastCycle | None = Field(default=None, description="The cycle that ended last, and its counts.")
    expected: Count | None = Field(
        default=None, description="Number of connections that should be connected, by the last cycle."
    )
    actual: Count | None = Field(
        default=None, description="Number of connections that are connected, by the last cycle."
    )
    discrepancies: Count | None = Field(default=None, description="Number of discrepancies that the last cycle left.")
    suspended_connected: Count | None = Field(
        default=None, description="Number of suspended or removed customers with an open connection, as last looked at."
    )
    alerts: tuple[ActiveAlert, ...] = Field(
        default=(), max_length=32, description="The alerts that last, as they are pushed to Alertmanager."
    )
    discrepant_cycles: Count | None = Field(
        default=None, description="Number of completed cycles in a row that left discrepancies."
    )
    discrepant_since: Time | None = Field(
        default=None, description="When the first of those cycles ended; absent: the last one left none."
    )
    recent_closes: tuple[RecentCloses, ...] = Field(
        default=(),
        max_length=48,
        description="Connections that drift passes cut off lately, for the guard that counts them over 24 hours.",
    )
    last_successful_time: Time | None = Field(default=None, description="When a cycle was last completed.")
    last_schedule_time: Time | None = Field(default=None, description="The scheduled moment that last started a cycle.")
    next_schedule_time: Time | None = Field(default=None, description="When the next scheduled cycle is due.")
    conditions: tuple[Condition, ...] = conditions_field(
        ConditionType.READY,
        ConditionType.RECONCILING,
        ConditionType.STALLED,
        ConditionType.DATABASE_AVAILABLE,
        ConditionType.FORWARDING_AVAILABLE,
        ConditionType.IN_SYNC,
        ConditionType.CLOSES_HELD,
        ConditionType.AUDIT_AVAILABLE,
    )
