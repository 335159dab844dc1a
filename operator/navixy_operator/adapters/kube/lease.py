"""Which of several replicas works: the holder of one Lease, by the rules of client-go's leader election.

Whether another's lease has expired is judged by our own clock, from when we saw its record change: clocks of different
machines are never compared. The API server's resourceVersion lets one of several candidates through. Where client-go
creates a lease that is missing at once, we wait as long as one lasts: it may have been deleted under its holder.
"""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from navixy_operator.adapters.kube.answers import AlreadyExists, Conflict, NotFound
from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.tenure import Tenure, since_boot
from navixy_operator.core.vocabulary import LEASE, LogEvent
from navixy_operator.errors import KubernetesUnavailable, OperatorError, TemporaryError

SECONDS: Final = 15
"""How long a lease lasts after its last renewal."""
DEADLINE: Final = 2 / 3
"""The part of it after which a holder that could not renew is gone; the rest is for clocks that run unevenly."""
RETRY: Final = 1 / 7
"""The part of it between two renewals, or two looks of a candidate; less, by chance, so that candidates do not meet."""
LEAST_REST: Final = 0.02
RELEASE_SECONDS: Final = 5.0
NEVER: Final = float("-inf")
ABSENT: Final = ""
"""In place of the version of a lease that is not there."""

logger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Time:
    """Clocks, waiting and chance; replaced in tests. ``wall`` is for people who read the lease, for nothing else."""

    now: Callable[[], float] = since_boot
    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    draw: Callable[[float, float], float] = random.uniform


class Elector:
    """One candidate for the lease in ``namespace``; ``tenure`` is told when it leads. ``seconds``: the lease's length.

    ``name``: how people know the process; the identity in the lease has a random suffix, so that no two are the same.
    """

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        name: str,
        tenure: Tenure,
        seconds: int = SECONDS,
        time: Time | None = None,
    ) -> None:
        self.identity = f"{name}_{secrets.token_hex(4)}"
        self.standing_by_for: str | None = None
        """The holder that we wait for; None while we lead, or have not seen the lease yet."""
        self._client = client
        self._namespace = namespace
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._tenure = tenure
        self._seconds = seconds
        self._retry = seconds * RETRY
        self._time = time or Time()
        self._known: Mapping[str, Any] | None = None  # the lease as we wrote it last, while nothing speaks against it
        self._version: str | None = None  # that we saw last; ABSENT: there was no lease
        self._holder = ""
        self._length = seconds  # of the lease that we saw last
        self._others_until = NEVER  # by our clock
        self._claimed = False  # whether a write of ours may have made us the holder
        self._keeping: asyncio.Task[None] | None = None

    async def acquire(self) -> None:
        """Wait until the lease is ours; from then on it is renewed, until :meth:`release`.

        Raises ConfigurationError when the lease can never be had: not permitted, no such namespace.
        """
        began = self._time.now()
        while not await self._attempt_as_candidate():
            await self._time.sleep(self._candidates_rest())
        self.standing_by_for = None
        waited = round(self._time.now() - began, 3)
        logger.info(LogEvent.LEADERSHIP_ACQUIRED, **self._names, waited_seconds=waited)
        self._keeping = asyncio.create_task(self._keep(), name="lease")

    async def release(self) -> None:
        """Act no more, and let the next one in at once; nothing when the lease is not ours. Raises no OperatorError."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
            self._keeping = None
            # told first: the other may lead before we hear of it
            logger.info(LogEvent.LEADERSHIP_RELEASED, **self._names)
        self._tenure.end()
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                while self._claimed:
                    await self._clear()
        except (OperatorError, TimeoutError) as error:
            problem = str(error) or "no answer in time"
            logger.warning(LogEvent.LEASE_NOT_CLEARED, **self._names, problem=problem, expires_seconds=self._seconds)

    async def attempt(self) -> bool:
        """Create the lease, take it over or renew it, where its record lets us; is it ours? Raises OperatorError."""
        record = self._known or await self._look()
        if record is None and not self._tenure.left:
            self._note_absence()
        if self._time.now() < self._others_until:
            return False
        began = self._time.now()  # nobody can count from an earlier moment
        if not await self._write(record, self._spec(record)):
            return False
        self._tenure.hold(began + self._seconds * DEADLINE)
        return True

    @property
    def _names(self) -> dict[str, str]:
        return {"lease": LEASE, "namespace": self._namespace, "identity": self.identity}

    async def _attempt_as_candidate(self) -> bool:
        try:
            ours = await self.attempt()
        except TemporaryError as error:
            logger.warning(LogEvent.LEASE_NOT_REACHED, **self._names, problem=str(error))
            return False
        if not ours and self._holder and self._holder != self.standing_by_for:
            self.standing_by_for = self._holder
            logger.info(LogEvent.STANDING_BY, **self._names, holder=self._holder)
        return ours

    def _candidates_rest(self) -> float:
        """Seconds to the next look: not later than the moment at which the lease may be ours."""
        rest = self._time.draw(self._retry / 2, self._retry)
        to_expiry = self._others_until - self._time.now()
        return max(LEAST_REST, min(rest, to_expiry) if to_expiry > 0 else rest)

    async def _keep(self) -> None:
        """Renew for ever; that it does not succeed in time is the watchdog's to see."""
        rest = self._retry
        while True:
            await self._time.sleep(self._time.draw(rest / 2, rest))
            rest = self._retry / 4
            try:
                if await self.attempt():
                    rest = self._retry
                elif self._holder != self.identity:
                    self._tenure.lose(f"{self._holder} holds it")
            except OperatorError as error:
                logger.warning(LogEvent.LEASE_NOT_RENEWED, **self._names, problem=str(error))
            except Exception:
                logger.exception(LogEvent.LEASE_NOT_RENEWED, **self._names)

    async def _look(self) -> Mapping[str, Any] | None:
        """Read the lease; None: there is none."""
        try:
            found = await self._ask("GET", f"{self._collection}/{LEASE}")
        except NotFound:
            return None
        self._note(found)
        return dict(found)

    def _note(self, lease: Mapping[str, Any]) -> None:
        """Remember who holds it, and from when on our clock runs."""
        if (version := str(lease["metadata"]["resourceVersion"])) == self._version:
            return
        spec = lease.get("spec") or {}
        self._version, self._holder = version, spec.get("holderIdentity") or ""
        others = self._holder not in {"", self.identity}
        self._length = spec.get("leaseDurationSeconds") or self._seconds
        self._others_until = self._time.now() + self._length if others else NEVER

    def _note_absence(self) -> None:
        """Wait for whoever held the lease until just now, as far as we know; a holder puts it back before long."""
        if self._version != ABSENT:
            self._version, self._holder = ABSENT, ""
            waits = max(self._length, self._seconds)
            self._others_until = self._time.now() + waits
            logger.info(LogEvent.LEASE_ABSENT, **self._names, waits_seconds=waits)

    def _spec(self, record: Mapping[str, Any] | None) -> dict[str, Any]:
        """The record with us as the holder."""
        spec = dict((record or {}).get("spec") or {})
        now = self._stamp()
        if spec.get("holderIdentity") != self.identity:
            transitions = 0 if record is None else (spec.get("leaseTransitions") or 0) + 1
            spec |= {"holderIdentity": self.identity, "acquireTime": now, "leaseTransitions": transitions}
        return spec | {"leaseDurationSeconds": self._seconds, "renewTime": now}

    async def _write(self, record: Mapping[str, Any] | None, spec: Mapping[str, Any]) -> bool:
        """Write unless somebody was faster; what is known is forgotten first, as the answer may be lost."""
        self._known, self._claimed = None, True
        try:
            if record is None:
                metadata = {"name": LEASE, "namespace": self._namespace}
                body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
                written = await self._ask("POST", self._collection, body)
            else:
                written = await self._ask("PUT", f"{self._collection}/{LEASE}", {**record, "spec": spec})
        except (AlreadyExists, Conflict):
            return False
        except NotFound:
            if record is None:
                raise  # the namespace itself
            return False
        self._note(written)
        self._known = written
        return True

    async def _clear(self) -> None:
        """Empty the holder, if that is us."""
        record = self._known or await self._look()
        if record is not None and record["spec"].get("holderIdentity") == self.identity:
            now = self._stamp()
            cleared = {"holderIdentity": "", "leaseDurationSeconds": 1, "acquireTime": now, "renewTime": now}
            if not await self._write(record, {**record["spec"], **cleared}):
                return  # an earlier write of ours came in between: look again
        self._claimed = False

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        """One request, with its repeats; bounded so that while we lead there is time left for another one."""
        seconds = max(self._retry / 2, self._tenure.left / 2) if self._tenure.held else self._seconds / 3
        try:
            async with asyncio.timeout(seconds):
                return await self._client.request(method, path, body=body, idempotent=method == "GET")
        except TimeoutError:
            message = f"the API server gave no answer about the lease {LEASE} within {seconds:.1f} s"
            raise KubernetesUnavailable(message) from None

    def _stamp(self) -> str:
        """The moment as the API's MicroTime."""
        return self._time.wall().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
