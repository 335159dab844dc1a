"""What can be set from outside while the simulator runs (``PATCH /simulator/settings``, ``POST /simulator/faults``)."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Rate = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
RefusalCode = Literal["hash-malformed", "hash-rejected", "account-blocked"]
State = Literal["pending", "connected", "disconnected", "failed"]
Origin = Literal["automatic", "manual"]


class Route(StrEnum):
    """The operations of the contract."""

    LIST = "list"
    GET = "get"
    ESTABLISH = "establish"
    CLOSE = "close"


class FaultKind(StrEnum):
    """What can befall a request."""

    ERROR = "error"
    """``status`` (5xx) instead of work."""
    THROTTLE = "throttle"
    """429 with ``Retry-After`` instead of work."""
    DROP = "drop"
    """The connection is cut before any work."""
    LOST = "lost"
    """The work is done and kept, then the connection is cut."""
    HANG = "hang"
    """No work and no answer for ``seconds``, then the connection is cut."""
    LATE = "late"
    """The work is done at once, its answer comes after ``seconds``."""
    DRIP = "drip"
    """The work is done, its answer comes in small pieces over ``seconds``."""
    EXPIRE = "expire"
    """All page tokens given so far expire, then the work is done: a page after the first is answered 400."""
    ANSWER = "answer"
    """``status``, ``content_type`` and ``body`` as they are, instead of work: HTML, broken JSON, anything."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True, use_attribute_docstrings=True)


class Fault(_Model):
    """A fault that strikes a counted number of requests."""

    kind: FaultKind
    route: Route | None = None
    """None: any."""
    subject: str | None = None
    """Only requests about this customer_ref; None: any."""
    skip: Annotated[int, Field(ge=0)] = 0
    """Matching requests to let pass first."""
    times: Annotated[int, Field(ge=1)] = 1
    """Matching requests to strike."""
    status: Annotated[int, Field(ge=200, le=599)] = 503
    seconds: Seconds = 3600.0
    retry_after: str | None = None
    """Value of the ``Retry-After`` header: seconds or an HTTP date."""
    content_type: str = "text/html"
    body: str = "<!doctype html><title>Welcome</title>"


class Failure(_Model):
    """How establishing fails, after the settle time."""

    code: str = "navixy-unreachable"
    message: str = "Navixy did not answer"
    permanent: bool = False
    times: Annotated[int, Field(ge=1)] | None = None
    """How many connections of this customer fail; None: all."""


class Behaviour(_Model):
    """All settings. Of the process: they are gone after a restart, unlike connections, keys and history."""

    latency_seconds: Seconds = 0.0
    """Before the work of every request."""
    latency_jitter_seconds: Seconds = 0.0
    """Up to this much more, by chance."""
    settle_seconds: Seconds = 0.0
    """How long a connection stays pending; 0: until the next request."""
    close_seconds: Seconds = 0.0
    """How long closing takes; 0: DELETE answers 204, else 202."""
    retention_seconds: Seconds = 3600.0
    """How long disconnected connections stay listed."""
    page_token_seconds: Seconds = 600.0
    """How long a page token is good."""
    retry_after_seconds: Annotated[int, Field(ge=0)] = 1
    """``Retry-After`` of faults that name none of their own."""
    hang_seconds: Seconds = 3600.0
    """How long a request hangs when chance makes it."""
    seed: int = 0
    """Same seed, same requests: same faults."""
    error_rate: Rate = 0.0
    throttle_rate: Rate = 0.0
    drop_rate: Rate = 0.0
    lost_rate: Rate = 0.0
    hang_rate: Rate = 0.0
    short_page_rate: Rate = 0.0
    """Chance that a page is shorter than asked, even empty."""
    page_overlap: Annotated[int, Field(ge=0)] = 0
    """How many items of a page are seen again on the next."""
    endless: Literal["no", "same-token", "new-tokens"] = "no"
    """Whether the list never ends, and how."""
    etags: bool = True
    """Whether lists have an ETag, and are answered 304."""
    hash_pattern: str = "[0-9a-f]{32}"
    """What is not of this form is ``hash-malformed``."""
    refusals: dict[str, RefusalCode] = {}
    """Fingerprint of a hash: the 422 it gets."""
    failures: dict[str, Failure] = {}
    """customer_ref: how its connections fail."""


class Seed(_Model):
    """A connection that is there without having been asked for over the contract."""

    id: Annotated[str, Field(min_length=1)] | None = None
    provider: str = "navixy"
    customer_ref: str | None = None
    state: State = "connected"
    origin: Origin = "automatic"
    hash_fingerprint: str | None = None
    error: dict[str, object] | None = None
    exclusive: bool = False
    """Refused where the customer has an open connection, as F1.1 refuses F1.3 a second one."""


class Alteration(_Model):
    """A change of one connection that does not come over the contract: lost by Navixy, or F1.3's doing."""

    state: State | None = None
    origin: Origin | None = None
    error: dict[str, object] | None = None
