"""What Prometheus and Alertmanager say, parsed: results of queries, alerts, targets, notifications."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AliasPath, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Labels = dict[str, str]
Status = Literal["firing", "resolved"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of an instant query; ``at`` in seconds since the epoch."""

    labels: Mapping[str, str]
    value: float
    at: float


@dataclass(frozen=True, slots=True)
class Series:
    """One series of a range query: pairs of time, in seconds since the epoch, and value."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


class _Answer(BaseModel):
    """Fields by the names of the API, in Python's spelling; those that nobody asks for are left out."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel)


class Alert(_Answer):
    """An alert of Prometheus: a rule that holds for these labels."""

    labels: Labels
    annotations: Labels
    state: Literal["pending", "firing"]
    active_at: datetime
    value: float


class Target(_Answer):
    """A target that Prometheus scrapes."""

    labels: Labels
    scrape_url: str
    health: Literal["up", "down", "unknown"]
    """``unknown`` before the first scrape."""
    last_error: str
    last_scrape: datetime


class HeldAlert(_Answer):
    """An alert that Alertmanager holds; resolved ones are no longer among them."""

    labels: Labels
    annotations: Labels
    state: Annotated[
        Literal["unprocessed", "active", "suppressed"], Field(validation_alias=AliasPath("status", "state"))
    ]
    starts_at: datetime
    ends_at: datetime
    fingerprint: str


class NotifiedAlert(_Answer):
    """One alert of a notification."""

    status: Status
    labels: Labels
    annotations: Labels
    starts_at: datetime
    ends_at: datetime
    """Of the year 1 while it fires."""
    fingerprint: str
    generator_url: Annotated[str, Field(validation_alias="generatorURL")]


class Notification(_Answer):
    """What Alertmanager sends to a webhook: the alerts of one group. ``resolved``: none of them fires any more."""

    receiver: str
    status: Status
    group_key: str
    group_labels: Labels
    common_labels: Labels
    common_annotations: Labels
    external_url: Annotated[str, Field(validation_alias="externalURL")]
    alerts: tuple[NotifiedAlert, ...]

    def names(self, status: Status) -> set[str]:
        """The names of its alerts with that status."""
        return {alert.labels["alertname"] for alert in self.alerts if alert.status == status}
