"""The port Alerting: alerts posted to an Alertmanager's API v2."""

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

import httpx
import orjson

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
    """Posts alerts over HTTP; implements the port Alerting.

    No proxy of the environment is asked. The CA bundle is httpx's own, or SSL_CERT_FILE's. ``fence`` is called right
    before each attempt: what it raises, to say that this process must not act any more, ends the push as it is.
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
        self._client: httpx.AsyncClient | None = None

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

    async def close(self) -> None:
        """Let go of all connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _push(self, url: str, content: bytes) -> None:
        problem = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**attempt)
                await self._sleep(random.uniform(0.0, longest))  # noqa: S311 - jitter
            self._fence()
            try:
                status = await self._post(url, content)
            except httpx.TransportError as error:
                problem = f"no answer ({type(error).__name__})"
                continue
            if httpx.codes.is_success(status):
                return
            problem = f"it answered {status}"
            if not httpx.codes.is_server_error(status) and status not in _PASSING:
                raise _unavailable(url, f"{problem}; is it an Alertmanager's base URL?")
        raise _unavailable(url, problem)

    async def _post(self, url: str, content: bytes) -> int:
        """The status of the answer; its body, which nobody needs, is not read."""
        try:
            target = httpx.URL(url.rstrip("/") + PATH)
        except httpx.InvalidURL:
            raise _unavailable(url, "that is no URL") from None
        client = await self._opened(url)
        async with client.stream("POST", target, content=content, headers=_HEADERS) as answer:
            return answer.status_code

    async def _opened(self, url: str) -> httpx.AsyncClient:
        if self._client is None:
            try:
                tls = await asyncio.to_thread(httpx.create_ssl_context)
            except (OSError, ssl.SSLError):
                raise _unavailable(url, "SSL_CERT_FILE names CA certificates that cannot be read") from None
            self._client = httpx.AsyncClient(
                verify=tls, transport=self._transport, timeout=ATTEMPT_SECONDS, trust_env=False
            )
        return self._client


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
