"""Beside the passes of a NavixySync: alerts and investigations follow from what these find, and write of it.

It asks the API server for nothing that the runner has not just read, but for the Investigations.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog
from pydantic import ValidationError

from navixy_operator.alarm import Alarm
from navixy_operator.api.sync import Alerts, NavixySyncSpec
from navixy_operator.core.fact import Fact
from navixy_operator.core.vocabulary import LogEvent, Phase
from navixy_operator.errors import InvalidSpec, OperatorError
from navixy_operator.execution import Desk
from navixy_operator.inquiries import Inquiries
from navixy_operator.ports import Resource

LONGEST_REST: Final = 60.0
"""Seconds after which it looks although nothing has changed."""
GATHER_SECONDS: Final = 0.05
"""So long a first change waits for others that come with it."""
REPORT_SECONDS: Final = 2.0
"""So long a look waits for the report of the cycle that has just ended: it is written last, and read a turn later."""
LONGEST_PAUSE: Final = 30.0
"""Seconds between two attempts, at the most, while something does not work."""

Read = Callable[[Resource], NavixySyncSpec]
"""A NavixySync's settings. Raises InvalidSpec."""


@dataclass(slots=True)
class Lookout:
    """Looks when the NavixySync has changed, when a fact asks for it, and after a minute at the latest."""

    desk: Desk
    read: Read
    alarm: Alarm = field(init=False)
    inquiries: Inquiries = field(init=False)
    _cycles: tuple[Resource, ...] = ()
    _listed: bool = False
    _reported: asyncio.Event = field(default_factory=asyncio.Event)
    _awaited: str | None = None
    """The cycle whose report was waited for: once is enough."""
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.alarm = Alarm(self.desk)
        self.inquiries = Inquiries(self.desk)
        self.desk.status.watchers.append(self.wake)
        self.desk.hearers.append(self._hear)

    def wake(self) -> None:
        """Something about the NavixySync, or one of its Investigations, has changed."""
        self._woken.set()

    def saw(self, cycles: Sequence[Resource]) -> None:
        """All SyncCycles of the NavixySync, as they were listed just now."""
        before, self._cycles = self._cycles, tuple(cycles)
        if _ended(before) != _ended(cycles):
            self._woken.set()
        self._listed = True
        self._reported.set()

    async def run(self) -> None:
        """Look until cancelled; what fails is tried again with backoff and full jitter."""
        failures = 0
        while True:
            await self._wait()
            if await self.look():
                failures = 0
                continue
            failures += 1
            await asyncio.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.5 * 2 ** min(failures, 16))))  # noqa: S311 - jitter
            self._woken.set()

    async def look(self) -> bool:
        """Have all look at what is known by now, one after the other; whether all of them could."""
        sync = self.desk.status.latest
        if sync is None:
            return True
        try:
            spec = self.read(sync)
        except InvalidSpec:
            return await self._could(self.alarm.look(sync, _alerts_of(sync), self._cycles))
        looks = [await self._could(self.alarm.look(sync, spec.alerts, self._cycles))]
        if self._listed:  # before that, nothing is known of what opens an investigation
            looks.append(await self._could(self.inquiries.look(sync, spec, self._cycles)))
        return all(looks)

    async def last_words(self) -> None:
        """The NavixySync is gone. To be called once nobody looks any more."""
        await self._could(self.alarm.last_words())

    async def _could(self, look: Coroutine[Any, Any, None]) -> bool:
        """Whether it came to its end: a fault of one must not keep the others from looking."""
        log = structlog.get_logger("navixy_operator.lookout")
        place = {"namespace": self.desk.status.namespace, "sync": self.desk.status.name}
        try:
            await look
        except OperatorError as error:
            log.warning(LogEvent.LOOK_FAILED, **place, reason=error.reason.value, problem=str(error))
            return False
        except Exception:
            log.exception(LogEvent.LOOK_BROKE, **place)
            return False
        return True

    def _hear(self, fact: Fact) -> None:
        if self.alarm.heard(fact):
            self._woken.set()

    async def _wait(self) -> None:
        """Until there is something to look at, and the report of the last cycle beside it."""
        rest = None if self.desk.status.latest is None else min(LONGEST_REST, self.alarm.rest())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rest):  # wait_for would swallow a cancellation that comes with a wake
                await self._woken.wait()
        if self._woken.is_set():
            await asyncio.sleep(GATHER_SECONDS)
        self._woken.clear()
        await self._until_reported()

    async def _until_reported(self) -> None:
        latest = self.desk.status.latest
        cycle = None if latest is None else latest.status.get("lastCycle", {}).get("name")
        try:
            async with asyncio.timeout(REPORT_SECONDS):
                while cycle not in {None, self._awaited, *_ended(self._cycles)}:
                    self._reported.clear()
                    await self._reported.wait()
        except TimeoutError:
            self._awaited = cycle


def _ended(cycles: Sequence[Resource]) -> set[str]:
    return {cycle.name for cycle in cycles if cycle.status.get("phase") in {Phase.COMPLETED, Phase.FAILED}}


def _alerts_of(sync: Resource) -> Alerts | None:
    """``spec.alerts`` of a NavixySync whose spec breaks a rule elsewhere; None: it is this part."""
    try:
        return Alerts.model_validate(sync.spec.get("alerts") or {})
    except ValidationError:
        return None
