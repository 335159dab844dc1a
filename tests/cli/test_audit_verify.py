"""``audit verify``: what it finds in chains, what SyncCycles bear witness to, and what it cannot compare."""

import asyncio
import contextlib
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from navixy_operator import bootstrap
from navixy_operator.adapters.audit import SqlAuditStore
from navixy_operator.cli.auditproof import Proof, Witnesses
from navixy_operator.core.audit import GENESIS, Entry, entry_of
from navixy_operator.core.auditcheck import Flaw, FlawKind
from navixy_operator.core.vocabulary import EventName, EventStatus, Kind, RunKind
from navixy_operator.errors import KubernetesUnavailable
from navixy_operator.ports import Resource, Stretch
from support.audit import Teller
from support.builders import NOW, resource
from support.commands import Desk

NO_FLAW = "No flaw: everything is as it was written."


def cycle(name: str = "first", *, ends: bool = True, **more: Any) -> Teller:
    """A cycle of four entries, or of the first three of them."""
    told = Teller(name, **more)
    told.tell(EventName.SYNCHRONIZATION_STARTED, status=EventStatus.IN_PROGRESS)
    told.tell(EventName.CONNECTION_CLOSED, "C-1", reason="Suspended")
    told.tell(EventName.CONNECTION_CLOSED, "C-2", reason="Suspended")
    if ends:
        told.tell(EventName.SYNCHRONIZATION_COMPLETED, reason="Synchronized")
    return told


def witness(entries: list[Entry], name: str = "first") -> Resource:
    """The SyncCycle that has the last digest of its run."""
    status = {"phase": "completed", "startTime": "2026-03-01T03:00:00Z", "auditDigest": entries[-1].digest}
    return resource(Kind.CYCLE, name, spec={"sync": "main"}, status=status)


def sync(*, stores: bool = True) -> Resource:
    """The NavixySync, whose entries are stored or wait."""
    condition = {"type": "AuditAvailable", "status": str(stores), "reason": "Available", "message": ""}
    return resource(Kind.SYNC, "main", status={"conditions": [condition]})


def verify(desk: Desk, *line: str) -> tuple[int, list[str], str]:
    """Exit code, the lines of the answer, standard error."""
    code, out, err = desk.run("audit", "verify", *line)
    return code, out.splitlines(), err


def test_all_is_as_it_was_written(desk: Desk) -> None:
    """How much was looked at, and compared with what."""
    first = cycle().entries
    desk.put(witness(first), sync(), resource(Kind.CYCLE, "running", spec={"sync": "main"}))
    desk.trail.entries = [*first, *cycle("long-ago").entries]
    assert verify(desk) == (
        0,
        [
            "Verified  2 runs of default: 8 entries",
            "Compared  with 1 SyncCycle: all of them agree; of 1 run there is no SyncCycle any more",
            "",
            NO_FLAW,
        ],
        "",
    )


def test_a_run_without_an_end_is_no_flaw(desk: Desk) -> None:
    """It is running, or was cut off: told, with exit code 0. A pass between cycles has none by nature."""
    drift = Teller("drift-1", RunKind.DRIFT)
    drift.tell(EventName.DRIFT_REPAIRED)
    desk.trail.entries = [*cycle("cut", ends=False).entries, *drift.entries]
    code, lines, _ = verify(desk)
    assert code == 0
    assert lines[2:] == [
        "",
        "Without an end (running, or cut off; no flaw):",
        "  cut  63757400000000000000000000000000  3 entries as far as 2026-03-01T03:00:02Z",
        "",
        NO_FLAW,
    ]


def rechained(entries: list[Entry]) -> list[Entry]:
    """The entries with digests that fit: what somebody does who knows how the chain is made."""
    told = Teller()
    for entry in entries:
        told.tell(EventName(entry.event), entry.customer, status=EventStatus(entry.status), **json.loads(entry.details))
    return told.entries


@pytest.mark.parametrize(
    ("tampered", "flaws"),
    [
        (lambda e: [e[0], replace(e[1], customer="C-3"), *e[2:]], [("1", str(Flaw(FlawKind.CHANGED, 1, 1)))]),
        (lambda e: [e[0], replace(e[1], details="{}"), *e[2:]], [("1", str(Flaw(FlawKind.CHANGED, 1, 1)))]),
        (lambda e: [e[0], *e[3:]], [("1 to 2", "entries 1 to 2 are missing")]),
        (lambda e: e[1:], [("0", "entry 0 is missing")]),
        (lambda e: e[:3], [("-", "not what the SyncCycle has the digest of: the last entries were taken out, or")]),
        (lambda e: rechained([e[0], e[3]]), [("-", "not what the SyncCycle has the digest of: the last entries were")]),
        (lambda _: [], [("-", "not what the SyncCycle has the digest of: all entries are gone")]),
    ],
    ids=["customer", "details", "middle", "begin", "end", "anew", "all"],
)
def test_what_was_done_to_it_shows(desk: Desk, tampered: Any, flaws: list[tuple[str, str]]) -> None:
    """Exit code 1, and each flaw with its cycle, run, place and what it is."""
    first = cycle().entries
    desk.put(witness(first), sync())
    desk.trail.entries = tampered(first)
    code, lines, err = verify(desk)
    assert code == 1
    assert err.startswith(f"error: the audit trail is not as it was written: {len(flaws)} flaw")
    table = [line.split(maxsplit=2) for line in lines[lines.index("") + 1 :] if line.startswith("first ")]
    assert len(table) == len(flaws)
    for (cycle_name, run, rest), (seq, words) in zip(table, flaws, strict=True):
        assert (cycle_name, run) == ("first", "-" if seq == "-" else first[0].run.id)
        assert rest.replace("  ", " ").startswith(f"{seq} "), rest
        assert words in rest
    code, out, _ = desk.run("audit", "verify", "-o", "json")
    told = json.loads(out)
    assert (code, told["sound"], flaws[0][1] in told["flaws"][0]["message"]) == (1, False, True)


def test_a_changed_entry_with_a_digest_that_fits(desk: Desk) -> None:
    """The next one does not fit any more."""
    facts = cycle().facts
    first = cycle().entries
    changed = entry_of(replace(facts[0], customer="C-9"), first[0].details, GENESIS)
    desk.trail.entries = [changed, *first[1:]]
    code, lines, _ = verify(desk)
    assert code == 1
    assert lines[-1].endswith(f"1    {Flaw(FlawKind.CHANGED, 1, 1)}")


def test_entries_that_are_on_their_way(desk: Desk) -> None:
    """The operator could not store them yet, and says so: no flaw."""
    first = cycle().entries
    desk.put(witness(first), sync(stores=False))
    desk.trail.entries = first[:2]
    code, lines, _ = verify(desk)
    assert code == 0
    assert lines[1].endswith("of 1 the last entries are on their way (AuditAvailable is False)")


def test_without_a_cluster(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chains are verified all the same; that nothing was compared, and what that means, is told."""

    def unreachable(*_: object, **__: object) -> contextlib.AbstractAsyncContextManager[None]:
        message = "the API server does not answer"
        raise KubernetesUnavailable(message)

    monkeypatch.setattr(bootstrap, "world", unreachable)
    desk.trail.entries = cycle().entries
    code, lines, _ = verify(desk)
    assert code == 0
    assert lines[1] == (
        "Compared  with no SyncCycle, so that a new chain in place of the old would not show: "
        "the API server does not answer"
    )
    code, out, _ = desk.run("audit", "verify", "-o", "json")
    assert json.loads(out)["compared"]["trouble"] == "the API server does not answer"


def test_one_cycle_or_the_last_days(desk: Desk) -> None:
    """Only what is asked for is verified, and compared."""
    first, second = cycle().entries, cycle("second").entries
    desk.put(witness(first), witness(second, "second"), sync())
    desk.trail.entries = [first[0], *second]
    assert verify(desk, "--cycle", "second")[0] == 0
    assert verify(desk, "--cycle", "first")[0] == 1
    assert verify(desk, "--since", "2026-03-01T03:00:01Z")[1][0] == "Verified  0 runs of default: 0 entries"
    code, _, err = verify(desk, "--cycle", "third")
    assert (code, err) == (4, 'error: the audit trail has nothing of a cycle "third"\n')


def test_a_changed_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    """With the real store: what was written is sound; a row that somebody has changed in SQLite is not."""
    monkeypatch.undo()
    monkeypatch.setenv("DATA_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    entries = [*cycle().entries, *cycle("second").entries]

    async def fill() -> None:
        store = SqlAuditStore(f"sqlite:///{tmp_path / 'audit.db'}")
        await store.prepare()
        await store.append(entries)
        await store.close()

    asyncio.run(fill())
    code, lines, err = verify(desk)
    assert (code, err, lines[-1]) == (0, "", NO_FLAW)
    assert "there is no kubeconfig at" in lines[1]
    with contextlib.closing(sqlite3.connect(tmp_path / "audit.db")) as connection:
        changed = connection.execute("UPDATE audit_events SET customer = 'C-7' WHERE customer = 'C-2'").rowcount
        connection.commit()
    assert changed == 2
    code, lines, err = verify(desk)
    assert (code, err) == (1, "error: the audit trail is not as it was written: 2 flaws\n")
    assert {line.split()[0] for line in lines[-2:]} == {"first", "second"}
    assert all(line.endswith(f"2    {Flaw(FlawKind.CHANGED, 2, 2)}") for line in lines[-2:])


def test_a_run_without_links_has_no_last_moment() -> None:
    """That of the run before it is not taken for its own."""
    one, two = cycle("one", ends=False).entries, cycle("two", ends=False).entries
    proof = Proof("default", NOW, Witnesses())
    proof.take(Stretch(one[0].run, tuple(one), ends=True))
    proof.take(Stretch(two[0].run, (), ends=True))
    assert [(run.name, last) for run, _, last in proof.unfinished] == [("one", one[-1].at), ("two", None)]
