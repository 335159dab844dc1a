"""What the watches report: each handler translates an event into one word. Decisions are made elsewhere.

``on.event`` handlers make no patches of kopf's own, and kopf swallows their errors: they only pass on. The customers'
watch is our own: all of a cycle's writes come back through it, and kopf's work on each costs more than the write.
"""

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import aiohttp
import kopf

from navixy_operator.core.vocabulary import CYCLES, GROUP, INVESTIGATIONS, SYNCS, VERSION
from navixy_operator.supervisor import Supervisor

BACKOFF_FIRST: Final = 0.5  # seconds before kopf repeats a request, doubled with each try
BACKOFF_MOST: Final = 8.0
EXIT_SECONDS: Final = 60.0
"""After which kopf kills a process that it could not end: terminationGracePeriodSeconds, as Kubernetes does."""
LEFT_SECONDS: Final = 1.0
"""For what kopf left behind to end, once cancelled."""
_LEFT_TO_KOPF: Final = frozenset({403, 410, 429})  # a version that is too old will not do at the next try either
_UNAUTHORIZED: Final = 401
_KOPF: Final = Path(kopf.__file__).parent

Login = Callable[[], kopf.AiohttpSession]


async def run_kopf(**options: Any) -> None:
    """``kopf.operator`` with its options; at its end it leaves others' tasks alone, and nothing of its own behind.

    By itself it takes every task that came after it for its own: it would wait five seconds, and hold up the lease, for
    a runner, for a scraper's open connection, and, when stopped while it starts, for its own look at the API.
    """
    earlier = asyncio.all_tasks()
    tasks = await kopf.spawn_tasks(**options)
    try:
        await kopf.run_tasks(tasks, ignored=_All())
    finally:
        if left := {task for task in asyncio.all_tasks() - earlier if _is_kopfs(task)}:
            for task in left:
                task.cancel()
            await asyncio.wait(left, timeout=LEFT_SECONDS)


class _All(frozenset[asyncio.Task[Any]]):
    """The tasks that kopf is to leave to us: whichever there are."""

    def __contains__(self, _: object) -> bool:
        return True


def _is_kopfs(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and Path(code.co_filename).is_relative_to(_KOPF)


def registry_for(supervisor: Supervisor, login: Login) -> kopf.OperatorRegistry:
    """The handlers of one operator, bound to its supervisor."""
    registry = kopf.OperatorRegistry()

    @kopf.on.login(registry=registry)
    async def log_in(**_: Any) -> kopf.AiohttpSession:
        found = login()
        return replace(found, aiohttp_session=cast("aiohttp.ClientSession", _Lenient(found.aiohttp_session)))

    @kopf.on.startup(registry=registry)
    async def set_up(settings: kopf.OperatorSettings, **_: Any) -> None:
        configure(settings)

    @kopf.on.event(GROUP, VERSION, SYNCS, registry=registry)
    async def sync_event(type: str | None, namespace: str | None, name: str | None, **_: Any) -> None:  # noqa: A002 - kopf's name
        if type == "DELETED":
            supervisor.sync_gone()
        else:
            supervisor.sync_reported(namespace or "", name or "")

    @kopf.on.event(GROUP, VERSION, CYCLES, registry=registry)
    async def cycle_event(namespace: str | None, name: str | None, spec: Mapping[str, Any], **_: Any) -> None:
        supervisor.cycle_reported(namespace or "", name or "", str(spec.get("sync", "")))

    @kopf.on.event(GROUP, VERSION, INVESTIGATIONS, registry=registry)
    async def investigation_event(namespace: str | None, spec: Mapping[str, Any], **_: Any) -> None:
        supervisor.investigation_reported(namespace or "", str(spec.get("sync", "")))

    return registry


class _Lenient:
    """kopf's session: what would end kopf looks like a broken connection, which it tries again.

    A 404 (the CRD is deleted, and may come back) and a proxy's page end it at once; after a 401 it closes the session,
    and with it the watches that are well, which it does not survive. A new token is the session's own business.
    """

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    async def request(self, method: str, url: str, **more: Any) -> aiohttp.ClientResponse:
        """Send. Raises ClientConnectionError also for what kopf must not see."""
        response = await self._session.request(method, url, **more)
        if not self._is_fatal(method, response):
            return response
        response.close()
        message = f"HTTP {response.status} with {response.content_type}"
        raise aiohttp.ClientConnectionError(message)

    @staticmethod
    def _is_fatal(method: str, response: aiohttp.ClientResponse) -> bool:
        if method.upper() != "GET" or response.status == _UNAUTHORIZED:
            return response.status == _UNAUTHORIZED  # of its writes kopf knows what to make of a 404
        if response.ok:
            return response.content_type != "application/json"
        return response.status < 500 and response.status not in _LEFT_TO_KOPF  # noqa: PLR2004 - client errors


class Patience:
    """Pauses in seconds between the tries of one request of kopf: without end, doubled up to a limit, with jitter.

    kopf takes the last of its `error_backoffs` for the end of its patience, and its own end.
    """

    def __iter__(self) -> Iterator[float]:
        for exponent in itertools.count():
            most = min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** min(exponent, 16))
            yield random.uniform(most / 2, most)  # noqa: S311 - jitter


def configure(settings: kopf.OperatorSettings) -> None:
    """Settings of kopf: no cluster-wide scanning, no events of its own, and patience.

    No answer, 5xx, 403 (an API server that starts answers so for a moment) and 429 are tried again for ever. What still
    ends kopf is an error inside a watch other than 410; it may then wait for its own tasks for ever.
    """
    settings.process.ultimate_exiting_timeout = EXIT_SECONDS
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.persistence.finalizer = f"{GROUP}/finalizer"
    settings.queueing.idle_timeout = 1.0
    # whole lists: a page that expires would end kopf, and the history of cycles is short
    settings.watching.chunk_size = None
    settings.watching.server_timeout = 300
    settings.watching.reconnect_backoff = 1.0
    settings.networking.connect_timeout = 10.0
    settings.networking.request_timeout = 60
    settings.networking.error_backoffs = Patience()
