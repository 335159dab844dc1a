"""The audit trail's database is stopped, frozen or full, the operator is stopped or killed: nothing is missing after.

Real PostgreSQL, the module's own, and SQLite where a file is full.
"""

import asyncio
import resource
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from navixy_operator.core.audit import Entry
from navixy_operator.core.auditcheck import Verdict
from navixy_operator.core.vocabulary import EventName
from navixy_operator.sandbox.databases import PostgreSQL
from navixy_operator.sandbox.deployment import Operator, secret
from navixy_operator.sandbox.progress import progress_for
from navixy_operator.sandbox.sample_data import eligible_customers, sample_hash
from support.audit import Teller
from support.audited import AuditServer, audit_says, available, entries, logged, names, verdicts
from support.operator import Site
from support.telling import in_mid_cycle, told, until
from support.trail import spool_in

pytestmark = [pytest.mark.server, pytest.mark.e2e]

FLEET = 40


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    """A server that may be taken away."""
    with PostgreSQL(progress=progress_for()) as server:
        yield server


@pytest.fixture
def audit(postgresql: PostgreSQL) -> AuditServer:
    """A new database for a test, which keeps what it has committed, as production's does."""
    url = postgresql.create_database().url
    name = urlsplit(url).path.removeprefix("/")
    postgresql.execute(f"ALTER DATABASE {name} SET synchronous_commit = on")
    return AuditServer(postgresql, url)


@pytest.fixture
def operator_environment(lease_seconds: int, audit: AuditServer, tmp_path: Path) -> dict[str, str]:
    """The URL, with its password, from a file, as a Secret is mounted."""
    path = tmp_path / "audit-url"
    path.touch(0o600)
    path.write_text(audit.url + "\n")
    return {"LEADER_ELECTION_SECONDS": str(lease_seconds), "AUDIT_DATABASE_URL_FILE": str(path)}


async def whole(site: Site, url: str, cycle: str) -> list[Entry]:
    """Wait until the whole run of a cycle is stored; its entries. Its chain is sound, and ends as it says itself."""
    verdict: Verdict | None = None

    async def finished() -> bool:
        nonlocal verdict
        found = [
            one for one in await verdicts(url, site.namespace) if one.run.name == cycle and one.run.kind == "cycle"
        ]
        verdict = found[0] if len(found) == 1 else None
        return verdict is not None and verdict.finished

    await until(site, finished)
    assert verdict is not None
    assert verdict.sound
    status = (await site.kubectl.get("synccycle", cycle) or {})["status"]
    assert status["auditDigest"] == verdict.head
    return [entry for entry in await entries(url, site.namespace, cycle=cycle) if entry.run == verdict.run]


async def all_of_the_log(site: Site, url: str) -> None:
    """All that the log tells of runs is in the trail, and nothing else."""
    assert {(one.run.id, one.seq, one.event) for one in await entries(url, site.namespace)} == logged(site)


@pytest.mark.parametrize("how", ["stop", "freeze"])
async def test_the_database_goes_away_in_mid_cycle(site: Site, audit: AuditServer, how: str) -> None:
    """The cycle is completed, the condition says what is wrong, and afterwards the trail is whole, in order, once."""
    await in_mid_cycle(site)
    await audit_says(site, "True", "Available")
    await asyncio.to_thread(getattr(audit, how))
    try:
        status = (await site.kubectl.ended("cut"))["status"]
        assert (status["phase"], status["counts"]["actual"]) == ("completed", FLEET)
        problem = await audit_says(site, "False", "AuditUnavailable")
        assert "entries wait on the operator's disk" in problem["message"]
        assert urlsplit(audit.url).password not in problem["message"]
        again = await site.cycle("again")
        assert again["phase"] == "completed", "cycles go on without it"
    finally:
        await asyncio.to_thread(audit.start if how == "stop" else audit.thaw)
    await audit_says(site, "True", "Available")
    events = names(await whole(site, audit.url, "cut"))
    assert events[0] == "SynchronizationStarted"
    assert events.count("ConnectionEstablished") == FLEET
    await whole(site, audit.url, "again")
    await all_of_the_log(site, audit.url)
    own = names(await entries(audit.url, site.namespace, cycle="audit-trail"))
    assert own == ["AuditUnavailable", "AuditRestored"]
    assert len(told(site.log(), "AuditUnavailable")) == len(told(site.log(), "AuditRestored")) == 1
    assert told(site.log(), "AuditEventsLost") == []
    assert list((site.operator.data / "spool").glob("*.jsonl")) == []
    events_of_sync = await site.plane.kubectl(
        "get", "events", "-n", site.namespace, "-o", "jsonpath={.items[*].reason}"
    )
    assert events_of_sync.split().count("AuditUnavailable") == events_of_sync.split().count("AuditRestored") == 1


async def test_the_database_is_not_there_at_the_start(site: Site, audit: AuditServer) -> None:
    """It comes later: what happened before is in it then, and its schema is made."""
    await site.operator.stop()
    await asyncio.to_thread(audit.stop)
    try:
        await site.operator.start()
        site.fill(list(eligible_customers(3)))
        await site.deploy()
        assert (await site.cycle("early"))["phase"] == "completed"
        await audit_says(site, "False", "AuditUnavailable")
    finally:
        await asyncio.to_thread(audit.start)
    await audit_says(site, "True", "Available")
    assert names(await whole(site, audit.url, "early")).count("ConnectionEstablished") == 3


async def test_a_failed_cycle_is_in_the_trail(site: Site, audit: AuditServer, tmp_path: Path) -> None:
    """AC8, AC9: the customer database is away: the query's status, the failure, when it is retried, the end."""
    await site.deploy()
    await site.kubectl.apply(secret(site.namespace, "customer-database", url=f"sqlite:///{tmp_path / 'nowhere.db'}"))
    assert (await site.cycle("blind"))["phase"] == "failed"
    found = await whole(site, audit.url, "blind")
    assert [(entry.event, entry.status) for entry in found] == [
        ("SynchronizationStarted", "InProgress"),
        ("CustomerDatabaseQueried", "Failed"),
        ("SynchronizationFailed", "Failed"),
        ("SynchronizationCompleted", "Failed"),
    ]
    assert '"retry_scheduled":"20' in found[2].details
    assert "duration_seconds" in found[3].details


async def test_the_last_words_of_a_stopped_operator_are_in_the_trail(site: Site, audit: AuditServer) -> None:
    """SIGTERM in mid-cycle: all that was told, and that the cycle was cut off, is stored when the process has ended."""
    await in_mid_cycle(site)
    site.operator.process.send(signal.SIGTERM)
    assert await asyncio.to_thread(site.operator.process.wait, 20) == 0
    await all_of_the_log(site, audit.url)
    events = names(await whole(site, audit.url, "cut"))
    assert events[-2:] == ["SynchronizationFailed", "SynchronizationCompleted"]


@pytest.mark.parametrize("lease_seconds", [4])
@pytest.mark.parametrize("database", ["there", "stopped", "frozen"])
async def test_a_killed_operator_loses_a_moment_at_most(site: Site, audit: AuditServer, database: str) -> None:
    """SIGKILL in mid-cycle: what was told before the last moment is stored, or on the disk for the next process.

    The moment is some 50 ms, in which entries gather; a database that hangs keeps them from the disk for one second.
    """
    moment = timedelta(seconds=1.5 if database == "frozen" else 0.5)
    change = {"there": lambda: None, "stopped": audit.stop, "frozen": audit.freeze}[database]
    back = {"there": lambda: None, "stopped": audit.start, "frozen": audit.thaw}[database]
    await in_mid_cycle(site)
    await asyncio.to_thread(change)
    try:
        await asyncio.sleep(moment.total_seconds() + 0.5)
        killed_at = datetime.now(UTC)
        site.operator.process.send(signal.SIGKILL)
        await asyncio.to_thread(site.operator.process.wait, 10)
    finally:
        await asyncio.to_thread(back)
    bound = (killed_at - moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    wanted = logged(site, until=bound)
    assert {event for _, _, event in wanted} >= {"SynchronizationStarted", "MissingConnectionsDetected"}
    await site.f11.settings(latency_seconds=0)
    await site.operator.start()

    async def stored() -> bool:
        return wanted <= {(e.run.id, e.seq, e.event) for e in await entries(audit.url, site.namespace)}

    await until(site, stored)
    assert all(verdict.sound for verdict in await verdicts(audit.url, site.namespace))


async def test_a_replica_that_stands_by_hands_its_spool_over_at_its_end(
    site: Site, audit: AuditServer, operator_environment: dict[str, str], tmp_path: Path
) -> None:
    """What it could not deliver in a life before would go with its pod; until then it leaves the database alone."""
    await site.deploy()
    await audit_says(site, "True", "Available")
    environment = {**operator_environment, "POD_NAME": "standby"}
    standby = Operator(site.plane, tmp_path / "standby", site.namespace, environment=environment)
    spool, teller = spool_in(standby.data), Teller("before", namespace=site.namespace)
    teller.tell(EventName.CONNECTION_CLOSED, "acme")
    await spool.append(teller.entries)
    await spool.close()

    async def stored() -> bool:
        return await entries(audit.url, site.namespace, cycle="before") == teller.entries

    async with standby:
        async with site.waiting():
            while '"StandingBy"' not in standby.log.read_text("utf-8"):
                await site.pause()
        assert not await stored()
    assert await stored()
    assert (await available(site))["status"] == "True"


async def test_no_secret_is_in_the_trail(site: Site, audit: AuditServer) -> None:
    """Every row of every table, and the spool while it is needed: no hash, no token, no password."""
    site.fill(list(eligible_customers(FLEET)))
    await site.f11.settings(error_rate=0.2)
    await site.deploy(forwarding={"timeoutSeconds": 2})
    await site.cycle("first")
    await site.redeploy(database={"query": f"SELECT '{sample_hash(905)}' FROM nowhere_{sample_hash(906)}"})
    await site.cycle("broken")
    await whole(site, audit.url, "broken")
    await asyncio.to_thread(audit.stop)
    try:
        await site.cycle("spooled")
        spooled = b"".join(path.read_bytes() for path in (site.operator.data / "spool").iterdir()).decode()
        assert "SynchronizationFailed" in spooled
    finally:
        await asyncio.to_thread(audit.start)
    await whole(site, audit.url, "spooled")
    everything = await asyncio.to_thread(audit.dump) + spooled
    assert everything.count("ConnectionEstablished") or everything.count("fleet")
    hashes = {a.navixy_hash for c in eligible_customers(FLEET) for a in c.associations if a.navixy_hash}
    secrets = {*hashes, sample_hash(905), sample_hash(906), site.f11.token, urlsplit(audit.url).password or ""}
    assert len(secrets) > FLEET
    assert not [value for value in secrets if value in everything or value in site.log()]


class TestFullDisk:
    """SQLite, the default, on a disk that takes no more, neither for the file nor for the spool beside it."""

    @pytest.fixture
    def operator_environment(self, lease_seconds: int) -> dict[str, str]:
        """Its default: a file in the data directory."""
        return {"LEADER_ELECTION_SECONDS": str(lease_seconds)}

    async def test_the_file_is_full_in_mid_cycle(self, site: Site) -> None:
        """The cycle is completed; when there is room again the trail is whole."""
        await in_mid_cycle(site)
        pid = site.operator.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (8192, before[1]))  # no file of the process may be larger
        try:
            assert (await site.kubectl.ended("cut"))["status"]["phase"] == "completed"
            async with site.waiting():
                while (await available(site)).get("status") != "False":
                    await site.pause()
        finally:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
        await audit_says(site, "True", "Available")
        url = f"sqlite:///{site.operator.data / 'audit.db'}"
        assert names(await whole(site, url, "cut")).count("ConnectionEstablished") == FLEET


class TestUselessUrl:
    """A URL that nobody can use."""

    @pytest.fixture
    def operator_environment(self, lease_seconds: int) -> dict[str, str]:
        """Of a database that is neither SQLite nor PostgreSQL, with a password."""
        url = "mysql://audit:Geh-heim-123@127.0.0.1/audit"
        return {"LEADER_ELECTION_SECONDS": str(lease_seconds), "AUDIT_DATABASE_URL": url}

    async def test_the_operator_works_and_says_so(self, site: Site) -> None:
        """Cycles run, entries wait on the disk, condition and log say what is wrong; the password shows nowhere."""
        site.fill(list(eligible_customers(3)))
        await site.deploy()
        assert (await site.cycle("first"))["phase"] == "completed"
        problem = await audit_says(site, "False", "AuditUrlInvalid")
        assert "mysql" in problem["message"]
        assert [line["reason"] for line in told(site.log(), "AuditUnavailable")] == ["AuditUrlInvalid"]
        spool = site.operator.data / "spool"
        spooled = b"".join(path.read_bytes() for path in spool.glob("*.jsonl")).decode()
        assert spooled.count("ConnectionEstablished") == 3
        sync = await site.kubectl.get("navixysync", "main")
        assert "Geh-heim-123" not in spooled + site.log() + str(sync)
