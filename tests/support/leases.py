"""An API server that keeps one Lease, a clock that all share, and candidates for it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson
from aiohttp import web

from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.lease import Elector, Time
from navixy_operator.adapters.kube.tenure import Tenure
from support.kube_wire import serving

LEASES = "/apis/coordination.k8s.io/v1/namespaces/n/leases"
LEASE = f"{LEASES}/navixy-operator"


class Leases:
    """An API server that keeps one Lease, with versions; ``before`` is run on each request and may answer itself."""

    def __init__(self) -> None:
        self.lease: dict[str, Any] | None = None
        self.asked: list[str] = []
        self.before: Callable[[str], Any] = lambda _method: None
        self.after: Callable[[str], Any] = lambda _method: None
        self._version = 0

    @property
    def spec(self) -> dict[str, Any]:
        """The lease's record."""
        assert self.lease is not None
        return dict(self.lease["spec"])

    def put(self, **spec: Any) -> None:
        """Write as somebody else."""
        self._version += 1
        self.lease = {"metadata": {"name": "navixy-operator", "resourceVersion": str(self._version)}, "spec": spec}

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        body = orjson.loads(await request.read() or b"null")
        self.asked.append(request.method)
        if (answer := self.before(request.method)) is None:
            answer = self._answer(request, body)
            answer = self.after(request.method) or answer
        if answer == "hang":
            await asyncio.sleep(60)
        status, content = answer
        return web.Response(status=status, body=orjson.dumps(content), content_type="application/json")

    def _answer(self, request: web.Request, body: Any) -> tuple[int, Any]:
        known = self.lease
        if request.method == "POST":
            assert request.path == LEASES
            if known is not None:
                return 409, {"reason": "AlreadyExists"}
            self.put(**body["spec"])
            return 201, self.lease
        assert request.path == LEASE
        if known is None:
            return 404, {"reason": "NotFound"}
        if request.method == "PUT":
            if body["metadata"]["resourceVersion"] != known["metadata"]["resourceVersion"]:
                return 409, {"reason": "Conflict"}
            self.put(**body["spec"])
        return 200, self.lease


class Rig:
    """The API server, a clock that all share, and candidates."""

    def __init__(self, client: KubeClient, leases: Leases) -> None:
        self.client = client
        self.leases = leases
        self.now = 1000.0
        self._loop = asyncio.get_running_loop()
        self.deaths: list[str] = []
        self.died = asyncio.Event()
        self.tenures: list[Tenure] = []

    def candidate(self, name: str, seconds: int = 15) -> Elector:
        """A candidate; its rests are as long as can be, and take no time."""
        self.tenures.append(Tenure(now=lambda: self.now, die=self._die))
        time = Time(
            now=lambda: self.now,
            wall=lambda: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.now),
            sleep=self.sleep,
            draw=lambda _low, high: high,
        )
        return Elector(self.client, "n", name, self.tenures[-1], seconds, time)

    async def sleep(self, seconds: float) -> None:
        """Move the clock; a process that is dead sleeps for ever."""
        if self.deaths:
            await asyncio.Event().wait()
        self.now += seconds
        await asyncio.sleep(0)

    def _die(self, why: str) -> None:
        self.deaths.append(why)
        self._loop.call_soon_threadsafe(self.died.set)

    def takes_up(self, seconds: float) -> None:
        """Let every further request take this long, until the server has heard of it."""

        def later(_method: str) -> None:
            self.now += seconds

        self.leases.before = later


@asynccontextmanager
async def lease_rig() -> AsyncIterator[Rig]:
    """An API server with the lease as its last holder gave it up."""
    leases = Leases()
    leases.put(holderIdentity="", leaseDurationSeconds=1, leaseTransitions=0)
    async with serving(leases) as url, aiohttp.ClientSession() as session:
        rig = Rig(KubeClient(session, url), leases)
        yield rig
        for tenure in rig.tenures:
            tenure.end()
