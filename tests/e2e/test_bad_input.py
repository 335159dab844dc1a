"""Bad input, end to end: each kind gives a condition and a message that say what and where, and nothing is closed."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from navixy_operator.sandbox.databases import DatabaseServer
from navixy_operator.sandbox.deployment import secret
from navixy_operator.sandbox.loopback import free_ports
from navixy_operator.sandbox.sample_data import Association, SampleCustomer, delete, sample_hash
from support.operator import Site

pytestmark = [pytest.mark.server, pytest.mark.e2e]

COLUMNS = "customer_ref, provider, state, navixy_hash, gateway_count"


def fleets(count: int) -> list[SampleCustomer]:
    """Good customers ``fleet-1`` and on."""
    return [
        SampleCustomer(n, f"fleet-{n}", f"Fleet {n}", "active", (Association("navixy", sample_hash(n)),), n)
        for n in range(1, count + 1)
    ]


async def condition_of(site: Site, kind: str) -> dict[str, Any]:
    """The NavixySync's condition of that type."""
    sync = await site.kubectl.get("navixysync", "main")
    assert sync is not None
    return next(dict(entry) for entry in sync["status"]["conditions"] if entry["type"] == kind)


async def test_a_bad_database_fails_the_cycle_and_closes_nothing(
    site: Site, postgresql: DatabaseServer, subtests: pytest.Subtests
) -> None:
    """URL wrong, server down, password wrong, column missing, no such table, Secret missing (AC9's handling)."""
    site.fill(fleets(3))
    await site.deploy()
    await site.cycle("good")
    away = f"postgresql+psycopg://reader:pw-x1@127.0.0.1:{free_ports(1)[0]}/x"
    two_columns = "SELECT customer_ref, state FROM customers"
    database = postgresql.create_database()
    right = site.database_url
    refused = database.url.replace(f":{urlsplit(database.url).password}@", ":not-the-password-at-all@")
    cases: list[tuple[str, dict[str, str], dict[str, Any], str, str]] = [
        ("not-a-url", {"url": "customers at the big server"}, {}, "DatabaseUrlInvalid", "URL"),
        ("down", {"url": away}, {}, "DatabaseUnavailable", "127.0.0.1"),
        ("password", {"url": refused}, {}, "DatabaseUnavailable", "refused"),
        ("column", {"url": right}, {"query": two_columns}, "DatabaseQueryFailed", "gateway_count"),
        ("table", {"url": right}, {"query": f"SELECT {COLUMNS} FROM nowhere"}, "DatabaseQueryFailed", "nowhere"),
        ("syntax", {"url": right}, {"query": "SELEC 1"}, "DatabaseQueryFailed", "SELEC"),
        ("write", {"url": right}, {"query": "DELETE FROM customers"}, "DatabaseQueryFailed", ""),
        ("key", {"address": right}, {}, "SecretNotFound", "no key url"),
    ]
    for name, values, settings, reason, words in cases:
        with subtests.test(name):
            await site.plane.kubectl("delete", "secret", "customer-database", "-n", site.namespace)
            await site.kubectl.apply(secret(site.namespace, "customer-database", **values))
            await site.redeploy(database={"query": None, **settings})
            status = await site.cycle(name)
            assert (status["phase"], status["reason"]) == ("failed", reason), status
            assert words in status["message"]
            assert "pw-x1" not in str(status)
            assert "not-the-password" not in str(status)
            ready = await condition_of(site, "Ready")
            assert (ready["status"], ready["reason"]) == ("False", reason)
            assert len(await site.open_connections()) == 3
    await site.plane.kubectl("delete", "secret", "customer-database", "-n", site.namespace)
    await site.redeploy(database={"query": None})
    status = await site.cycle("no-secret")
    assert (status["phase"], status["reason"]) == ("failed", "SecretNotFound")
    assert "customer-database does not exist" in status["message"]
    await site.kubectl.apply(secret(site.namespace, "customer-database", url=right))
    assert (await site.cycle("mended"))["phase"] == "completed"
    assert (await condition_of(site, "Ready"))["status"] == "True"
    assert "not-the-password" not in site.log()


async def test_an_empty_database_closes_nothing(site: Site) -> None:
    """0 rows: every close is held, listed under a digest, and said in a condition."""
    site.fill(fleets(3))
    await site.deploy()
    await site.cycle("good")
    delete(site.database_url, "fleet-1", "fleet-2", "fleet-3")
    status = await site.cycle("empty")
    assert status["counts"]["held"] == 3
    assert status["heldCloses"]["reason"] == "EmptyDatabase"
    assert len(status["heldCloses"]["digest"]) == 16
    assert {item["customerRef"] for item in status["heldCloses"]["items"]} == {"fleet-1", "fleet-2", "fleet-3"}
    assert (await condition_of(site, "ClosesHeld"))["status"] == "True"
    assert len(await site.open_connections()) == 3
    assert all(item["spec"]["state"] == "active" for item in (await site.customers()).values())
    site.fill(fleets(3))
    assert (await site.cycle("back"))["counts"]["discrepancies"] == 0
    assert (await condition_of(site, "ClosesHeld"))["status"] == "False"


def odd(number: int, ref: str, navixy_hash: str = "", *, state: str | None = "active") -> SampleCustomer:
    """A customer with one gateway whose columns are as given; an empty hash means a good one of its own."""
    provider = Association(" Navixy ", navixy_hash or sample_hash(number))
    return SampleCustomer(number, ref, "", state, (provider,), 1)


ODD: dict[str, tuple[SampleCustomer, str]] = {
    "state with a space": (odd(11, "spaced", state="Active "), "Eligible"),
    "state unknown": (odd(12, "odd-state", state="unknown"), "InvalidRecord"),
    "300 characters": (odd(13, "x" * 300), "Eligible"),
    "slash and underscore": (odd(14, "a/b_c"), "Eligible"),
    "upper case": (odd(15, "ACME"), "Eligible"),
    "lower case of it": (odd(16, "acme"), "Eligible"),
    "Cyrillic": (odd(17, "Автопарк"), "Eligible"),
    "hash with spaces": (odd(18, "spaces", f" {sample_hash(18)} "), "Eligible"),
    "hash in upper case": (odd(19, "upper", sample_hash(19).upper()), "InvalidHash"),
    "hash of 31": (odd(20, "short", sample_hash(20)[:31]), "InvalidHash"),
    "same hash, one": (odd(21, "twin-1", sample_hash(21)), "DuplicateHash"),
    "same hash, other": (odd(22, "twin-2", sample_hash(21)), "DuplicateHash"),
    "NULL state": (odd(23, "stateless", state=None), "InvalidRecord"),
}


async def test_odd_rows_are_judged_one_by_one(site: Site, subtests: pytest.Subtests) -> None:
    """Broken rows are skipped with their reason, odd but right ones connected, and nobody else is touched."""
    nameless = SampleCustomer(30, None, "", "active", (Association("navixy", sample_hash(30)),), 1)
    await site.f11.seed({"customer_ref": "odd-state"}, {"customer_ref": "stateless"}, {"customer_ref": "twin-1"})
    site.fill([*fleets(2), *(row for row, _ in ODD.values()), nameless])
    await site.deploy(database={"query": NEGATIVE_TOO})
    status = await site.cycle("first")
    assert status["phase"] == "completed"
    opened, found = await site.open_connections(), await site.customers()
    for name, (row, reason) in ODD.items():
        with subtests.test(name):
            ref = str(row.customer_ref)
            (eligible,) = [c for c in found[ref]["status"]["conditions"] if c["type"] == "Eligible"]
            assert eligible["reason"] == reason
            if reason == "Eligible":
                assert [c["state"] for c in opened[ref]] == ["connected"]
    assert {"odd-state", "stateless", "twin-1"} <= set(opened), "bad data never cuts off a fleet"
    assert not {"twin-2", "short", "upper", "negative"} & set(opened)
    (negative,) = [c for c in found["negative"]["status"]["conditions"] if c["type"] == "Eligible"]
    assert negative["reason"] == "InvalidRecord"
    assert "negative" in negative["message"]
    assert any("customer_ref is NULL" in skip["message"] for skip in status["skips"])
    assert found["ACME"]["metadata"]["name"] != found["acme"]["metadata"]["name"] == "acme"


NEGATIVE_TOO = """
SELECT c.customer_ref, p.provider, c.state, p.navixy_hash,
       (SELECT COUNT(*) FROM gateways g WHERE g.customer_id = c.id) AS gateway_count
FROM customers c JOIN customer_providers p ON p.customer_id = c.id
UNION ALL SELECT 'negative', 'navixy', 'active', 'abcdefabcdefabcdefabcdefabcdef01', -1
"""


async def test_a_row_that_loses_its_reference_does_not_close_its_customer(site: Site) -> None:
    """A NULL reference: who seems gone may be that row, so its connection stays; leftovers are closed all the same."""
    site.fill(fleets(2))
    await site.deploy()
    await site.cycle("good")
    await site.f11.seed({"customer_ref": "ghost"})
    site.sql("UPDATE customers SET customer_ref = NULL WHERE customer_ref = 'fleet-1'")
    status = await site.cycle("nameless")
    assert status["counts"]["closed"] == 1
    assert set(await site.open_connections()) == {"fleet-1", "fleet-2"}


async def test_a_bad_spec_stalls_the_sync_and_says_so(site: Site, subtests: pytest.Subtests) -> None:
    """A cron line or time zone that does not parse: Ready=False with the field; a waiting cycle says so, too."""
    site.fill(fleets(2))
    await site.deploy()
    await site.cycle("good")
    for name, spec, words in (
        ("cron", {"schedule": "61 * * * *"}, "spec.schedule"),
        ("zone", {"schedule": "0 3 * * *", "timeZone": "Mars/Olympus"}, "spec.timeZone"),
        ("pattern", {"timeZone": "UTC", "hashPattern": "["}, "spec.hashPattern"),
    ):
        with subtests.test(name):
            await site.redeploy(**spec)
            await site.kubectl.start_cycle(name, sync="main")
            async with site.waiting():
                while words not in (ready := await condition_of(site, "Ready"))["message"]:
                    await site.pause()
            assert (ready["status"], ready["reason"]) == ("False", "InvalidSpec")
            async with site.waiting():
                while not (found := await site.kubectl.get("synccycle", name) or {}).get("status"):
                    await site.pause()
            assert (found["status"]["phase"], found["status"]["reason"]) == ("pending", "InvalidSpec")
            assert len(await site.open_connections()) == 2
    await site.redeploy(hashPattern="^[0-9a-f]{32}$")
    assert (await site.kubectl.ended("cron"))["status"]["phase"] == "completed"
    assert (await condition_of(site, "Ready"))["status"] == "True"


async def test_a_bad_f11_fails_the_cycle_and_closes_nothing(site: Site, subtests: pytest.Subtests) -> None:
    """F1.1 does not answer, answers HTML, a list that never ends, or refuses our token: never act on a part."""
    site.fill(fleets(2))
    await site.deploy()
    await site.cycle("good")
    site.sql("UPDATE customers SET state = 'suspended' WHERE customer_ref = 'fleet-1'")
    token, away = site.f11.token, f"http://127.0.0.1:{free_ports(1)[0]}"
    cases: list[tuple[str, str, str, str]] = [
        ("away", away, "ForwardingUnavailable", "127.0.0.1"),
        ("html", site.f11.url, "ForwardingProtocolError", "JSON"),
        ("endless", site.f11.url, "ForwardingProtocolError", "never"),
        ("token", site.f11.url, "ForwardingUnauthorized", "token"),
    ]
    for name, url, reason, words in cases:
        with subtests.test(name):
            await site.redeploy(forwarding={"url": url})
            if name == "html":
                await site.f11.fault("answer", route="list", times=99, status=200)
            await site.f11.settings(endless="same-token" if name == "endless" else "no")
            if name == "token":
                site.f11.write_token("another")
                await site.f11.reload_token()
            status = await site.cycle(name)
            await site.f11.clear_faults()
            assert (status["phase"], status["reason"]) == ("failed", reason), status["message"]
            assert words in status["message"]
            assert (await condition_of(site, "ForwardingAvailable"))["status"] == "False"
            assert len(await site.open_connections()) == 2
    site.f11.write_token(token)
    await site.f11.reload_token()
    assert (await site.cycle("mended"))["counts"]["closed"] == 1
