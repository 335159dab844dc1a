"""The Authorization header of every request, renewed when its source changes (a client middleware of aiohttp)."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import structlog
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, hdrs
from yarl import URL

from navixy_operator.core.vocabulary import LogEvent
from navixy_operator.errors import OperatorError

FILE_MAX_AGE: Final = 60.0  # seconds; the kubelet rotates a token well before it expires
RENEW_PAUSE: Final = 1.0  # seconds between two readings forced by 401: when many fail, one reading serves all
RENEW_TIMEOUT: Final = 30.0  # seconds; a credential plugin may talk to a cloud
UNAUTHORIZED: Final = 401

ReadHeader = Callable[[], Awaitable[str | None]]
"""Reads the source anew: the whole header value, or None where there is none. Raises OperatorError, OSError."""

logger = structlog.stdlib.get_logger(__name__)


def bearer_file(path: Path) -> ReadHeader:
    """A source that reads the token file at ``path``, in a thread."""

    async def read() -> str | None:
        text = await asyncio.to_thread(path.read_text, encoding="utf-8")
        return f"Bearer {token}" if (token := text.strip()) else None

    return read


class Authorizer:
    """Adds the header to requests for our API server, and to no other; reads it anew after a 401 and when it is old.

    ``max_age``: seconds after which the source is read again, None: only after a 401.
    """

    def __init__(
        self,
        server: str,
        header: str | None,
        *,
        read: ReadHeader | None = None,
        max_age: float | None = None,
        tls_server_name: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._origin = URL(server).origin()
        self._header = header
        self._read = read
        self._max_age = max_age
        self._tls_server_name = tls_server_name
        self._clock = clock
        self._read_at = clock()
        self._forced_at: float | None = None
        self._lock = asyncio.Lock()

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send the request with the header; once more when a 401 turns up a newer one."""
        if request.url.origin() != self._origin:  # a redirect elsewhere must not carry our token there
            return await handler(request)
        if self._tls_server_name is not None:
            request.server_hostname = self._tls_server_name
        sent = await self._current()
        self._set(request, sent)
        response = await handler(request)
        if response.status != UNAUTHORIZED:
            return response
        fresh = await self._renewed(sent)
        if fresh is None:
            return response
        response.release()
        self._set(request, fresh)
        return await handler(request)

    @staticmethod
    def _set(request: ClientRequest, header: str | None) -> None:
        if header is not None:
            request.headers[hdrs.AUTHORIZATION] = header

    async def _current(self) -> str | None:
        if self._max_age is not None and self._clock() - self._read_at >= self._max_age:
            async with self._lock:
                if self._clock() - self._read_at >= self._max_age:
                    await self._read_again()
        return self._header

    async def _renewed(self, sent: str | None) -> str | None:
        """A header other than the one refused, or None when the source has no other."""
        if self._read is None:
            return None
        async with self._lock:
            now = self._clock()
            if self._header == sent and (self._forced_at is None or now - self._forced_at >= RENEW_PAUSE):
                self._forced_at = now
                await self._read_again()
            return self._header if self._header != sent else None

    async def _read_again(self) -> None:
        """Read the source; what was known stays when it cannot be read (a file being replaced, a plugin failing)."""
        self._read_at = self._clock()
        if self._read is None:
            return
        try:
            async with asyncio.timeout(RENEW_TIMEOUT):
                fresh = await self._read()
        except (OSError, UnicodeDecodeError, OperatorError, TimeoutError) as error:
            logger.warning(LogEvent.TOKEN_NOT_READ, error=type(error).__name__)
            return
        if fresh is not None:
            self._header = fresh
