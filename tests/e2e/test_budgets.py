"""What a cycle may cost, counted by the API server and by F1.1 themselves (design section 4: writes are few)."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from navixy_operator.core.vocabulary import CUSTOMERS, CYCLES, GROUP, INVESTIGATIONS, SYNCS
from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.deployment import sync_cycle
from navixy_operator.sandbox.request_counts import Request
from navixy_operator.sandbox.sample_data import SampleCustomer, eligible_customers, sample_hash
from support.operator import Site

pytestmark = [pytest.mark.server, pytest.mark.e2e]

FLEET = 60
STILL = 10
"""Looks in a row that find no new request: then nothing of a cycle is under way any more."""
AROUND = {
    (CYCLES, "", "POST"): 1,  # the test's own
    (CYCLES, "status", "PATCH"): 2,  # it runs, it has ended
    (SYNCS, "status", "PATCH"): 2,
    ("events", "", "POST"): 1,
}
"""Writes of a cycle that do not depend on the number of customers."""
TOLD = AROUND | {("events", "", "POST"): 3, (INVESTIGATIONS, "status", "PATCH"): 1}
"""The same where an investigation is opened or resolved: its status, an Event about it and one about the NavixySync."""
LISTS = {"GET /v1/connections": 2}
"""Requests to F1.1 of a cycle that do not depend on the number of customers: one list before, one after."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Requests of one cycle: on customers by (subresource, verb), other writes, and to F1.1."""

    customers: dict[tuple[str, str], int]
    writes_around: dict[tuple[str, str, str], int]
    f11: dict[str, int]


async def counted(site: Site) -> Counter[Request]:
    """The API server's counts of what the operator asks, once they stand still. An ended watch is no request."""
    counts: list[Counter[Request]] = []
    async with site.waiting():
        while len(counts) < STILL or any(each != counts[-1] for each in counts[-STILL:]):
            found = await site.plane.request_counts()
            ours = {
                request: count
                for request, count in found.items()
                if (request.group == GROUP or request.resource == "events") and request.verb != "WATCH"
            }
            counts.append(Counter(ours))
            await site.pause()
    return counts[-1]


async def cost(site: Site, name: str, *, dry_run: bool = False) -> Spent:
    """Run one cycle and count."""
    await site.f11.requests(reset=True)
    before = await counted(site)
    path = f"/apis/{GROUP}/v1alpha1/namespaces/{site.namespace}/{CYCLES}"
    order = sync_cycle(site.namespace, name, sync="main", dry_run=dry_run)
    await asyncio.to_thread(site.plane.request, "POST", path, order)
    ended = await site.kubectl.ended(name)
    assert ended["status"]["phase"] == "completed", ended["status"]
    spent = await counted(site) - before
    customers: Counter[tuple[str, str]] = Counter()
    around: Counter[tuple[str, str, str]] = Counter()
    for request, count in spent.items():
        assert request.code < 400, f"no request is refused: {request}"
        if request.resource == CUSTOMERS:
            customers[request.subresource, request.verb] += count
        elif request.is_write:
            around[request.resource, request.subresource, request.verb] += count
    # from the mirror that the watch keeps; one paged list where the watch has not been heard of for long
    assert customers.pop(("", "LIST"), 0) <= 1
    f11 = {name: sum(outcomes.values()) for name, outcomes in (await site.f11.requests()).items()}
    return Spent(dict(customers), dict(around), f11)


async def deployed(site: Site, customers: Sequence[SampleCustomer]) -> None:
    """A site with these customers whose operator rests, having written when the next cycle is due."""
    site.fill(customers)
    await site.deploy()
    async with site.waiting():
        while not ((await site.kubectl.get("navixysync", "main")) or {}).get("status", {}).get("nextScheduleTime"):
            await site.pause()


async def test_a_new_customer_costs_a_create_and_a_status_write_and_an_unchanged_one_nothing(site: Site) -> None:
    """One create, one status write, one establish for each new one; without news the cost is the same for any fleet."""
    await deployed(site, list(eligible_customers(FLEET)))
    first = await cost(site, "first")
    assert first.customers == {("", "POST"): FLEET, ("status", "PATCH"): FLEET}
    assert first.f11 == {**LISTS, "POST /v1/connections": FLEET}
    assert first.writes_around == AROUND
    unchanged = await cost(site, "unchanged")
    assert unchanged == Spent({}, AROUND, LISTS)
    site.fill(list(eligible_customers(FLEET, first_id=FLEET + 1)))
    grown = await cost(site, "grown")
    assert grown.customers == {("", "POST"): FLEET, ("status", "PATCH"): FLEET}
    assert grown.f11 == {**LISTS, "POST /v1/connections": FLEET}
    assert grown.writes_around == TOLD | {(INVESTIGATIONS, "", "POST"): 1}, "so many at once are looked into"
    assert await cost(site, "settled") == Spent({}, TOLD, LISTS), "and are resolved"
    assert await cost(site, "unchanged-again") == unchanged, "twice the customers, the same requests"


async def test_a_changed_customer_costs_a_spec_patch_and_a_status_patch(site: Site) -> None:
    """Each of three changes costs two writes and what it asks of F1.1; the others cost nothing."""
    customers = list(eligible_customers(FLEET))
    await deployed(site, customers)
    await cost(site, "first")
    paused, rehashed, bereft = (str(one.customer_ref) for one in customers[:3])
    sample_data.suspend(site.database_url, paused)
    sample_data.set_hash(site.database_url, rehashed, sample_hash(4711))
    sample_data.remove_gateways(site.database_url, bereft)
    changed = await cost(site, "changed")
    assert changed.customers == {("", "PATCH"): 3, ("status", "PATCH"): 3}
    closes = {"DELETE /v1/connections/{id}": 3}
    assert changed.f11 == {**LISTS, **closes, "POST /v1/connections": 1}
    events = changed.writes_around.pop(("events", "", "POST"))
    assert changed.writes_around == {key: count for key, count in AROUND.items() if key[0] != "events"}
    assert 1 <= events <= 1 + 2 * 3, "the cycle's own, and at most a close and a changed verdict for each"


async def test_waiting_for_connections_costs_lists_and_no_request_each(site: Site) -> None:
    """Pending connections are watched by list: no GET of a single one, however many there are."""
    await site.f11.settings(settle_seconds=0.5)
    await deployed(site, list(eligible_customers(FLEET)))
    spent = await cost(site, "first")
    lists = spent.f11.pop("GET /v1/connections")
    assert spent.f11 == {"POST /v1/connections": FLEET}
    assert 2 <= lists <= 6, "one before, and a few until all have settled"
    assert spent.customers == {("", "POST"): FLEET, ("status", "PATCH"): FLEET}


async def test_a_dry_run_costs_reads_alone(site: Site) -> None:
    """A dry run lists, and writes nothing but its own report."""
    await deployed(site, list(eligible_customers(FLEET)))
    spent = await cost(site, "look", dry_run=True)
    assert spent.customers == {}
    assert spent.f11 == {"GET /v1/connections": 1}
    assert {key: count for key, count in spent.writes_around.items() if key[0] != "events"} == {
        (CYCLES, "", "POST"): 1,
        (CYCLES, "status", "PATCH"): 2,
    }
