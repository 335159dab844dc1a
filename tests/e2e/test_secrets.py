"""No hash, token or database password in any output: resources, events, logs, arguments, files of the process."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from navixy_operator.core.model import fingerprint
from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.databases import DatabaseServer
from navixy_operator.sandbox.deployment import secret
from navixy_operator.sandbox.sample_data import Association, SampleCustomer, demo_customers, sample_hash
from support.operator import Site

pytestmark = [pytest.mark.server, pytest.mark.e2e]


async def test_secrets_show_up_nowhere(site: Site, postgresql: DatabaseServer) -> None:
    """Cycles that succeed, fail and are refused; then every place a secret could have reached is searched."""
    database = postgresql.create_database()
    swapped = sample_hash(901)
    refused = sample_hash(902)
    odd = [
        SampleCustomer(901, swapped, "hash as reference", "active", (Association("navixy", swapped),), 1),
        SampleCustomer(902, "refused", "", "active", (Association("navixy", refused),), 1),
        SampleCustomer(903, "state-is-a-hash", "", sample_hash(903), (Association("navixy", sample_hash(904)),), 1),
    ]
    customers = [*demo_customers(40), *odd]
    sample_data.fill(database.url, customers)
    await site.f11.settings(refusals={fingerprint(refused): "hash-rejected"}, error_rate=0.2, lost_rate=0.1)
    await site.deploy(forwarding={"timeoutSeconds": 2})
    await site.kubectl.apply(secret(site.namespace, "customer-database", url=database.reader_url))
    for name in ("first", "second"):
        await site.cycle(name)
    await site.redeploy(database={"query": f"SELECT '{sample_hash(905)}' FROM nowhere_{sample_hash(906)}"})
    await site.cycle("broken")
    arguments = await asyncio.to_thread(Path(f"/proc/{site.operator.process.pid}/cmdline").read_text)
    async with site.waiting():
        while len(await site.kubectl.list("investigations")) < 2:
            await site.pause()
    kinds = "navixycustomers,synccycles,investigations,events"
    resources = await site.plane.kubectl("get", kinds, "-n", site.namespace, "-o", "yaml")
    described = await site.plane.kubectl("describe", kinds, "-n", site.namespace)
    sync = await site.kubectl.get("navixysync", "main")
    assert sync is not None
    plan = await asyncio.to_thread(site.command, "plan", "--all", "-o", "json")
    everywhere = "\n".join((arguments, resources, described, str(sync["status"]), site.log(), *map(str, plan)))
    hashes = {a.navixy_hash.strip() for c in customers for a in c.associations if a.navixy_hash}
    hashes |= {sample_hash(903), sample_hash(905), sample_hash(906)}
    passwords = {urlsplit(url).password or "" for url in (database.url, database.reader_url)}
    secrets = {value for value in (*hashes, *passwords, site.f11.token) if len(value) > 8}
    assert len(secrets) > 30
    assert not [value for value in secrets if value in everywhere]
    assert "Traceback" not in site.log()
