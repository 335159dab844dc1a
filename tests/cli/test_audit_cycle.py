"""``audit cycle``: a whole story, told of what a real cycle in a world of fakes has said."""

import asyncio
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from navixy_operator.cli.auditstory import Section, Story
from navixy_operator.core.audit import Entry
from navixy_operator.core.vocabulary import EventName, EventStatus, Kind, Origin, PinMode, RunKind
from navixy_operator.errors import DatabaseUnavailable
from support.audit import Teller, entries_of
from support.builders import connection, row
from support.commands import Desk
from support.stage import Stage

MISMATCH = "2 connections are connected where 3 are expected; 1 eligible customers without their connection: gamma"
HASHLESS = "the customer has no Navixy hash; add it to the database, or set it up by hand"


@pytest.fixture
def stage() -> Stage:
    """Three eligible customers, one connected, one whose connection fails; two without requirements; two extras."""
    stage = Stage()
    stage.world.database.rows = [
        row("acme"),
        row("beta", number=2),
        row("off", number=3, state="suspended"),
        row("bare", number=4, gateway_count=0),
        row("dumb", number=5, navixy_hash=None),
        row("gamma", number=6),
    ]
    stage.world.connect(connection("c-acme", "acme"), connection("c-off", "off"), connection("c-left", "left"))
    stage.world.forwarding.broken = {"gamma"}
    stage.ran_last("2026-03-01T03:00:00Z")
    return stage


def turn(stage: Stage) -> None:
    """Let the runner do what is due; what it logs is none of the answer."""
    with capture_logs():
        asyncio.run(stage.runner.turn())


def ran(stage: Stage, name: str = "now") -> list[Entry]:
    """The entries of a cycle."""
    stage.cycle(name, created_at="2026-03-01T01:30:00Z")
    turn(stage)
    return entries_of(stage.world.facts)


def told(desk: Desk, *line: str) -> list[str]:
    """The lines of the answer without what differs from run to run."""
    code, out, err = desk.run("audit", "cycle", *line)
    assert (code, err) == (0, "")
    return re.sub(r"\b[0-9a-f]{32}\b", "ID", out).splitlines()


def without(lines: Iterable[str], *labels: str) -> list[str]:
    """The lines but for those with these labels."""
    return [line for line in lines if not line.startswith(labels)]


def test_the_whole_story(desk: Desk, stage: Stage) -> None:
    """When, how long, how it ended, what it counted; then what was found, done, not done, skipped."""
    desk.trail.entries = ran(stage)
    lines = told(desk, "now")
    (ended,) = (line for line in lines if line.startswith("Ended"))
    assert re.fullmatch(
        r"Ended       2026-03-01T03:00:00Z after [0-9.]+ s: Succeeded, PartiallySynchronized: "
        r"2 of 3 expected connections are connected; 1 established, 1 failed to establish, 2 closed, .*",
        ended,
    )
    (steps,) = (line for line in lines if line.startswith("Steps"))
    assert re.match(r"Steps       poll 0\.\d+ s, validate_requirements 0\.\d+ s, ", steps)
    at = "2026-03-01T03:00:00"
    story = [re.sub(r"T03:00:00\.\d{3}Z", "T03:00:00", line) for line in lines]
    assert without(story, "Ended", "Steps", "Counts", " " * 12) == [
        "now of default/main",
        "Kind        a cycle",
        f"Started     {at}Z, on demand",
        "Discrepant  MissingConnection 2, SuspendedConnected 1, ExtraConnection 1",
        "Resolved    MissingConnection 1, SuspendedConnected 1, ExtraConnection 1",
        "Skips       NoGateways 1, MissingHash 1",
        "Run         ID, 17 entries",
        "",
        "Found: 6",
        f"  {at}  CustomerDatabaseQueried      -  6 customers in 6 rows",
        f"  {at}  EligibleCustomersIdentified  -  3 of 6 customers are eligible, 2 are skipped",
        f"  {at}  MissingConnectionsDetected   -  2: beta, gamma",
        f"  {at}  ExtraConnectionsDetected     -  1: left (c-left)",
        f"  {at}  ExtraConnectionsDetected     -  1: off (c-off)",
        f"  {at}  ConnectionCountMismatch      -  2 of 3 are connected: {MISMATCH}",
        "",
        "Done: 3",
        f"  {at}  ConnectionEstablished  beta  Eligible; new-beta connected",
        f"  {at}  ConnectionClosed       off   Suspended; closed c-off",
        f"  {at}  ConnectionClosed       left  NotInDatabase; closed c-left",
        "",
        "Failed: 1",
        f"  {at}  ConnectionEstablishFailed  gamma  Eligible; new-gamma failed; upstream-busy: try again",
        "",
        "Skipped: 2",
        f"  {at}  CustomerSkipped  bare  NoGateways: the customer has no gateway; at least one is required",
        f"  {at}  CustomerSkipped  dumb  MissingHash: {HASHLESS}",
    ]
    counts = " ".join(" ".join(line.split()) for line in lines if line.startswith(("Counts", " " * 12)))
    assert counts.startswith("Counts rows 6, customers 6, eligible 3, skipped 2, expected 3, ")
    assert " 0" not in counts


def test_the_story_as_json(desk: Desk, stage: Stage) -> None:
    """One document for all runs: the head, and each section with its entries."""
    desk.trail.entries = ran(stage)
    code, out, _ = desk.run("audit", "cycle", "now", "-o", "json")
    (run,) = json.loads(out)["runs"]
    assert code == 0
    assert (run["cycle"], run["sync"], run["run_kind"], run["entries"], run["missing"]) == (
        "now",
        "main",
        "cycle",
        17,
        0,
    )
    assert (run["status"], run["reason"]) == ("Succeeded", "PartiallySynchronized")
    assert run["started"].startswith("2026-03-01T03:00:00.0")
    assert run["counts"] == stage.status(Kind.CYCLE, "now")["counts"]
    assert run["resolved"] == {"MissingConnection": 1, "SuspendedConnected": 1, "ExtraConnection": 1}
    sections = {name: [entry["event"] for entry in run[name]["entries"]] for name in ("done", "failed", "held")}
    assert sections == {
        "done": ["ConnectionEstablished", "ConnectionClosed", "ConnectionClosed"],
        "failed": ["ConnectionEstablishFailed"],
        "held": [],
    }


def test_long_sections_are_cut(desk: Desk, stage: Stage) -> None:
    """With how many there are, and the command that shows them all."""
    desk.trail.entries = ran(stage)
    lines = told(desk, "now", "--limit", "1", "-n", "default")
    assert lines[lines.index("Found: 6") + 2] == (
        f"  … and 5 more: {desk.program} audit cycle now --limit 0 -n default"
    )
    assert sum(line.startswith("  2026-") for line in lines) == 4
    assert sum(line.startswith("  2026-") for line in told(desk, "now", "--limit", "0")) == 12


def test_a_cycle_that_failed(desk: Desk, stage: Stage) -> None:
    """Why, and when it is tried again."""
    stage.world.database.error = DatabaseUnavailable("the database does not answer")
    desk.trail.entries = ran(stage)
    lines = told(desk, "now")
    assert [line.split("  ")[-1] for line in lines[lines.index("Failed: 2") + 1 :]] == [
        "DatabaseUnavailable: the database does not answer",
        "DatabaseUnavailable: the database does not answer; next try 2026-03-02T03:00:00Z",
    ]
    assert ": Failed, DatabaseUnavailable: the database does not answer" in next(
        line for line in lines if line.startswith("Ended")
    )


def test_a_cycle_that_was_cut_off(desk: Desk, stage: Stage) -> None:
    """Two runs of one name: what was told before the crash, and how the next process ended it."""
    cut = Teller("cut")
    cut.tell(EventName.SYNCHRONIZATION_STARTED, status=EventStatus.IN_PROGRESS)
    cut.tell(EventName.CONNECTION_ESTABLISHED, "acme", reason="Eligible", connection_id="c-1")
    cut.facts = [replace(fact, at=fact.at - timedelta(minutes=1)) for fact in cut.facts]
    stage.cycle("cut", status={"phase": "in_progress", "startTime": "2026-03-01T02:59:00Z"})
    turn(stage)
    after = [fact for fact in stage.world.facts if fact.run.name == "cut"]
    desk.trail.entries = entries_of([*after, *cut.facts])
    message = "the operator stopped while the cycle was running; the resources it wrote are there"
    assert without(told(desk, "cut"), "  2026-03-01T03:00:00") == [
        "cut of default/main (run 1 of 2)",
        "Kind     a cycle",
        "Started  2026-03-01T02:59:00Z, on demand",
        "Ended    not told: it is running, or it was cut off; the last word of it is of 2026-03-01T02:59:01Z",
        "Run      ID, 2 entries",
        "",
        "Done: 1",
        "  2026-03-01T02:59:01.000Z  ConnectionEstablished  acme  Eligible; c-1",
        "",
        "cut of default/main (run 2 of 2)",
        "Kind   a cycle",
        f"Ended  2026-03-01T03:00:00Z after 60 s: Failed, Interrupted: {message}",
        "Run    ID, 2 entries",
        "",
        "Failed: 1",
    ]


def test_what_people_did_is_marked(desk: Desk, stage: Stage) -> None:
    """With its origin."""
    ran(stage)
    stage.world.facts.clear()
    stage.put_pin(stage.world.resources.customers()["acme"], PinMode.DISCONNECT, by="anna")
    desk.trail.entries = ran(stage, "later")
    done = [" ".join(line.split()[1:]) for line in told(desk, "later") if line.split()[2:3] == ["acme"]]
    assert done == [
        "PinApplied acme disconnect, by anna; without it: Connected (Eligible) (manual)",
        "ConnectionClosed acme Pinned; closed c-acme (manual)",
    ]


def test_what_was_held_back(desk: Desk, stage: Stage) -> None:
    """A dry run holds all: nothing was done."""
    stage.cycle("look", created_at="2026-03-01T01:00:00Z", dry_run=True)
    turn(stage)
    desk.trail.entries = entries_of(stage.world.facts)
    lines = told(desk, "look")
    assert "Kind        a dry run: nothing was done" in lines
    assert "Held        4 actions by a guard, the policy or a dry run; the SyncCycle lists the closes" in lines
    assert not any(line.startswith(("Done", "Failed")) for line in lines)


def test_a_pass_between_cycles_and_one_run(desk: Desk) -> None:
    """By the name that the trail has for it, or by the run's ID."""
    drift = Teller("drift-20260301T030000Z", RunKind.DRIFT, run_id="d" * 32)
    drift.tell(EventName.DRIFT_REPAIRED, established=1, closed=0, failed=0)
    desk.trail.entries = drift.entries
    lines = told(desk, "drift-20260301T030000Z")
    assert lines == told(desk, "d" * 32)
    assert lines == [
        "drift-20260301T030000Z of default/main",
        "Kind   a pass between cycles",
        "Ended  2026-03-01T03:00:00Z",
        "Run    ID, 1 entry",
        "",
        "Done: 1",
        "  2026-03-01T03:00:00.000Z  DriftRepaired  -  established 1, closed 0, failed 0",
    ]
    assert desk.run("audit", "cycle", "d" * 32, "-n", "elsewhere")[0] == 4


def test_what_was_asked_for_and_not_seen_to_end(desk: Desk) -> None:
    """Of a cycle that could not come to its end: neither done nor failed."""
    found = Teller()
    asked: Any = {"status": EventStatus.PENDING, "problem": "the cycle was cut off"}
    found.tell(EventName.CONNECTION_CLOSED, "C-1", reason="Suspended", closed_connections=["cn-1"], **asked)
    found.tell(EventName.CONNECTION_ESTABLISHED, "C-2", reason="Eligible", **asked)
    desk.trail.entries = found.entries
    lines = told(desk, "first")
    assert lines[lines.index("Pending: 2") + 1 :] == [
        "  2026-03-01T03:00:00.000Z  ConnectionClosed       C-1  Suspended; asked to close cn-1; the cycle was cut off",
        "  2026-03-01T03:00:01.000Z  ConnectionEstablished  C-2  Eligible; the cycle was cut off",
    ]
    assert "Done" not in "\n".join(lines)


def test_what_the_operator_said_of_a_cycle_beside_it(desk: Desk) -> None:
    """Alerts and refused approvals have runs of their own, and are told at the end; alone, they are all there is."""
    alert: Any = {"alert": "NavixyConnectionCountMismatch", "severity": "high", "since": "2026-03-01T03:00:00Z"}
    found = Teller()
    found.tell(EventName.SYNCHRONIZATION_STARTED, status=EventStatus.IN_PROGRESS)
    beside = Teller(kind=RunKind.OPERATOR, run_id="a" * 32)
    beside.tell(EventName.ALERT_FIRING, status=EventStatus.FOUND, problem="1 of 2 are connected", **alert)
    later = Teller(kind=RunKind.OPERATOR, run_id="b" * 32)
    later.tell(EventName.ALERT_RESOLVED, **alert)
    desk.trail.entries = [*found.entries, *beside.entries, *later.entries]
    lines = told(desk, "first")
    assert lines[0] == "first of default/main"
    at, name = "2026-03-01T03:00:00.000Z", "NavixyConnectionCountMismatch"
    assert lines[lines.index("Beside it: 2") + 1 :] == [
        f"  {at}  AlertFiring    -  {name} (high): 1 of 2 are connected",
        f"  {at}  AlertResolved  -  {name} (high), which began at 2026-03-01T03:00:00Z",
    ]
    desk.trail.entries = beside.entries
    assert "Kind   the operator's own, beside all passes" in told(desk, "first")


def test_entries_that_were_purged(desk: Desk) -> None:
    """Database queries are kept for a year: what is missing is told."""
    found = Teller()
    found.tell(EventName.SYNCHRONIZATION_STARTED, status=EventStatus.IN_PROGRESS)
    found.tell(EventName.DATABASE_QUERIED, rows=1, customers=1)
    found.tell(EventName.SYNCHRONIZATION_COMPLETED, reason="Synchronized", summary="all well", duration_seconds=1)
    desk.trail.entries = [entry for entry in found.entries if entry.seq != 1]
    assert told(desk, "first")[-1] == "Run      ID, 2 entries; 1 not there: database queries are kept for a year"


def test_a_cycle_that_there_is_not(desk: Desk) -> None:
    """Exit code 4, and those whose names are near."""
    for name in ("main-29536740", "main-29536741"):
        found = Teller(name)
        found.tell(EventName.SYNCHRONIZATION_COMPLETED, origin=Origin.AUTOMATIC)
        desk.trail.entries += found.entries
    code, out, err = desk.run("audit", "cycle", "main-2953674")
    assert (code, out) == (4, "")
    assert err == (
        'error: the audit trail has nothing of a cycle "main-2953674"; did you mean main-29536741, main-29536740?\n'
    )


def test_story_counts_what_it_does_not_keep() -> None:
    """Memory is bounded by the limit, whatever the number of entries."""
    found = Teller()
    for number in range(50):
        found.tell(EventName.CONNECTION_ESTABLISHED, f"C-{number}")
    story = Story(found.entries[0].run, 3)
    for entry in found.entries:
        story.hear(entry)
    assert (len(story.sections[Section.DONE].entries), story.sections[Section.DONE].count, story.count) == (3, 50, 50)


def test_json_of_what_only_the_trail_can_store(desk: Desk) -> None:
    """Half a surrogate pair and an integer of more than 64 bits are told as they are."""
    teller = Teller()
    teller.tell(EventName.SYNCHRONIZATION_FAILED, reason="Odd", problem="a\ud800b", count=2**70)
    desk.trail.entries = teller.entries
    code, out, err = desk.run("audit", "cycle", "first", "-o", "json")
    assert (code, err) == (0, "")
    assert '"a\\ud800b"' in out
    assert str(2**70) in out
