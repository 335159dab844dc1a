"""What F1.1's client can be told, and where F1.1 is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from navixy_operator.errors import InvalidSpec

TokenProvider = Callable[[bool], Awaitable[str]]
"""Gives F1.1's bearer token. The argument: True reads the Secret anew, because the last value was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardingSettings:
    """How to talk to F1.1. Raises InvalidSpec for a URL or number that cannot be used."""

    url: str
    """Base URL, http or https; ``/v1/connections`` is appended to its path."""
    concurrency: int = 16
    """Requests in flight, at most. 16 saturate one core of the client (see ``transport.py``)."""
    rate_per_second: float = 100.0
    """Requests a second, at most, all kinds together; ``math.inf``: no limit."""
    timeout_seconds: float = 15.0
    """For one attempt, from the first byte sent to the last byte read."""
    establish_timeout_seconds: float = 60.0
    """For one establish or close with all its repeats, from its first attempt."""
    list_timeout_seconds: float = 240.0
    """For one whole listing: less than the five minutes that the specification gives a cycle."""
    attempts: int = 6
    """Attempts of one GET or POST, at most."""
    close_retries: int = 3
    """Repeats of one DELETE, at most (design section 4)."""
    backoff_seconds: float = 0.25
    """Full jitter: the n-th repeat waits between 0 and this, doubled n times."""
    backoff_cap_seconds: float = 8.0
    """The longest wait of its own accord."""
    retry_after_cap_seconds: float = 30.0
    """The longest wait that F1.1's ``Retry-After`` can ask for."""
    page_size: int = 1000
    """Connections a page; the contract's maximum, for the fewest requests."""
    max_pages: int = 1000
    """Pages of one listing; more: a list that never ends."""
    max_items: int = 1_000_000
    """Connections of one listing, all sights counted; more: a list that never ends."""
    max_body_bytes: int = 32 * 1024 * 1024
    """Bytes of one answer: a page of 1,000 has about 0.4 MB."""
    restarts: int = 3
    """How often an expired page token may start a listing over."""

    def __post_init__(self) -> None:
        base_url(self.url)
        positive = {
            "forwarding.concurrency": self.concurrency,
            "forwarding.ratePerSecond": self.rate_per_second,
            "forwarding.timeoutSeconds": self.timeout_seconds,
            "forwarding.establishTimeoutSeconds": self.establish_timeout_seconds,
        }
        for name, value in positive.items():
            if not value > 0:
                message = f"{name} must be greater than 0"
                raise InvalidSpec(message)


def base_url(url: str) -> httpx.URL:
    """The parsed URL. Raises InvalidSpec; the message never repeats it: it may hold a password."""
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError):
        parsed = httpx.URL()
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        message = "forwarding.url is not an http or https URL: give F1.1's address, such as https://f11.example.com"
        raise InvalidSpec(message)
    if parsed.userinfo or parsed.query or parsed.fragment:
        message = (
            f"forwarding.url of {parsed.host} has a user name, password, query or fragment: give the plain address; "
            "the token comes from forwarding.tokenSecretRef"
        )
        raise InvalidSpec(message)
    return parsed


def shown(url: httpx.URL) -> str:
    """Host and path, for messages: without scheme, query and user."""
    return url.netloc.decode("ascii", "replace") + url.path.rstrip("/")
