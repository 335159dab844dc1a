"""Guards and approval, end to end: no mass harm without a person's word, and that word counts once."""

from typing import Any

import pytest

from navixy_operator.sandbox import sample_data
from support.operator import Site
from support.telling import condition, fleets, ready, told, until, until_open

pytestmark = [pytest.mark.server, pytest.mark.e2e]
TIGHT = {"minCloses": 2, "maxClosePercent": 20}
REFS = [f"fleet-{n}" for n in range(1, 11)]


async def deployed(site: Site, **spec: Any) -> None:
    """Ten fleets, connected; more than two closes at once need approval."""
    site.fill(fleets(10))
    await site.deploy(**{"guards": TIGHT, "drift": {"intervalSeconds": 5}, **spec})
    await site.cycle("first")


async def approve(site: Site, cycle: str, digest: str) -> None:
    """``kubectl annotate`` a SyncCycle."""
    pair = f"dataforwarding.io/approve-closes={digest}"
    await site.plane.kubectl("annotate", "--overwrite", "synccycle", cycle, "-n", site.namespace, pair)


async def approved(site: Site, run: str) -> dict[str, object]:
    """The status of the cycle that carries an approval out, once it has ended."""
    async with site.waiting(30):
        while await site.kubectl.get("synccycle", run) is None:
            await site.pause()
    return dict((await site.kubectl.ended(run))["status"])


async def test_a_mass_close_is_held_until_it_is_approved(site: Site) -> None:
    """Three of ten suspended: nobody is closed, others are opened, people are told; approved, they are closed, once."""
    await deployed(site)
    for ref in REFS[:3]:
        sample_data.suspend(site.database_url, ref)
    site.fill([*fleets(11)[10:]])
    status = await site.cycle("second")
    assert (status["counts"]["held"], status["counts"]["closed"], status["counts"]["established"]) == (3, 0, 1)
    held = status["heldCloses"]
    assert (held["count"], held["reason"]) == (3, "MassClose")
    assert {entry["customerRef"] for entry in held["items"]} == set(REFS[:3])
    await until_open(site, *REFS, "fleet-11")
    sync = await site.kubectl.get("navixysync", "main") or {}
    assert condition(sync, "ClosesHeld")["status"] == "True"
    assert ready((await site.customers())["fleet-1"]) == ("False", "MassClose")

    await approve(site, "second", "0123456789abcdef")

    async def refused() -> bool:
        return bool(told(site.log(), "ApprovalRefused", cycle="second"))

    await until(site, refused)
    assert len(await site.open_connections()) == 11
    await approve(site, "second", held["digest"])
    done = await approved(site, "second-approved-1")
    assert done["counts"]["closed"] == 3  # type: ignore[index] # plain JSON
    await until_open(site, *REFS[3:], "fleet-11")
    second = await site.kubectl.get("synccycle", "second") or {}
    assert "approvedAt" in second["status"]["heldCloses"]
    sync = await site.kubectl.get("navixysync", "main") or {}
    assert condition(sync, "ClosesHeld")["status"] == "False"
    assert told(site.log(), "ClosesApproved", approved="second", closed=3, origin="manual")


async def test_only_what_still_holds_is_closed(site: Site) -> None:
    """Who came back before the approval is spared, and who was suspended after it is not in its list."""
    await deployed(site)
    for ref in REFS[:4]:
        sample_data.suspend(site.database_url, ref)
    held = (await site.cycle("second"))["heldCloses"]
    site.sql("UPDATE customers SET state = 'active' WHERE customer_ref = 'fleet-1'")
    for ref in REFS[4:8]:
        sample_data.suspend(site.database_url, ref)
    await approve(site, "second", held["digest"])
    done = await approved(site, "second-approved-1")
    assert done["counts"]["closed"] == 3  # type: ignore[index] # plain JSON
    assert done["heldCloses"]["count"] == 4  # type: ignore[index] # plain JSON
    await until_open(site, "fleet-1", *REFS[4:])


async def test_a_shrunken_database_closes_nobody(site: Site) -> None:
    """Half the rows are gone: nobody is marked gone, nobody closed; when they are back, all is as it was."""
    await deployed(site, guards={"minCloses": 100, "maxShrinkPercent": 20})
    backup = fleets(10)[:5]
    for one in backup:
        sample_data.delete(site.database_url, str(one.customer_ref))
    status = await site.cycle("second")
    assert status["heldCloses"]["reason"] == "ShrunkenDatabase"
    assert len(await site.open_connections()) == 10
    assert {item["spec"]["state"] for item in (await site.customers()).values()} == {"active"}
    again = await site.cycle("third")
    assert again["heldCloses"]["reason"] == "ShrunkenDatabase", "a shrinking that nobody approved is still one"
    site.fill(backup)
    fourth = await site.cycle("fourth")
    assert (fourth["counts"]["discrepancies"], "heldCloses" in fourth) == (0, False)
    assert len(await site.open_connections()) == 10


async def test_an_approved_shrinking_is_over(site: Site) -> None:
    """Three of ten are really gone: approved, they are closed, their resources go, and nothing is held any more."""
    await deployed(site)
    for ref in REFS[:3]:
        sample_data.delete(site.database_url, ref)
    status = await site.cycle("second")
    assert status["heldCloses"]["reason"] == "ShrunkenDatabase"
    await approve(site, "second", status["heldCloses"]["digest"])
    done = await approved(site, "second-approved-1")
    assert (done["counts"]["closed"], done["counts"]["deleted"]) == (3, 3)  # type: ignore[index] # plain JSON
    await until_open(site, *REFS[3:])
    third = await site.cycle("third")
    assert ("heldCloses" in third, third["counts"]["discrepancies"]) == (False, 0)
    sample_data.delete(site.database_url, REFS[3])
    assert (await site.cycle("fourth"))["counts"]["closed"] == 1, "one of seven is no shrinking"


async def test_drift_passes_count_toward_the_same_limit(site: Site) -> None:
    """Suspended ones that open again and again: a drift pass closes up to the limit within a day, then holds."""
    await deployed(site)
    for ref in REFS[:2]:
        sample_data.suspend(site.database_url, ref)
    assert (await site.cycle("second"))["counts"]["closed"] == 2
    await site.f11.seed({"customer_ref": "fleet-1"}, {"customer_ref": "fleet-2"})
    await until_open(site, *REFS[2:])
    await site.f11.seed({"customer_ref": "fleet-1"})

    async def held() -> bool:
        sync = await site.kubectl.get("navixysync", "main") or {}
        return condition(sync, "ClosesHeld").get("status") == "True"

    await until(site, held)
    assert "fleet-1" in await site.open_connections()
    status = await site.cycle("third")
    assert status["heldCloses"]["count"] == 1, "the cycle lists it for approval"
    await approve(site, "third", status["heldCloses"]["digest"])
    await until_open(site, *REFS[2:])


async def test_a_drift_pass_does_not_close_what_a_cycle_holds(site: Site) -> None:
    """Held closes stay held between cycles, also when so few are left that the limit would let them pass."""
    await deployed(site)
    for ref in REFS[:3]:
        sample_data.suspend(site.database_url, ref)
    assert (await site.cycle("second"))["heldCloses"]["count"] == 3
    (first,) = (await site.open_connections())["fleet-1"]
    (second,) = (await site.open_connections())["fleet-2"]
    for one in (first, second):
        await site.f11.alter(one["id"], state="disconnected")
    looks = await site.f11.count("GET /v1/connections")

    async def three_passes() -> bool:
        return await site.f11.count("GET /v1/connections") >= looks + 3

    await until(site, three_passes)
    assert "fleet-3" in await site.open_connections()


async def test_a_persons_close_is_never_held(site: Site) -> None:
    """Pins close beyond every limit, and do not use it up."""
    await deployed(site)
    refs = [f"navixycustomer/{ref}" for ref in REFS[:6]]
    await site.plane.kubectl("annotate", *refs, "-n", site.namespace, "dataforwarding.io/pin=disconnect")
    await until_open(site, *REFS[6:])
    sync = await site.kubectl.get("navixysync", "main") or {}
    assert "recentCloses" not in sync["status"]
    assert (await site.cycle("second"))["counts"]["held"] == 0
