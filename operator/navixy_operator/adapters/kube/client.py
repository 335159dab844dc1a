"""Requests to the API server: bounded in time, repeated where that is safe, errors by kind."""

import asyncio
import os
import random
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import orjson
import structlog
from yarl import URL

from navixy_operator.adapters.kube import answers
from navixy_operator.core.vocabulary import LogEvent
from navixy_operator.errors import ConfigurationError, KubernetesUnavailable

ATTEMPTS: Final = 6
TRY_SECONDS: Final = 10.0  # one try of one call
LIST_SECONDS: Final = 30.0  # one try of one page
BACKOFF_FIRST: Final = 0.25  # seconds, doubled with each try, drawn with full jitter: under 8 s in all
BACKOFF_MOST: Final = 8.0
RETRY_AFTER_MOST: Final = 30.0  # seconds; a server that asks for more is not waited for
TOO_MANY: Final = 429

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"

logger = structlog.stdlib.get_logger(__name__)


class KubeClient:
    """One API server. ``server``: its URL, which may have a path. ``sleep`` and ``draw`` are replaced in tests.

    ``fence``: asked before each try that may change something; raises LeadershipLost to hold it back. ``streams``: the
    session for answers that go on, so that they take no place of others; by default the same.
    """

    def __init__(  # noqa: PLR0913 - half of them are there for tests
        self,
        session: aiohttp.ClientSession,
        server: str,
        *,
        try_seconds: float = TRY_SECONDS,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[float, float], float] = random.uniform,
        fence: Callable[[], None] | None = None,
        streams: aiohttp.ClientSession | None = None,
    ) -> None:
        self.server = server.rstrip("/")
        self._session = session
        self._streams = streams or session
        self._timeout = aiohttp.ClientTimeout(total=try_seconds)
        self._sleep = sleep
        self._draw = draw
        self._fence = fence
        self._json = {"Accept": JSON, "Content-Type": JSON}
        self._headers = {"GET": {"Accept": JSON}, "PATCH": {"Accept": JSON, "Content-Type": MERGE_PATCH}}

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        idempotent: bool = True,
        seconds: float | None = None,
    ) -> Any:
        """Send, and return the answer's JSON. ``path`` is escaped; the body of a PATCH is a merge patch.

        ``seconds``: for one try. ``idempotent``: may be repeated though the first try may have been carried out; 429
        and a connection that never came about are repeated in any case. Raises KubernetesUnavailable,
        KubernetesForbidden, InvalidSpec, the refusals of :mod:`answers`, and what the fence raises.
        """
        url = URL(f"{self.server}{path}?{urlencode(query)}" if query else f"{self.server}{path}", encoded=True)
        headers = self._headers.get(method, self._json)
        data = None if body is None else orjson.dumps(body, default=_plain)
        timeout = self._timeout if seconds is None else aiohttp.ClientTimeout(total=seconds)
        what, pause = "", 0.0
        for attempt in range(ATTEMPTS):
            if attempt:
                logger.debug(LogEvent.REQUEST_REPEATED, method=method, path=path, failure=what, pause=pause)
                await self._sleep(pause)
            if self._session.closed:
                message = f"the session with the API server {self.server} is closed: the operator is stopping"
                raise KubernetesUnavailable(message)
            if self._fence is not None and method != "GET":
                self._fence()
            asked = 0.0
            try:
                async with self._session.request(
                    method, url, data=data, headers=headers, timeout=timeout, allow_redirects=False
                ) as response:
                    status, answer = response.status, await response.read()
                    asked = _retry_after(response.headers)
            except (aiohttp.ClientError, TimeoutError, ssl.SSLError) as error:
                self._raise_permanent(error)
                what = _in_words(error)
                if not idempotent and not isinstance(error, aiohttp.ClientConnectorError):
                    break
            else:
                if status < 300:  # noqa: PLR2004 - success
                    return self._parse(answer, method, path)
                refusal = answers.refusal(status, answer, method=method, path=path, server=self.server)
                if status not in answers.RETRIED or not (idempotent or status == TOO_MANY) or asked > RETRY_AFTER_MOST:
                    raise refusal
                what = f"HTTP {status}"
            pause = asked + self._draw(0.0, min(BACKOFF_MOST, BACKOFF_FIRST * 2**attempt))
        message = f"the API server {self.server} gave no good answer to {answers.describe(method, path)}: {what}"
        raise KubernetesUnavailable(message)

    async def lines(self, path: str, *, query: Mapping[str, str], seconds: float) -> AsyncGenerator[bytes, None]:
        """The lines of an answer that goes on (a watch), for at most ``seconds``; asked once. Raises as ``request``."""
        url = URL(f"{self.server}{path}?{urlencode(query)}", encoded=True)
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=self._timeout.total)
        rest = b""
        try:
            async with self._streams.get(
                url, headers=self._headers["GET"], timeout=timeout, allow_redirects=False
            ) as response:
                if response.status != 200:  # noqa: PLR2004 - a watch has no other success
                    answer = await response.read()
                    raise answers.refusal(response.status, answer, method="GET", path=path, server=self.server)
                async for chunk in response.content.iter_any():
                    *whole, rest = (rest + chunk).split(b"\n")
                    for line in whole:
                        yield line
        except (aiohttp.ClientError, TimeoutError, ssl.SSLError) as error:
            self._raise_permanent(error)
            message = f"the API server {self.server} broke off {answers.describe('GET', path)}: {_in_words(error)}"
            raise KubernetesUnavailable(message) from None

    async def version(self) -> str:
        """The API server's version, such as ``v1.36.0``: also the cheapest way to see that it answers."""
        answer = await self.request("GET", "/version")
        return str(answer.get("gitVersion", "unknown")) if isinstance(answer, dict) else "unknown"

    def _raise_permanent(self, error: Exception) -> None:
        """What no repetition mends: a certificate that does not verify, a URL that is none."""
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            message = (
                f"the certificate of the API server {self.server} does not verify "
                f"({error.certificate_error.__class__.__name__}): check certificate-authority of the kubeconfig"
            )
            raise ConfigurationError(message) from None
        if isinstance(error, aiohttp.InvalidURL):
            message = f"{self.server} is not the URL of an API server"
            raise ConfigurationError(message) from None

    def _parse(self, answer: bytes, method: str, path: str) -> Any:
        try:
            return orjson.loads(answer)
        except orjson.JSONDecodeError:
            message = (
                f"{self.server} answers {answers.describe(method, path)} with no JSON: is this an API server's URL?"
            )
            raise ConfigurationError(message) from None


def _in_words(error: Exception) -> str:
    """What happened to the connection: the type, and the system's words where they are the system's."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, socket.gaierror):
        return f"its host name is not known ({cause.strerror})"
    if isinstance(cause, OSError) and cause.errno:
        return f"{type(error).__name__} ({os.strerror(cause.errno)})"
    return type(error).__name__


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that the server asks to wait; 0 when it does not (a date counts as not asked)."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() else 0.0


def _plain(value: object) -> object:
    """What orjson does not know: mappings that are no dict (frozen ones)."""
    if isinstance(value, Mapping):
        return dict(value)
    message = f"not JSON: {type(value).__name__}"
    raise TypeError(message)
