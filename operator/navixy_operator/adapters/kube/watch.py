"""A watch of one kind, lean enough for 10,000 customers whose every write comes back as an event.

kopf's took almost half of a first cycle's CPU: it copies and compares the object of each event for handlers of other
sorts (docs/benchmark.md). This one begins with a list, goes on from its version, and begins anew when that is too old.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any, Final, Protocol

import orjson
import structlog

from navixy_operator.adapters.kube import answers
from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.core.vocabulary import LogEvent
from navixy_operator.errors import KubernetesUnavailable, OperatorError

SERVER_SECONDS: Final = 300  # after which the API server ends a watch, as we ask it to
OVERDUE_SECONDS: Final = 30.0  # more for its end to arrive; a watch that has gone silent is given up then
LASTING_SECONDS: Final = 5.0  # a watch that held for so long is not the one that fails again and again
BACKOFF_FIRST: Final = 0.25
BACKOFF_MOST: Final = 30.0


class Follower(Protocol):
    """Whom a watch tells. All but ``begin`` are cheap and never raise."""

    async def begin(self) -> str:
        """List the collection; the version of the list, from which the watch goes on. Raises OperatorError."""
        ...

    def take(self, change: str, item: Mapping[str, Any]) -> None:
        """An object was ``ADDED``, ``MODIFIED`` or ``DELETED``."""
        ...

    def heard(self) -> None:
        """A sign of life: all there was has been told."""
        ...

    def lost(self) -> None:
        """The watch broke off; it may have missed something until it is heard again."""
        ...


logger = structlog.stdlib.get_logger(__name__)


class KubeWatch:
    """Watches one collection (a path) for a follower. ``sleep`` is replaced in tests."""

    def __init__(
        self,
        client: KubeClient,
        collection: str,
        follower: Follower,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._collection = collection
        self._follower = follower
        self._sleep = sleep
        self._version = ""

    async def run(self) -> None:
        """Watch until cancelled; failures are logged and tried again with backoff and full jitter."""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._watch_once()
                self._follower.heard()
            except answers.Expired:
                self._follower.lost()
                self._version = ""
            except OperatorError as error:
                self._follower.lost()
                logger.warning(LogEvent.WATCH_BROKE_OFF, path=self._collection, problem=str(error))
            failures = 0 if time.monotonic() - began >= LASTING_SECONDS else failures + 1
            await self._sleep(random.uniform(0.0, min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(failures, 16))))  # noqa: S311 - jitter

    async def _watch_once(self) -> None:
        """From the last version seen, or from a list, until the API server ends it. Raises Expired, OperatorError."""
        if not self._version:
            self._version = await self._follower.begin()
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": str(SERVER_SECONDS),
        }
        lines = self._client.lines(self._collection, query=query, seconds=SERVER_SECONDS + OVERDUE_SECONDS)
        async with aclosing(lines):
            async for line in lines:
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            event = orjson.loads(line)
            kind, item = event["type"], event["object"]
            if kind == "ERROR":
                raise self._broken_off(item)
            self._version = item["metadata"]["resourceVersion"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            message = f"a watch of {self._collection} was answered with what is no event"
            raise KubernetesUnavailable(message) from None
        if kind != "BOOKMARK":
            self._follower.take(kind, item)
        self._follower.heard()

    def _broken_off(self, status: Mapping[str, Any]) -> OperatorError:
        return answers.refusal(
            int(status["code"]), orjson.dumps(status), method="GET", path=self._collection, server=self._client.server
        )
