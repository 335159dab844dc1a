"""Investigations, end to end: a real failure opens one, kubectl tells its story, a person acknowledges it, it ends."""

import re
from typing import Any, Final

import pytest

from navixy_operator.core.model import fingerprint
from navixy_operator.sandbox.sample_data import sample_hash, set_hash
from support.operator import Site
from support.telling import condition, customer, fleets, told, until

pytestmark = [pytest.mark.server, pytest.mark.e2e]

FAILURE: Final = "main-synchronizationfailure-1"
MISMATCH: Final = "main-connectioncountmismatch-1"
RATE: Final = "main-highdiscrepancyrate-1"
SECONDS: Final = 10.0
"""Within which what a person annotates must act."""


async def in_phase(site: Site, name: str, phase: str, *, seconds: float = SECONDS) -> dict[str, Any]:
    """Wait until an Investigation is in that phase; its status."""
    found: dict[str, Any] = {}

    async def right() -> bool:
        nonlocal found
        found = await site.kubectl.get("investigation", name) or {}
        return bool(found.get("status", {}).get("phase") == phase)

    await until(site, right, seconds=seconds)
    return dict(found["status"])


async def table(site: Site, *arguments: str) -> dict[str, str]:
    """What `kubectl get investigations` shows of the only one, by column."""
    shown = await site.plane.kubectl("get", "investigations", "-n", site.namespace, *arguments)
    header, row = shown.splitlines()
    starts = [match.start() for match in re.finditer(r"\S+( \S+)*", header)]
    ends = [*starts[1:], None]
    return {header[a:b].strip(): row[a:b].strip() for a, b in zip(starts, ends, strict=True)}


async def annotate(site: Site, name: str, pair: str) -> None:
    """`kubectl annotate` an Investigation."""
    await site.plane.kubectl("annotate", "investigation", name, "-n", site.namespace, f"dataforwarding.io/{pair}")


async def test_a_failing_cycle_is_investigated(site: Site) -> None:
    """The table is gone: evidence, cause and remedy are told; acknowledged in seconds; over when the table is back."""
    site.fill(fleets(3))
    await site.deploy()
    await site.cycle("first")
    site.sql("ALTER TABLE customers RENAME TO moved")
    assert (await site.cycle("second"))["phase"] == "failed"

    status = await in_phase(site, FAILURE, "Open")
    assert (status["lastSeenCycle"], status["cyclesSeen"]) == ("second", 1)
    assert condition({"status": status}, "Ready")["status"] == "False"
    shown = await table(site)
    assert shown == {**shown, "NAME": FAILURE, "SYNC": "main", "TRIGGER": "SynchronizationFailure", "PHASE": "Open"}
    assert (shown["CAUSE"], shown["CYCLES"], shown["SEEN IN"]) == ("DatabaseQueryFailed", "1", "second")
    assert "Mend spec.database.query" in (await table(site, "-o", "wide"))["SUGGESTION"]
    story = await site.plane.kubectl("describe", "investigation", FAILURE, "-n", site.namespace)
    for part in (
        "Trigger:  SynchronizationFailure",
        "the last cycle failed with DatabaseQueryFailed",
        "2 cycles kept: 1 completed, 1 failed; newest first: second DatabaseQueryFailed, first Synchronized",
        "ends of cycles in the audit trail: 2",
        "DatabaseAvailable is False",
        "establishments that succeeded in the 1 completed cycle kept: 3 of 3 (100%)",
        "the last cycle that completed is first",
        "the next scheduled cycle is due at",
        f"kubectl create -n {site.namespace} -f -",
        "InvestigationOpened",
    ):
        assert part in story, story
    assert told(site.log(), "InvestigationOpened", investigation=FAILURE, trigger="SynchronizationFailure")

    await annotate(site, FAILURE, "acknowledge=ops")
    assert (await in_phase(site, FAILURE, "Acknowledged"))["acknowledgedBy"] == "ops"
    assert (await table(site))["ACKNOWLEDGED"] == "ops"
    await annotate(site, FAILURE, "acknowledge-")
    await in_phase(site, FAILURE, "Open")
    await annotate(site, FAILURE, "acknowledge=ops")
    await in_phase(site, FAILURE, "Acknowledged")
    assert len(told(site.log(), "InvestigationAcknowledged", origin="manual")) == 3

    site.sql("ALTER TABLE moved RENAME TO customers")
    await site.cycle("third")
    await site.plane.kubectl(
        "wait", "--for=condition=Ready", "--timeout=20s", f"investigation/{FAILURE}", "-n", site.namespace
    )
    assert (await in_phase(site, FAILURE, "Resolved"))["acknowledgedBy"] == "ops"
    assert told(site.log(), "InvestigationResolved", investigation=FAILURE)
    assert [item["metadata"]["name"] for item in await site.kubectl.list("investigations")] == [FAILURE]


async def test_a_count_mismatch_is_investigated_until_it_is_mended(site: Site) -> None:
    """AC11: F1.1 refuses a hash; the cause names the customer; it persists, and is over when the hash is corrected."""
    await site.f11.settings(refusals={fingerprint(sample_hash(2)): "hash-rejected"})
    site.fill([*fleets(1), customer(2, "refused"), customer(3, "fleet-3")])
    await site.deploy()
    await site.cycle("first")
    status = await in_phase(site, MISMATCH, "Open")
    assert status["message"] == "2 connections are connected where 3 are expected"
    assert status["probableCause"]["reason"] == "ForwardingRefusesHashes"
    assert "1 customer (refused)" in status["probableCause"]["message"]

    await site.cycle("second")

    async def persists() -> bool:
        found = await site.kubectl.get("investigation", MISMATCH) or {}
        return bool(found["status"]["lastSeenCycle"] == "second")

    await until(site, persists, seconds=SECONDS)
    found = await site.kubectl.get("investigation", MISMATCH) or {}
    assert "it persists: 2 completed cycles in a row" in found["status"]["message"]
    assert found["status"]["cyclesSeen"] == 2
    causes = {
        item["metadata"]["name"]: item["status"]["probableCause"]["reason"]
        for item in await site.kubectl.list("investigations")
    }
    assert causes == dict.fromkeys((MISMATCH, RATE), "ForwardingRefusesHashes"), "one of three is a high rate, too"

    set_hash(site.database_url, "refused", sample_hash(99))
    await site.cycle("third")
    await in_phase(site, MISMATCH, "Resolved")
    assert (await in_phase(site, RATE, "Open"))["lastSeenCycle"] == "third", "it found one, and mended it"
    await site.cycle("fourth")
    await in_phase(site, RATE, "Resolved")
    assert sample_hash(2) not in site.log()


async def test_a_restart_opens_nothing_anew(site: Site) -> None:
    """What is open stays as it is, whoever looks at it next; the annotation that was set meanwhile counts."""
    site.fill(fleets(2))
    await site.deploy()
    site.sql("ALTER TABLE customers RENAME TO moved")
    await site.cycle("first")
    before = await in_phase(site, FAILURE, "Open")
    await site.operator.stop()
    await annotate(site, FAILURE, "acknowledge=ops")
    await site.operator.start()
    after = await in_phase(site, FAILURE, "Acknowledged", seconds=30)
    changed = {"phase", "acknowledgedBy", "acknowledgedTime", "conditions"}
    assert {key: value for key, value in after.items() if key not in changed} == {
        key: value for key, value in before.items() if key not in changed
    }
    assert len(await site.kubectl.list("investigations")) == 1
    assert len(told(site.log(), "InvestigationOpened")) == 1
