"""Between cycles: a person's pin, a connection that is lost, and a mass close that waits for a person's word."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from navixy_operator.core.vocabulary import CUSTOMERS, CYCLES
from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.demo import checks
from navixy_operator.sandbox.demo.live import run_cycle
from navixy_operator.sandbox.demo.telling import Telling
from navixy_operator.sandbox.deployment import NAMESPACE
from navixy_operator.sandbox.errors import SandboxError

IN_NAMESPACE: Final = f"-n {NAMESPACE}"
SUSPENDED_AT_ONCE: Final = 40
"""More than a fifth of the open connections: what spec.guards lets pass without a person."""
SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.1

Held = Mapping[str, list[dict[str, Any]]]
"""F1.1's connected connections by customer."""


async def people_and_losses(telling: Telling) -> None:
    """A pin acts at once; a lost connection is found by the next drift pass. No cycle runs."""
    show = telling.show
    show.act("Between cycles: people have the last word, and what breaks is repaired")
    pinned, lost = sorted(checks.eligible(telling.stage.database))[:2]
    line = f'kubectl navixy pin {pinned} disconnect --by anna --reason "moves to another depot" --for 2d {IN_NAMESPACE}'
    await telling.run_and_show(line)
    held = await _until(telling, lambda held: pinned not in held, f"{pinned} is closed")
    telling.check(f"{pinned} is closed in F1.1, and nobody else", _others(telling, held, without={pinned}))
    await telling.run_and_show(f"kubectl navixy unpin {pinned} {IN_NAMESPACE}")
    await _until(telling, lambda held: pinned in held, f"{pinned} is connected again")

    show.gap()
    show.say(f"F1.1 loses the connection of {lost} by itself. A drift pass, here every five seconds, finds that.")
    (old,) = (await _held(telling))[lost]
    await telling.stage.f11.alter(old["id"], state="disconnected")
    begun = time.monotonic()
    held = await _until(telling, lambda held: lost in held, f"{lost} is connected again")
    words = f"{lost} has a new connection after {time.monotonic() - begun:.0f} s, without a cycle"
    telling.check(words, _others(telling, held, without=set()))


async def mass_close(telling: Telling) -> None:
    """Many are suspended at once: nobody is closed until a person has seen the list and approved it."""
    stage, show = telling.stage, telling.show
    show.act("A mass close waits for a person")
    refs = sorted(checks.eligible(stage.database))[-SUSPENDED_AT_ONCE:]
    for ref in refs:
        await asyncio.to_thread(sample_data.suspend, stage.database_url, ref)
    show.say(f"Somebody has suspended {len(refs)} customers at once. Is that meant?")
    show.gap()
    await stage.f11.requests(reset=True)
    cycle = await run_cycle(stage, show, "third", checks.eligible(stage.database))
    closes = (await stage.f11.requests()).get("DELETE /v1/connections/{id}", {})
    found = {**cycle["status"].get("heldCloses", {}), "requests": sum(closes.values())}
    expected = {"count": len(refs), "reason": "MassClose", "requests": 0}
    telling.check(f"cycle third holds {len(refs)} closes, and made none", checks.figures("closes", found, expected))
    await telling.run_and_show(f"kubectl get synccycles {IN_NAMESPACE}")
    head, *rest = (await telling.run(f"kubectl navixy approve third --yes {IN_NAMESPACE}")).splitlines()
    show.output("\n".join([head, *_shortened(rest)]))
    held = await _until(telling, lambda held: not held.keys() & set(refs), "the approved are closed")
    telling.check(f"these {len(refs)} are closed, and nobody else", _others(telling, held, without=set()))
    again = await stage.find(f"{CYCLES}/third")
    used = [] if "approvedAt" in again["status"]["heldCloses"] else ["the approval is not marked as used"]
    telling.check("the approval is used up: it counts once", used)
    items = (await stage.find(CUSTOMERS))["items"]
    telling.check("all NavixyCustomers are Ready", checks.resources(items, checks.published(stage.database)))


async def _held(telling: Telling) -> Held:
    found: dict[str, list[dict[str, Any]]] = {}
    for one in await telling.stage.f11.connections():
        if one["state"] == "connected":
            found.setdefault(one["customer_ref"], []).append(one)
    return found


async def _until(telling: Telling, right: Callable[[Held], bool], what: str) -> Held:
    """F1.1's connections once they are so. Raises SandboxError, ProcessError when a part has died."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if right(held := await _held(telling)):
            return held
        telling.stage.check_alive()
        await asyncio.sleep(LOOK_SECONDS)
    message = f"not within {SECONDS:.0f} s: {what}"
    raise SandboxError(message)


def _others(telling: Telling, held: Held, *, without: set[str]) -> list[str]:
    """What is wrong with the connections, but for those of ``without``."""
    expected = {ref: mark for ref, mark in checks.eligible(telling.stage.database).items() if ref not in without}
    return checks.connections([one for found in held.values() for one in found], expected)


def _shortened(lines: list[str], shown: int = 9) -> list[str]:
    """The beginning and the end of a long list."""
    return lines if len(lines) <= 2 * shown else [*lines[:shown], "…", *lines[-shown:]]
