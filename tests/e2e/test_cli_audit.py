"""The audit trail and the dashboard on the command line, of an operator that runs: what it wrote is what is told."""

import asyncio
import contextlib
import csv
import io
import json
import signal
import sqlite3
from typing import Any

import pytest

from navixy_operator.cli.auditforms import CSV_COLUMNS
from navixy_operator.cli.statuswords import WIDTH
from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.sample_data import Association, SampleCustomer, eligible_customers
from support.operator import Site
from support.telling import events, in_mid_cycle, until

pytestmark = [pytest.mark.server, pytest.mark.e2e]


async def two_cycles(site: Site) -> str:
    """Three customers are connected, one has no hash; then one is suspended: its reference."""
    hashless = SampleCustomer(50, "No_Hash", "Hashless Ltd", "active", (Association("navixy"),), 3)
    site.fill([*eligible_customers(3), hashless])
    await site.deploy()
    await site.cycle("first")
    suspended = str(min(map(str, await site.open_connections())))
    sample_data.suspend(site.database_url, suspended)
    await site.cycle("second")
    await until_stored(site, "second")
    return suspended


async def until_stored(site: Site, cycle: str) -> None:
    """Wait until the trail has all that the log has of a cycle: it is written in batches."""

    async def stored() -> bool:
        told = {(line["run"], line["seq"]) for line in logged(site, cycle)}
        return told <= {(one["run"], one["seq"]) for one in await asked(site, "--cycle", cycle)}

    await until(site, stored)


def logged(site: Site, cycle: str) -> list[dict[str, Any]]:
    """The log's lines of a cycle's events."""
    return [line for line in events(site.log(), cycle) if "seq" in line]


async def run(site: Site, *line: str) -> tuple[int, str, str]:
    """A command: exit code, standard output, standard error."""
    return await asyncio.to_thread(site.command, *line)


async def asked(site: Site, *words: str) -> list[dict[str, Any]]:
    """`audit -o json`: what is found."""
    code, out, err = await run(site, "audit", "-o", "json", "--limit", "0", *words)
    assert code == 0, err
    return [json.loads(line) for line in out.splitlines()]


async def test_audit_tells_what_the_operator_did(site: Site) -> None:
    """By customer and cycle, in each form, and the same as the log; `explain` has it, too."""
    ref = await two_cycles(site)
    found = await asked(site, "--customer", ref, "--oldest-first")
    assert [(one["cycle"], one["event"]) for one in found] == [
        ("first", "ConnectionEstablished"),
        ("first", "DiscrepancyResolved"),
        ("second", "ConnectionClosed"),
        ("second", "DiscrepancyResolved"),
    ]
    assert found[2]["reason"] == "Suspended"

    trail = await asked(site, "--cycle", "second", "--oldest-first")
    fields = ("event", "run", "run_kind", "seq", "customer", "discrepancy", "origin", "status", "reason", "sync")
    log, told = (
        [tuple(str(line.get(key)) for key in fields) for line in lines] for lines in (logged(site, "second"), trail)
    )
    assert sorted(told) == sorted(log)

    code, out, _ = await run(site, "audit", "--event", "connectionclosed")
    assert (code, out.splitlines()[0].split()[:3]) == (0, ["TIME", "CYCLE", "EVENT"])
    assert [line.split()[1:4] for line in out.splitlines()[1:]] == [["second", "ConnectionClosed", ref]]
    _, out, _ = await run(site, "audit", "--cycle", "second", "-o", "csv")
    head, *records = csv.reader(io.StringIO(out, newline=""), strict=True)
    assert (tuple(head), len(records)) == (CSV_COLUMNS, len(trail))

    code, out, _ = await run(site, "explain", ref, "--history")
    assert code == 0
    assert out.startswith(f"Customer {ref}\n")
    history = out.partition("History, the newest first:\n")[2].splitlines()
    assert [line.split()[2] for line in history[1:]] == [one["event"] for one in reversed(found)]


async def test_a_cycles_story_is_whole_and_verified(site: Site) -> None:
    """`audit cycle` tells it; `audit verify` vouches for it, until somebody changes the file."""
    ref = await two_cycles(site)
    code, out, _ = await run(site, "audit", "cycle", "second")
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == f"second of {site.namespace}/main"
    assert any(line.startswith("Ended") and ": Succeeded, Synchronized: 2 of 2 " in line for line in lines)
    assert f"ConnectionClosed  {ref}  Suspended; closed cn-" in out
    assert "Skipped: 1" in lines
    status = (await site.kubectl.get("synccycle", "second") or {})["status"]
    code, out, _ = await run(site, "audit", "cycle", "second", "-o", "json")
    assert json.loads(out)["runs"][0]["counts"] == status["counts"]

    code, out, err = await run(site, "audit", "verify")
    assert (code, err) == (0, ""), out
    assert "with 2 SyncCycles: all of them agree" in out
    assert "No flaw: everything is as it was written." in out

    file = site.operator.data / "audit.db"
    change(str(file), f"UPDATE audit_events SET customer = 'nobody' WHERE customer = '{ref}' AND details LIKE '%cn-%'")
    code, out, err = await run(site, "audit", "verify", "-o", "json")
    flaws = json.loads(out)["flaws"]
    assert (code, {flaw["cycle"] for flaw in flaws}) == (1, {"first", "second"})
    assert err == ""
    code, out, err = await run(site, "audit", "verify", "--cycle", "second")
    assert (code, err) == (1, "error: the audit trail is not as it was written: 1 flaw\n")

    change(str(file), "DELETE FROM audit_events WHERE run = (SELECT id FROM audit_runs WHERE name = 'first')")
    code, out, _ = await run(site, "audit", "verify", "--cycle", "first")
    assert code == 1
    assert "not what the SyncCycle has the digest of" in out


def change(file: str, statement: str) -> None:
    """Change the trail behind the operator's back."""
    with contextlib.closing(sqlite3.connect(file, timeout=30)) as connection:
        changed = connection.execute(statement).rowcount
        connection.commit()
    assert changed > 0


async def test_status_shows_how_it_goes(site: Site) -> None:
    """Counts, conditions and cycles as the API server has them, on a hundred columns."""
    ref = await two_cycles(site)
    code, out, err = await run(site, "status")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert lines[0] == f"{site.namespace}/main: completed, Ready True (Synchronized)"
    text = "\n".join(" ".join(line.split()) for line in lines)
    assert "Connections 2 of 2 expected are connected, 0 discrepancies" in text
    assert "Ready 4: Connected 2" in text
    assert "Not ready none" in text
    for name, established, closed in (("second", 0, 1), ("first", 3, 0)):
        (row,) = (line.split() for line in lines if line.startswith(f"{name} "))
        assert row[3:] == ["Synchronized", str(established), str(closed), "0", "0", "1"]
    code, out, _ = await run(site, "status", "-o", "json")
    (told,) = json.loads(out)["syncs"]
    assert told["customers"]["ready"] == {"Connected": 2, "MissingHash": 1, "Suspended": 1}
    assert told["investigationsUnavailable"] is None
    assert ref not in out


@pytest.mark.parametrize("lease_seconds", [4])
async def test_a_cycle_that_was_cut_off_is_told_in_two_runs(site: Site) -> None:
    """What was told before SIGKILL, and what the next process says of it; it has no end, which is no flaw."""
    await in_mid_cycle(site)

    async def begun() -> bool:
        return any(one["event"] == "MissingConnectionsDetected" for one in await asked(site, "--cycle", "cut"))

    await until(site, begun)
    site.operator.process.send(signal.SIGKILL)
    await asyncio.to_thread(site.operator.process.wait, 10)
    await site.f11.settings(latency_seconds=0)
    await site.operator.start()

    async def ended() -> bool:
        return any(one["event"] == "SynchronizationCompleted" for one in await asked(site, "--cycle", "cut"))

    await until(site, ended)
    code, out, _ = await run(site, "audit", "cycle", "cut")
    first, _, second = out.partition(f"cut of {site.namespace}/main (run 2 of 2)\n")
    assert (code, first.splitlines()[0]) == (0, f"cut of {site.namespace}/main (run 1 of 2)")
    assert "Ended    not told: it is running, or it was cut off" in first
    assert "MissingConnectionsDetected   -  40: C-10001, " in first
    assert ": Failed, Interrupted: the operator stopped while the cycle was running" in second
    code, out, err = await run(site, "audit", "verify")
    assert (code, err) == (0, ""), out
    runs = {one["run"] for one in await asked(site, "--cycle", "cut", "--event", "SynchronizationStarted")}
    assert [line.split()[:2] for line in out.splitlines() if line.startswith("  cut ")] == [["cut", *runs]]
