"""What the end-to-end tests say again and again: customers to fill in, conditions, log lines, annotations, waits."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from navixy_operator.core.naming import resource_name
from navixy_operator.core.vocabulary import GROUP
from navixy_operator.sandbox.sample_data import Association, SampleCustomer, eligible_customers, sample_hash
from support.operator import Site


def customer(
    number: int,
    ref: str | None,
    *,
    state: str | None = "active",
    gateways: int = 2,
    navixy_hash: str | None = "",
    provider: str = "Navixy",
) -> SampleCustomer:
    """One row set for the sample schema; an empty hash means a good one of its own."""
    given = sample_hash(number) if navixy_hash == "" else navixy_hash
    return SampleCustomer(number, ref, f"Customer {number}", state, (Association(provider, given),), gateways)


def fleets(count: int) -> list[SampleCustomer]:
    """Eligible customers ``fleet-1`` to ``fleet-N``."""
    return [customer(number, f"fleet-{number}") for number in range(1, count + 1)]


def declaration(site: Site, name: str, ref: str, *, state: str = "active", sync: str = "main") -> dict[str, Any]:
    """A NavixyCustomer as one would keep it in Git."""
    return {
        "apiVersion": "dataforwarding.io/v1alpha1",
        "kind": "NavixyCustomer",
        "metadata": {"name": name, "namespace": site.namespace},
        "spec": {
            "customerRef": ref,
            "sync": sync,
            "source": "Manual",
            "state": state,
            "hashSecretRef": {"name": f"hash-{name}", "key": "hash"},
        },
    }


def condition(resource: dict[str, Any], kind: str) -> dict[str, Any]:
    """The condition of that type; an empty one where there is none."""
    return next(
        (dict(entry) for entry in resource.get("status", {}).get("conditions", ()) if entry["type"] == kind), {}
    )


def ready(resource: dict[str, Any]) -> tuple[str, str]:
    """Status and reason of ``Ready``."""
    found = condition(resource, "Ready")
    return found.get("status", ""), found.get("reason", "")


def lines(log: str) -> list[dict[str, Any]]:
    """The operator's log lines."""
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def events(log: str, cycle: str) -> list[dict[str, Any]]:
    """The operator's log lines of one cycle."""
    return [line for line in lines(log) if line.get("cycle") == cycle]


def told(log: str, event: str, **facts: Any) -> list[dict[str, Any]]:
    """The log lines of one event with these facts."""
    return [
        line
        for line in lines(log)
        if line["event"] == event and all(line.get(key) == value for key, value in facts.items())
    ]


async def annotate(site: Site, ref: str, **annotations: str | None) -> None:
    """``kubectl annotate``: ``pin="disconnect"``, ``pin_reason="…"``; None takes one away."""
    pairs = [
        f"{GROUP}/{name.replace('_', '-')}" + ("-" if value is None else f"={value}")
        for name, value in annotations.items()
    ]
    where = ["navixycustomer", resource_name(ref), "-n", site.namespace]
    await site.plane.kubectl("annotate", "--overwrite", *where, *pairs)


async def in_mid_cycle(site: Site, **forwarding: int) -> None:
    """Begin the cycle ``cut`` of 40 customers and wait until F1.1 has been asked for the first connections.

    Two requests are under way at once, unless ``spec.forwarding`` says otherwise.
    """
    site.fill(list(eligible_customers(40)))
    await site.f11.settings(latency_seconds=0.3)
    await site.deploy(forwarding={"concurrency": 2, **forwarding})
    await site.kubectl.start_cycle("cut", sync="main")
    async with site.waiting():
        while not await site.f11.count("POST /v1/connections"):
            await site.pause()


async def until(site: Site, right: Callable[[], Awaitable[bool]], *, seconds: float = 30.0) -> None:
    """Wait for a condition. Raises TimeoutError."""
    async with site.waiting(seconds):
        while not await right():
            await site.pause()


async def until_open(site: Site, *refs: str, seconds: float = 30.0) -> None:
    """Wait until F1.1 holds connected connections of just these customers."""

    async def right() -> bool:
        found = await site.open_connections()
        return set(found) == set(refs) and all(c["state"] == "connected" for held in found.values() for c in held)

    await until(site, right, seconds=seconds)


async def until_ready(site: Site, ref: str, status: str, reason: str, *, seconds: float = 30.0) -> dict[str, Any]:
    """Wait for a customer's ``Ready``; the resource. Raises TimeoutError."""
    found: dict[str, Any] = {}

    async def right() -> bool:
        nonlocal found
        found = (await site.customers()).get(ref, {"status": {}})
        return ready(found) == (status, reason)

    await until(site, right, seconds=seconds)
    return found
