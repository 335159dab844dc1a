"""F1.1's bearer token: kept until it is refused, then read again once, however many calls were refused meanwhile."""

import asyncio
import re
from typing import Final

from navixy_operator.adapters.forwarding.settings import TokenProvider
from navixy_operator.errors import ForwardingUnauthorized

_TOKEN: Final = re.compile(r"[\x21-\x7e]+")


class Credential:
    """One reading of the token, as prebuilt headers, without a telling ``repr``."""

    __slots__ = ("_value", "headers")

    def __init__(self, value: str) -> None:
        self._value = value
        self.headers = (
            (b"authorization", f"Bearer {value}".encode()),
            (b"accept", b"application/json, application/problem+json"),
            (b"accept-encoding", b"gzip"),
            (b"user-agent", b"navixy-operator"),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Credential) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class TokenSource:
    """The token in force, shared by all calls in flight."""

    def __init__(self, provider: TokenProvider, where: str) -> None:
        self._provider = provider
        self._where = where
        self._lock = asyncio.Lock()
        self._current: Credential | None = None

    async def current(self) -> Credential:
        """The token in force, read at its first use."""
        if self._current is None:
            async with self._lock:
                if self._current is None:
                    self._current = await self._read(fresh=False)
        return self._current

    async def after_refusal(self, refused: Credential) -> Credential:
        """Another token than the refused one. Raises ForwardingUnauthorized when the Secret still holds that one."""
        async with self._lock:
            if self._current is None or self._current is refused:  # else another call has read it anew already
                self._current = await self._read(fresh=True)
            current = self._current
        if current == refused:
            message = (
                f"F1.1 at {self._where} refused the operator's token (401): put a valid one into the Secret of "
                "forwarding.tokenSecretRef"
            )
            raise ForwardingUnauthorized(message)
        return current

    async def _read(self, *, fresh: bool) -> Credential:
        value = (await self._provider(fresh)).strip()
        if not _TOKEN.fullmatch(value):
            message = (
                f"the token for F1.1 at {self._where} is empty or has characters no HTTP header can carry: mend the "
                "Secret of forwarding.tokenSecretRef"
            )
            raise ForwardingUnauthorized(message)
        return Credential(value)
