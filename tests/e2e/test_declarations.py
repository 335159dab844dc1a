"""Customers declared by a person or Git, and what deleting a NavixyCustomer means, end to end."""

import asyncio
from typing import Any

import pytest

from navixy_operator.core.model import fingerprint
from navixy_operator.sandbox.deployment import secret
from navixy_operator.sandbox.sample_data import sample_hash
from support.operator import Site
from support.telling import condition, customer, declaration, fleets, ready, told, until, until_open, until_ready

pytestmark = [pytest.mark.server, pytest.mark.e2e]


async def deployed(site: Site) -> None:
    """Two fleets from the database, connected; a third that Git declares."""
    site.fill(fleets(2))
    await site.deploy(drift={"intervalSeconds": 5})
    await site.cycle("first")
    await site.kubectl.apply(
        secret(site.namespace, "hash-extra", hash=sample_hash(50)), declaration(site, "extra", "X-1")
    )
    await until_open(site, "fleet-1", "fleet-2", "X-1")


async def delete(site: Site, name: str, *, wait: bool = True) -> None:
    """``kubectl delete``."""
    await site.plane.kubectl("delete", "navixycustomer", name, "-n", site.namespace, f"--wait={str(wait).lower()}")


async def test_a_declared_customer_is_connected_with_its_secrets_hash(site: Site) -> None:
    """Applied from Git: connected at once, kept by cycles though the database does not know it, hash never shown."""
    await deployed(site)
    (made,) = (await site.open_connections())["X-1"]
    assert made["hash_fingerprint"] == fingerprint(sample_hash(50))
    item = await until_ready(site, "X-1", "True", "Connected")
    assert item["metadata"]["finalizers"] == ["dataforwarding.io/close-connection"]
    status = await site.cycle("second")
    assert (status["counts"]["closed"], status["counts"]["declared"], status["counts"]["expected"]) == (0, 1, 3)
    assert status["validation"]["passed"] is True
    assert sample_hash(50) not in site.log()


async def test_deleting_a_declaration_closes_its_connection_and_then_lets_it_go(site: Site) -> None:
    """The finalizer keeps the resource until the close is verified, also while F1.1 refuses to close."""
    await deployed(site)
    (made,) = (await site.open_connections())["X-1"]
    await site.f11.fault("error", route="close", times=8)
    await delete(site, "extra", wait=False)
    await until_open(site, "fleet-1", "fleet-2", seconds=60)
    async with site.waiting():
        while "X-1" in await site.customers():
            await site.pause()
    history = [e for e in await site.f11.history() if e["connection_id"] == made["id"]]
    assert history[-1]["after"] == "disconnected"
    assert told(site.log(), "ConnectionClosed", customer="X-1", reason="DeclarationDeleted", origin="manual")


async def test_a_changed_secret_is_a_changed_hash(site: Site) -> None:
    """Another hash in the Secret: closed, verified and established with it, by a drift pass."""
    await deployed(site)
    await site.kubectl.apply(secret(site.namespace, "hash-extra", hash=sample_hash(51)))

    async def changed() -> bool:
        found = (await site.open_connections()).get("X-1", [])
        return [c["hash_fingerprint"] for c in found if c["state"] == "connected"] == [fingerprint(sample_hash(51))]

    await until(site, changed)
    await until_open(site, "fleet-1", "fleet-2", "X-1")


async def test_a_missing_secret_leaves_the_connection_as_it_is(site: Site) -> None:
    """Deleted, or not there yet: nobody is cut off, nothing is opened, and the customer says which Secret it is."""
    await deployed(site)
    await site.plane.kubectl("delete", "secret", "hash-extra", "-n", site.namespace)
    item = await until_ready(site, "X-1", "True", "SecretNotFound")
    assert "hash-extra" in condition(item, "Eligible")["message"]
    await site.cycle("second")
    assert set(await site.open_connections()) == {"fleet-1", "fleet-2", "X-1"}
    await site.kubectl.apply(declaration(site, "later", "X-2"))
    await until_ready(site, "X-2", "True", "SecretNotFound")
    await site.kubectl.apply(secret(site.namespace, "hash-later", hash=sample_hash(52)))
    await until_open(site, "fleet-1", "fleet-2", "X-1", "X-2")


async def test_a_declaration_goes_before_the_database(site: Site) -> None:
    """Declared under a reference that the database has: one resource, with the declared hash; suspended by Git: off."""
    await deployed(site)
    await site.kubectl.apply(
        secret(site.namespace, "hash-mine", hash=sample_hash(60)), declaration(site, "mine", "fleet-2")
    )
    await site.cycle("second")
    assert (await site.customers())["fleet-2"]["metadata"]["name"] == "mine"
    assert len(await site.kubectl.list("navixycustomers")) == 3
    (held,) = (await site.open_connections())["fleet-2"]
    assert held["hash_fingerprint"] == fingerprint(sample_hash(60))
    await site.kubectl.apply(declaration(site, "mine", "fleet-2", state="suspended"))
    await until_open(site, "fleet-1", "X-1")


async def test_of_two_declarations_the_older_counts(site: Site) -> None:
    """The younger says so, and deleting it closes nothing."""
    await deployed(site)
    await asyncio.sleep(1.1)  # creation times are told in whole seconds
    await site.kubectl.apply(
        secret(site.namespace, "hash-rival", hash=sample_hash(61)), declaration(site, "rival", "X-1")
    )
    rival: dict[str, Any] = {}

    async def refused() -> bool:
        nonlocal rival
        rival = await site.kubectl.get("navixycustomer", "rival") or {}
        return ready({"status": {}, **rival}) == ("False", "DuplicateReference")

    await until(site, refused)
    (held,) = (await site.open_connections())["X-1"]
    assert held["hash_fingerprint"] == fingerprint(sample_hash(50))
    await delete(site, "rival")
    await site.cycle("second")
    assert "X-1" in await site.open_connections()


async def test_a_database_customer_that_is_deleted_comes_back_with_its_pin(site: Site) -> None:
    """Deleting a projection changes nothing that the database, or a pin, wants."""
    await deployed(site)
    await site.plane.kubectl(
        "annotate", "navixycustomer", "fleet-1", "-n", site.namespace, "dataforwarding.io/pin=disconnect"
    )
    await until_open(site, "fleet-2", "X-1")
    before = (await site.customers())["fleet-1"]["metadata"]["uid"]
    await delete(site, "fleet-1")
    await delete(site, "fleet-2")

    async def back() -> bool:
        found = await site.customers()
        return {"fleet-1", "fleet-2"} <= set(found) and found["fleet-1"]["metadata"]["uid"] != before

    await until(site, back)
    assert set(await site.open_connections()) == {"fleet-2", "X-1"}
    item = await until_ready(site, "fleet-1", "True", "Pinned")
    assert item["metadata"]["annotations"]["dataforwarding.io/pin"] == "disconnect"
    assert await site.f11.count("DELETE /v1/connections/{id}") == 1, "the pin's own"


async def test_deleting_the_namespace_closes_nothing(site: Site) -> None:
    """Everything in it goes, declarations too: nobody decided that for each customer."""
    await deployed(site)
    await asyncio.to_thread(site.plane.request, "DELETE", f"/api/v1/namespaces/{site.namespace}")
    # what the namespace controller does, which this control plane lacks
    for kind in ("navixycustomers", "navixysyncs"):
        await site.plane.kubectl("delete", kind, "--all", "-n", site.namespace, "--wait=false")
    async with site.waiting():
        while await site.kubectl.list("navixycustomers"):
            await site.pause()
    assert set(await site.open_connections()) == {"fleet-1", "fleet-2", "X-1"}
    assert await site.f11.count("DELETE /v1/connections/{id}") == 0


async def test_a_policy_that_closes_nothing_lets_a_deleted_declaration_go(site: Site) -> None:
    """UpsertOnly: the connection stays open, which is said, and the resource does not hang for ever."""
    await deployed(site)
    await site.redeploy(policy="UpsertOnly")
    await delete(site, "extra", wait=False)
    async with site.waiting():
        while await site.kubectl.get("navixycustomer", "extra") is not None:
            await site.pause()
    assert "X-1" in await site.open_connections()
    assert told(site.log(), "DeclarationReleased", customer="X-1", closed=False, origin="manual")


async def test_a_declaration_without_a_sync_says_so(site: Site) -> None:
    """It names a NavixySync that is not there; when there is one, it is served."""
    site.fill(fleets(2))
    lonely = declaration(site, "lonely", "X-3")
    await site.kubectl.apply(secret(site.namespace, "hash-lonely", hash=sample_hash(53)), lonely)
    await until_ready(site, "X-3", "False", "SyncNotFound")
    await site.deploy(drift={"intervalSeconds": 5})
    await until_open(site, "X-3")


async def test_a_declaration_without_its_sync_is_let_go(site: Site) -> None:
    """Its NavixySync is gone: nobody knows any more where to close; the resource must not hang for ever."""
    await deployed(site)
    await site.plane.kubectl("delete", "navixysync", "main", "-n", site.namespace)
    await asyncio.sleep(1)
    await delete(site, "extra", wait=False)
    async with site.waiting():
        while await site.kubectl.get("navixycustomer", "extra") is not None:
            await site.pause()
    assert "X-1" in await site.open_connections()


@pytest.mark.parametrize("order", ["the sync first", "the declaration first", "while nobody was at work"])
async def test_a_declaration_and_its_sync_deleted_together_do_not_hang(site: Site, order: str) -> None:
    """``kubectl delete -k``: whichever goes first, and whoever was there to see it, the declaration is let go."""
    await deployed(site)
    if order == "while nobody was at work":
        await site.operator.stop()
    targets = ["navixysync/main", "navixycustomer/extra"]
    if order == "the declaration first":
        targets.reverse()
    await site.plane.kubectl("delete", *targets, "-n", site.namespace, "--wait=false")
    if order == "while nobody was at work":
        await site.operator.start()
    async with site.waiting(30):
        while await site.kubectl.get("navixycustomer", "extra") is not None:
            await site.pause()


async def test_two_customers_of_one_hash_block_each_other(site: Site) -> None:
    """A declared one and one of the database: neither is connected anew, both say so."""
    await deployed(site)
    site.fill([customer(70, "twin-1")])
    await site.kubectl.apply(
        secret(site.namespace, "hash-twin", hash=sample_hash(70)),
        declaration(site, "twin", "twin-2", state="suspended"),
    )
    await site.cycle("second")
    await site.kubectl.apply(declaration(site, "twin", "twin-2"))
    await site.cycle("third")
    found = await site.customers()
    assert condition(found["twin-1"], "Eligible")["reason"] == "DuplicateHash"
    assert condition(found["twin-2"], "Eligible")["reason"] == "DuplicateHash"
