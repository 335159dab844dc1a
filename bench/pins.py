"""What people set is heeded at once: from an annotation to the closed connection, and back.

One after the other at a steady pace, whether the last one has had its effect or not, while drift passes run beside
them: who comes during a pass waits, and counts.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import orjson

from bench.between import INTERVAL_SECONDS
from bench.figures import Latencies
from bench.stage import Stage
from navixy_operator.core.naming import resource_name
from navixy_operator.core.vocabulary import API_VERSION, CUSTOMERS, PIN
from navixy_operator.sandbox.deployment import NAMESPACE
from navixy_operator.sandbox.sample_data import eligible_customers

TIMES: Final = 50
PACE_SECONDS: Final = 0.25
KUBECTL_PACE_SECONDS: Final = 0.5  # a process each time
EFFECT_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 1.0
HEADERS: Final = {"Content-Type": "application/merge-patch+json"}

Say = Callable[[str], Awaitable[object]]
"""Says a person's word about the customer whose resource has this name."""


async def latencies(on: Stage, count: int) -> dict[str, Latencies]:
    """Pins of 50 customers set through the API and removed, and set with kubectl."""
    # from the end: the beginning has been changed by the cycles
    refs = [str(one.customer_ref) for one in eligible_customers(count)][-TIMES:]

    async def pin(name: str) -> None:
        await _annotate(on, name, "disconnect")

    async def unpin(name: str) -> None:
        await _annotate(on, name, None)

    async def pin_by_kubectl(name: str) -> None:
        await on.plane.kubectl("annotate", "navixycustomer", name, "-n", NAMESPACE, f"{PIN}=disconnect")

    found = {
        "annotated, to closed": await _measure(on, refs, pin, "disconnected"),
        "annotation removed, to connected": await _measure(on, refs, unpin, "connected"),
        "kubectl annotate, to closed": await _measure(
            on, refs, pin_by_kubectl, "disconnected", pace=KUBECTL_PACE_SECONDS
        ),
    }
    await _measure(on, refs, unpin, "connected", pace=0)
    await asyncio.sleep(INTERVAL_SECONDS)
    return found


async def _measure(on: Stage, refs: Sequence[str], say: Say, state: str, *, pace: float = PACE_SECONDS) -> Latencies:
    """Say it of one after the other at a steady pace, then read in F1.1's history when each had its effect."""
    before = len(await on.forwarding.history())
    said: dict[str, float] = {}
    own: list[float] = []

    async def one(ref: str) -> None:
        said[ref] = time.time()
        await say(resource_name(ref))
        own.append(time.time() - said[ref])

    async with asyncio.TaskGroup() as group:
        for ref in refs:
            group.create_task(one(ref))
            await asyncio.sleep(pace)
    effects = await _effects(on, before, set(refs), state)
    return Latencies(tuple(effects[ref] - said[ref] for ref in refs), statistics.median(own))


async def _effects(on: Stage, before: int, refs: set[str], state: str) -> dict[str, float]:
    """When each of them got into this state. Raises TimeoutError."""
    async with asyncio.timeout(EFFECT_SECONDS):
        while True:
            changes = (await on.forwarding.history())[before:]
            found = {each["customer_ref"]: each["at"] for each in reversed(changes) if each["after"] == state}
            if found.keys() >= refs:
                return found
            await asyncio.sleep(LOOK_SECONDS)


async def _annotate(on: Stage, name: str, mode: str | None) -> None:
    body: dict[str, Any] = {"metadata": {"annotations": {PIN: mode}}}
    url = f"{on.plane.url}/apis/{API_VERSION}/namespaces/{NAMESPACE}/{CUSTOMERS}/{name}"
    async with on.session.patch(url, data=orjson.dumps(body), headers=HEADERS) as answer:
        await answer.read()
        answer.raise_for_status()
