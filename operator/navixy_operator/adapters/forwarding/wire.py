"""One call of F1.1 as bounded attempts: pace, token, timeout, repeats. Knows nothing of connections."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Final

import aiohttp
import httpx

from navixy_operator.adapters.forwarding import timing
from navixy_operator.adapters.forwarding.breaker import Breaker
from navixy_operator.adapters.forwarding.failures import plain
from navixy_operator.adapters.forwarding.pace import Clock, Pace, full_jitter, retry_after
from navixy_operator.adapters.forwarding.settings import ForwardingSettings, TokenProvider, base_url, shown
from navixy_operator.adapters.forwarding.timing import Timed, untimed
from navixy_operator.adapters.forwarding.token import Credential, TokenSource
from navixy_operator.core.vocabulary import Operation
from navixy_operator.errors import ForwardingUnauthorized

UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
TOO_MANY_REQUESTS: Final = 429
SERVER_ERROR: Final = 500
CHANGES: Final = frozenset({"POST", "DELETE"})


@dataclass(frozen=True, slots=True)
class Call:
    """What to ask. The content may hold a hash: it has no part in ``repr``."""

    method: str
    url: httpx.URL
    headers: tuple[tuple[bytes, bytes], ...] = ()
    attempts: int = 1
    within: float = 60.0
    """Seconds for all attempts together, from the first one."""
    operation: Operation = Operation.GET

    def __str__(self) -> str:
        return f"{self.method} {shown(self.url)}"

    @property
    def changes(self) -> bool:
        """Whether it may change something at F1.1."""
        return self.method in CHANGES


@dataclass(frozen=True, slots=True)
class Answer:
    """What F1.1 said, whole."""

    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type as sent, or nothing."""
        return str(self.headers.get("content-type", ""))


class NoAnswerError(Exception):
    """All attempts failed in ways that a repeat might have mended. ``code`` is short, for a status.

    ``down``: F1.1 may be so for everybody; else it did answer, about this call.
    """

    def __init__(self, what: str, code: str, *, down: bool = True) -> None:
        super().__init__(what)
        self.code = code
        self.down = down
        self.pause: float | None = None


class TooLargeError(NoAnswerError):
    """The answer is longer than any answer of the contract; not worth a repeat."""


def passing(answer: Answer) -> bool:
    """Whether a repeat of the same call may be answered better: 429 and 5xx."""
    return answer.status == TOO_MANY_REQUESTS or answer.status >= SERVER_ERROR


class Wire:
    """All traffic to one F1.1. The transport is called bare: httpx's client would log every URL and keep cookies."""

    def __init__(
        self,
        settings: ForwardingSettings,
        token: TokenProvider,
        transport: httpx.AsyncBaseTransport,
        clock: Clock,
        fence: Callable[[], None] | None = None,
        timed: Timed = untimed,
    ) -> None:
        self._settings = settings
        self._transport = transport
        self._clock = clock
        self._tokens = TokenSource(token, shown(base_url(settings.url)))
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._fence = fence
        self._timed = timed
        self._breaker = Breaker(settings.concurrency)
        self._pace = Pace(settings.rate_per_second, settings.concurrency, clock)
        seconds = settings.timeout_seconds
        self._extensions = {"timeout": {"connect": seconds, "read": seconds, "write": seconds, "pool": seconds}}

    async def call(self, call: Call, content: bytes | None = None, again: Callable[[Answer], bool] = passing) -> Answer:
        """The first answer that ``again`` does not want repeated.

        Raises NoAnswerError, ForwardingUnauthorized; for a change also what the fence raises, and at once
        ForwardingUnavailable when too many of them failed in a row. Lists go on: an answer to one ends that.
        """
        if call.changes:
            self._breaker.check()
        try:
            answer = await self._attempts(call, content, again)
        except NoAnswerError as error:
            if call.changes and error.down:
                self._breaker.failed()
            raise
        self._breaker.answered()
        return answer

    async def close(self) -> None:
        """Let go of all connections."""
        await self._transport.aclose()

    async def _attempts(self, call: Call, content: bytes | None, again: Callable[[Answer], bool]) -> Answer:
        deadline = 0.0
        failure = NoAnswerError("was not asked", "not-asked")
        for attempt in range(call.attempts):
            async with self._slots:
                await self._pace.wait()
                if attempt == 0:
                    deadline = self._clock.monotonic() + call.within
                try:
                    answer = await self._send(call, content, deadline)
                except TooLargeError as error:
                    message = f"{call} {error}"
                    raise TooLargeError(message, error.code, down=False) from None
                except NoAnswerError as error:
                    failure = error
                else:
                    if not again(answer):
                        return answer
                    failure = self._unwanted(answer)
            pause = self._pause(attempt, failure.pause)
            if attempt + 1 == call.attempts or self._clock.monotonic() + pause >= deadline:
                break
            await self._clock.sleep(pause)
        message = f"{call} {failure}, after {attempt + 1} attempt(s)"
        raise NoAnswerError(message, failure.code, down=failure.down)

    def _unwanted(self, answer: Answer) -> NoAnswerError:
        """The answer as a failure; a ``Retry-After`` of 429 or 5xx holds every other call back too."""
        failure = NoAnswerError(f"was answered {answer.status}", f"http-{answer.status}", down=passing(answer))
        failure.pause = retry_after(
            answer.headers.get("retry-after"), self._settings.retry_after_cap_seconds, self._clock
        )
        if failure.pause and passing(answer):
            self._pace.hold(failure.pause)
        return failure

    def _pause(self, attempt: int, asked: float | None) -> float:
        settings = self._settings
        jitter = full_jitter(attempt, settings.backoff_seconds, settings.backoff_cap_seconds, self._clock)
        return jitter if asked is None else asked + min(jitter, settings.backoff_seconds)

    async def _send(self, call: Call, content: bytes | None, deadline: float) -> Answer:
        """One attempt; a token refused with 401 is read again once."""
        credential = await self._tokens.current()
        answer = await self._timed_exchange(call, content, credential, deadline)
        if answer.status == UNAUTHORIZED:
            credential = await self._tokens.after_refusal(credential)
            answer = await self._timed_exchange(call, content, credential, deadline)
        if answer.status in {UNAUTHORIZED, FORBIDDEN}:
            message = (
                f"F1.1 does not let the operator's token do {call} ({answer.status}): put a token with the right to "
                "manage connections into the Secret of forwarding.tokenSecretRef"
            )
            raise ForwardingUnauthorized(message)
        return answer

    async def _timed_exchange(
        self, call: Call, content: bytes | None, credential: Credential, deadline: float
    ) -> Answer:
        began = self._clock.monotonic()
        try:
            answer = await self._exchange(call, content, credential, deadline)
        except NoAnswerError as error:
            self._timed(call.operation, timing.of_failure(error.code), self._clock.monotonic() - began)
            raise
        self._timed(call.operation, timing.of_status(answer.status), self._clock.monotonic() - began)
        return answer

    async def _exchange(self, call: Call, content: bytes | None, credential: Credential, deadline: float) -> Answer:
        headers = [*credential.headers, *call.headers]
        request = httpx.Request(call.method, call.url, headers=headers, content=content, extensions=self._extensions)
        seconds = min(self._settings.timeout_seconds, max(0.05, deadline - self._clock.monotonic()))
        if call.changes and self._fence is not None:
            self._fence()  # outside of the try: whatever it raises is not a failure of F1.1
        try:
            async with asyncio.timeout(seconds):
                response = await self._transport.handle_async_request(request)
                try:
                    body = await self._body(response)
                finally:
                    await response.aclose()
        except (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, TimeoutError, OSError) as error:
            what, code = plain(error, seconds)
            # not chained: an error of the transport may quote the request, and that holds the token
            raise NoAnswerError(what, code) from None
        return Answer(response.status_code, response.headers, body)

    async def _body(self, response: httpx.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in _parts(response):
            size += len(part)
            if size > self._settings.max_body_bytes:
                message = f"was answered with more than {self._settings.max_body_bytes} bytes"
                raise TooLargeError(message, "too-large")
            parts.append(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _parts(response: httpx.Response) -> AsyncIterator[bytes]:
    """The decoded body; where nothing is encoded, past httpx's own iterator, a sixth of a call's CPU."""
    stream = response.stream
    if isinstance(stream, httpx.AsyncByteStream) and "content-encoding" not in response.headers:
        return stream.__aiter__()
    return response.aiter_bytes()
