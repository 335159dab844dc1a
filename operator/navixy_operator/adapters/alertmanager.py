"""The port Alerting: alerts posted to an Alertmanager's API v2."""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import orjson

from navixy_operator.adapters.tls import trusted
from navixy_operator.errors import AlertmanagerUnavailable
from navixy_operator.ports import Alert

PATH: Final = "/api/v2/alerts"
ATTEMPTS: Final = 3
ATTEMPT_SECONDS: Final = 4.0
PUSH_SECONDS: Final = 12.0
"""For one push with all its attempts: the next repeat is never far."""
FIRST_PAUSE: Final = 0.3
LONGEST_PAUSE: Final = 1.0
_PASSING: Final = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.REQUEST_TIMEOUT})
_HEADERS: Final = {"content-type": "application/json", "user-agent": "navixy-operator"}


class HttpAlerting:
    """Posts alerts over HTTP, each push over connections of its own; implements the port Alerting.

    No proxy of the environment is asked. ``fence`` is called right before each attempt: what it raises, to say that
    this process must not act any more, ends the push as it is. ``transport`` is closed with each push.
    """

    def __init__(
        self,
        *,
        fence: Callable[[], None] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._fence = fence or _unfenced
        self._transport = transport
        self._sleep = sleep

    async def push(self, url: str, alerts: Sequence[Alert]) -> None:
        """Post alerts to the Alertmanager with this base URL; what may pass is tried again, within 12 s.

        Raises AlertmanagerUnavailable, without a password that the URL may bear.
        """
        content = orjson.dumps([_body(alert) for alert in alerts])
        try:
            async with asyncio.timeout(PUSH_SECONDS):
                await self._push(url, content)
        except TimeoutError:
            raise _unavailable(url, f"no answer within {PUSH_SECONDS:g} s") from None

    async def _push(self, url: str, content: bytes) -> None:
        try:
            target = httpx.URL(url.rstrip("/") + PATH)
        except httpx.InvalidURL:
            raise _unavailable(url, "that is no URL") from None
        try:
            tls = await asyncio.to_thread(trusted)
        except (OSError, ssl.SSLError):
            raise _unavailable(url, "SSL_CERT_FILE or SSL_CERT_DIR names CA certificates that cannot be read") from None
        async with httpx.AsyncClient(
            verify=tls, transport=self._transport, timeout=ATTEMPT_SECONDS, trust_env=False
        ) as client:
            why = await self._attempt(client, target, content)
        if why is not None:
            raise _unavailable(url, why)

    async def _attempt(self, client: httpx.AsyncClient, target: httpx.URL, content: bytes) -> str | None:
        """Post until it is taken, or cannot be; None: it is taken, else why it is not."""
        problem = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**attempt)
                await self._sleep(random.uniform(0.0, longest))  # noqa: S311 - jitter
            self._fence()
            try:
                async with client.stream("POST", target, content=content, headers=_HEADERS) as answer:
                    status = answer.status_code  # the body, which nobody needs, is not read
            except httpx.TransportError as error:
                problem = f"no answer ({type(error).__name__})"
                continue
            if httpx.codes.is_success(status):
                return None
            problem = f"it answered {status}"
            if not httpx.codes.is_server_error(status) and status not in _PASSING:
                return f"{problem}; is it an Alertmanager's base URL?"
        return problem


def _body(alert: Alert) -> dict[str, Any]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": _moment(alert.starts_at),
        "endsAt": _moment(alert.ends_at),
    }


def _moment(moment: datetime) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return f"{moment.astimezone(UTC).isoformat(timespec='milliseconds').removesuffix('+00:00')}Z"


def _unavailable(url: str, why: str) -> AlertmanagerUnavailable:
    message = f"the Alertmanager at {_shown(url)} did not take the alerts: {why}; it is tried again"
    return AlertmanagerUnavailable(message)


def _shown(url: str) -> str:
    """Scheme, host, port and path: what has no business in a log is left out."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        return "spec.alerts.alertmanagerUrl"
    return str(parts.copy_with(userinfo=b"", query=None, fragment=None))


def _unfenced() -> None:
    """Let everything through."""
