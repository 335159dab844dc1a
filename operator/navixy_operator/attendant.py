"""What people do to single customers is heeded at once, beside whatever cycle or drift pass is running.

Pins, declarations (``source: Manual``) and their deletion; and projections that somebody has deleted come back, with
the annotations they had: deleting one changes nothing that the database wants (design section 2).
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from navixy_operator.chronicle import Chronicle, aside
from navixy_operator.concurrency import each
from navixy_operator.core.pins import read_pin, unheeded
from navixy_operator.core.vocabulary import GROUP, PIN, EventName, Kind, LogEvent
from navixy_operator.errors import OperatorError
from navixy_operator.ports import Cluster, Resource
from navixy_operator.roll import is_active_projection, is_declared, roll_of

AT_ONCE: Final = 16
GATHER_SECONDS: Final = 0.05
"""So long a first word waits for others that come with it: one pass for all of them."""
BATCH: Final = 500
"""Customers of one pass at the most; the others wait for the next."""
LONGEST_PAUSE: Final = 30.0
"""Seconds between two attempts, at the most, while something does not answer."""

Attend = Callable[[frozenset[str]], Awaitable[frozenset[str]]]
"""Makes one pass over the customers whose resources have these names, and gives those that have not come to rest.

Raises OperatorError: it must be repeated.
"""


@dataclass(slots=True)
class Attendant:
    """Hears of changed customers of one NavixySync, and has those attended to that ask for it."""

    cluster: Cluster
    sync: str
    attend: Attend
    waiting: Callable[[int], None] = lambda _: None
    """Hears how many customers wait, whenever that changes."""
    _names: dict[str, None] = field(default_factory=dict)
    _deleted: dict[str, Resource] = field(default_factory=dict)
    _ends: dict[str, datetime] = field(default_factory=dict)
    """When to look at somebody without having heard anything: a pin ends then, or something was pending."""
    _looks: dict[str, int] = field(default_factory=dict)
    """How often somebody who does not come to rest was looked at."""
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def heard(self, change: str, item: Resource) -> None:
        """A customer was created, changed or deleted. Cheap: every write of ours is heard, too."""
        if change == "DELETED":
            self._ends.pop(item.name, None)
            if is_active_projection(item):
                self._deleted[item.name] = item
                self._woken.set()
            return
        if PIN in item.annotations or "pin" in item.status:
            self._note_pin(item)
        if is_declared(item) and (item.deleting or item.status.get("observedGeneration") != item.generation):
            self._ask_for(item.name)

    async def run(self) -> None:
        """Attend until cancelled; what fails is tried again with backoff and full jitter.

        Not so what breaks by a fault of ours: a customer who brings that about each time must not stop the others for
        ever. The next drift pass or cycle looks at all who were to be attended to then.
        """
        log = structlog.get_logger("navixy_operator.attendant")
        failures = 0
        while True:
            await self._wait()
            names = frozenset(list(self._names)[:BATCH])
            for name in names:
                del self._names[name]
            self.waiting(len(self._names))
            try:
                await self._restore()
                if names:
                    self._look_again(names, await self.attend(names))
            except OperatorError as error:
                for name in names:
                    self._ask_for(name)
                log.warning(LogEvent.ATTEND_FAILED, reason=error.reason.value, problem=str(error), customers=len(names))
            except Exception:
                log.exception(LogEvent.ATTEND_BROKE, sync=self.sync, customers=len(names))
            else:
                failures = 0
                continue
            failures += 1
            await asyncio.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.5 * 2 ** min(failures, 16))))  # noqa: S311 - jitter

    def _look_again(self, names: frozenset[str], restless: frozenset[str]) -> None:
        """Look again at who has not come to rest, less and less often; drift passes do so, too, unless suspended."""
        now = self.cluster.clock.now()
        for name in names - restless:
            self._looks.pop(name, None)
        for name in restless:
            self._looks[name] = looks = self._looks.get(name, 0) + 1
            seconds = min(LONGEST_PAUSE, 2.0 ** min(looks, 16))
            again = now + timedelta(seconds=seconds * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
            self._ends[name] = min(again, self._ends.get(name, again))

    def _note_pin(self, item: Resource) -> None:
        now = self.cluster.clock.now()
        pin = read_pin(item.annotations, now).pin
        if pin is not None and pin.until is not None:
            self._ends[item.name] = min(pin.until, self._ends.get(item.name, pin.until))
            self._woken.set()  # to wait no longer than until then
        if unheeded(item.annotations, item.status, now):
            self._ask_for(item.name)

    def _ask_for(self, name: str) -> None:
        self._names[name] = None
        self.waiting(len(self._names))
        self._woken.set()

    async def _wait(self) -> None:
        """Until somebody asks, or a pin ends."""
        while True:
            now = self.cluster.clock.now()
            for name in [name for name, end in self._ends.items() if end <= now]:
                del self._ends[name]
                self._ask_for(name)
            if self._names or self._deleted:
                self._woken.clear()
                await asyncio.sleep(GATHER_SECONDS)
                return
            self._woken.clear()
            left = min(((end - now).total_seconds() for end in self._ends.values()), default=None)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):  # wait_for swallows a cancellation that comes with a wake
                    await self._woken.wait()

    async def _restore(self) -> None:
        """Make the deleted projections anew, unless the whole namespace or kind is going."""
        deleted, self._deleted = self._deleted, {}
        if not deleted:
            return
        some = next(iter(deleted.values()))
        try:
            if not await self.cluster.resources.accepts(Kind.CUSTOMER, some.namespace):
                return
            declared = roll_of(await self.cluster.resources.list(Kind.CUSTOMER, some.namespace), self.sync).declared
            wanted = [item for item in deleted.values() if item.spec["customerRef"] not in declared]
            story = aside(self.cluster.clock, self.cluster.observers, "restore", some.namespace, self.sync)
            await each(wanted, lambda item: self._restore_one(item, story), at_once=AT_ONCE)
        except OperatorError:
            self._deleted = deleted | self._deleted
            self._woken.set()
            raise

    async def _restore_one(self, item: Resource, story: Chronicle) -> None:
        ours = {key: value for key, value in item.annotations.items() if key.startswith(f"{GROUP}/")}
        made = await self.cluster.resources.create(
            Kind.CUSTOMER, item.namespace, item.name, spec=item.spec, labels=item.labels, annotations=ours
        )
        if made is None:
            return
        conditions = [{**entry, "observedGeneration": made.generation} for entry in item.status.get("conditions", ())]
        status = {**item.status, "observedGeneration": made.generation, "conditions": conditions}
        if item.status:
            await self.cluster.resources.write_status(made, status)
        event, message = EventName.CUSTOMER_RESTORED, "deleted by hand, and made again: the customer database has it"
        story.tell(event, customer=item.spec["customerRef"], resource=item.name)
        await self.cluster.recorder.record(made, warning=False, reason=event.value, message=message)
