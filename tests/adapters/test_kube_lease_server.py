"""Two candidates on a real API server, over many rounds of every way in which a leader ends: never two at once."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import pytest

from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.lease import Elector
from navixy_operator.adapters.kube.session import KubeSession, connect
from navixy_operator.adapters.kube.tenure import Tenure
from navixy_operator.errors import LeadershipLost
from navixy_operator.sandbox.control_plane import ControlPlane

pytestmark = pytest.mark.server

SECONDS: Final = 1
PAIRS: Final = 4
ROUNDS: Final = 40
LOOK_SECONDS: Final = 0.002
ENDS: Final = ("released", "killed", "cut off", "lease deleted")


@dataclass
class Count:
    """What was seen: who could act at the same moment, in how many looks, and how the leaders ended."""

    looks: int = 0
    with_a_leader: int = 0
    with_more: int = 0
    terms: Counter[str] = field(default_factory=Counter)


class Replica:
    """A process that is started again whenever it ended; ``tenure`` is the present one's."""

    def __init__(self, session: KubeSession, namespace: str, name: str, count: Count) -> None:
        self.tenure = Tenure()
        self._session = session
        self._namespace = namespace
        self._name = name
        self._count = count
        self._chance = random.Random(namespace + name)  # noqa: S311 - nothing is to be kept secret

    @property
    def acts(self) -> bool:
        """Whether it could send something to F1.1 at this moment."""
        with contextlib.suppress(LeadershipLost):
            self.tenure.fence()
            return True
        return False

    async def live(self) -> None:
        """One life after the other."""
        while True:
            await self._life()

    async def _life(self) -> None:
        died = asyncio.Event()
        loop = asyncio.get_running_loop()

        def die(_why: str) -> None:
            loop.call_soon_threadsafe(died.set)

        self.tenure = Tenure(die=die)
        # a session of its own, so that it can be cut off
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=self._session._credentials.ssl), middlewares=(self._session._authorizer,)
        ) as http:
            client = KubeClient(http, self._session.server)
            elector = Elector(client, self._namespace, self._name, self.tenure, SECONDS)
            await elector.acquire()
            await self._end(self._chance.choice(ENDS), elector, http, died)

    async def _end(self, how: str, elector: Elector, http: aiohttp.ClientSession, died: asyncio.Event) -> None:
        """Lead for a while, then go. Who was not released might act until the deadline, and no longer."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(died.wait(), self._chance.uniform(0.1, 1.5 * SECONDS))
            how = "lost"
        self._count.terms[how] += 1
        if how == "released":
            await elector.release()
            return
        if how == "lease deleted":
            client = KubeClient(http, self._session.server)
            newcomer = Elector(client, self._namespace, "pod-3", Tenure(die=lambda _why: None), SECONDS)
            await client.request("DELETE", f"{elector._collection}/navixy-operator")
            assert not await newcomer.attempt(), "it starts just now, and the holder has not noticed"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(died.wait(), SECONDS)
            await elector.release()
            return
        if how == "cut off":
            await http.close()
            await asyncio.wait_for(died.wait(), 2 * SECONDS)
        # the kill: nothing is renewed any more, nothing given up; its fence would be open until the deadline
        assert elector._keeping is not None
        elector._keeping.cancel()
        await asyncio.sleep(self.tenure.left)
        self.tenure.end()


@pytest.fixture
async def session(control_plane: ControlPlane) -> AsyncIterator[KubeSession]:
    """The administrator's."""
    async with await connect(str(control_plane.admin_kubeconfig)) as session:
        yield session


@pytest.fixture
def namespaces(control_plane: ControlPlane, namespace: str) -> Iterator[list[str]]:
    """One for each pair."""
    more = [f"{namespace}-{number}" for number in range(1, PAIRS)]
    for name in more:
        control_plane.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    yield [namespace, *more]
    for name in more:
        control_plane.request("DELETE", f"/api/v1/namespaces/{name}")


async def test_never_two_lead_at_once(session: KubeSession, namespaces: list[str]) -> None:
    """Looked at every two milliseconds, through releases, kills, a network that is gone, and a lease deleted."""
    count = Count()
    pairs = [[Replica(session, namespace, name, count) for name in ("pod-1", "pod-2")] for namespace in namespaces]
    replicas = [replica for pair in pairs for replica in pair]
    lives = [asyncio.create_task(replica.live()) for replica in replicas]
    try:
        async with asyncio.timeout(180):
            while count.terms.total() < ROUNDS:
                for pair in pairs:
                    acting = sum(replica.acts for replica in pair)
                    count.looks += 1
                    count.with_a_leader += acting > 0
                    count.with_more += acting > 1
                assert not any(life.done() for life in lives), [life.exception() for life in lives if life.done()]
                await asyncio.sleep(LOOK_SECONDS)
    finally:
        for life in lives:
            life.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        for replica in replicas:
            replica.tenure.end()
    assert count.with_more == 0, count
    assert count.with_a_leader > count.looks / 4, count
    assert count.terms["released"], count
