"""Every row of the spec's "Log Querying", asked of a real SQLite file that real cycles have filled.

The world around the cycles is of fakes; the store, the file and the command are those of production.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from navixy_operator import cli
from navixy_operator.adapters.audit import SqlAuditStore
from navixy_operator.core.vocabulary import PinMode
from navixy_operator.settings import Settings
from support.audit import entries_of
from support.builders import connection, row
from support.stage import Stage

Ask = Callable[..., list[dict[str, Any]]]
ROWS: Final = "sync cycle ID", "customer reference", "event type", "date range", "discrepancy type"


def happened() -> Stage:
    """Three cycles, a day after each other: all is put right; ``off`` is suspended, ``beta`` pinned; a dry run."""
    stage = Stage()
    rows = [row("acme"), row("beta", number=2), row("off", number=3), row("bare", number=4, gateway_count=0)]
    stage.world.database.rows = rows
    stage.world.connect(connection("c-acme", "acme"), connection("c-left", "left"))

    def run(name: str, *, dry_run: bool = False) -> None:
        stage.ran_last("2026-03-09T03:00:00Z")
        stage.cycle(name, created_at="2026-03-01T01:30:00Z", dry_run=dry_run)
        with capture_logs():
            asyncio.run(stage.runner.turn())
        stage.world.clock.seconds += timedelta(days=1).total_seconds()

    run("first")
    rows[2] = row("off", number=3, state="suspended")
    stage.put_pin(stage.world.resources.customers()["beta"], PinMode.DISCONNECT, by="anna")
    run("second")
    run("third", dry_run=True)
    return stage


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The operator's data directory, after those cycles."""
    directory = tmp_path_factory.mktemp("data")
    url = Settings.from_environment({"DATA_DIRECTORY": str(directory)}).audit_database_url

    entries = entries_of(happened().world.facts)

    async def fill() -> None:
        store = SqlAuditStore(url)
        await store.prepare()
        await store.append(entries)
        await store.close()

    asyncio.run(fill())
    return directory


@pytest.fixture
def ask(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Ask]:
    """`audit -o json` with these words: what is found. There is no cluster at all."""
    monkeypatch.setenv("DATA_DIRECTORY", str(data))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    def ask(*words: str) -> list[dict[str, Any]]:
        code = cli.main(["audit", "-o", "json", *words])
        out, err = capsys.readouterr()
        assert code == 0, err
        return [json.loads(line) for line in out.splitlines()]

    yield ask
    assert "error" not in capsys.readouterr().err


def brief(found: list[dict[str, Any]]) -> list[tuple[str, str, str | None]]:
    """Cycle, event and customer of each."""
    return [(one["cycle"], one["event"], one.get("customer")) for one in found]


def test_log_query_by_sync_cycle_id(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """The complete history of a cycle, from its start to its end without a gap; also told as a story."""
    found = ask("--cycle", "second", "--oldest-first", "--limit", "0")
    assert {one["cycle"] for one in found} == {"second"}
    assert [one["seq"] for one in found] == list(range(len(found)))
    assert (found[0]["event"], found[-1]["event"]) == ("SynchronizationStarted", "SynchronizationCompleted")
    assert found[-1]["counts"]["closed"] == 2
    assert cli.main(["audit", "cycle", "second"]) == 0
    out = capsys.readouterr().out
    assert "second of default/main\n" in out
    assert "Suspended; closed new-off" in out


def test_log_query_by_customer_reference(ask: Ask) -> None:
    """All that happened to one customer, the newest first, whoever did it."""
    found = ask("--customer", "beta")
    assert brief(found) == [
        ("second", "DiscrepancyResolved", "beta"),
        ("second", "ConnectionClosed", "beta"),
        ("second", "PinApplied", "beta"),
        ("first", "DiscrepancyResolved", "beta"),
        ("first", "ConnectionEstablished", "beta"),
    ]
    assert [one["origin"] for one in found] == ["manual", "manual", "manual", "automatic", "automatic"]
    assert ask("--customer", "nobody") == []


def test_log_query_by_event_type(ask: Ask) -> None:
    """All establishments, all closures, of all cycles."""
    assert brief(ask("--event", "ConnectionEstablished", "--oldest-first")) == [
        ("first", "ConnectionEstablished", "beta"),
        ("first", "ConnectionEstablished", "off"),
    ]
    assert {(one["cycle"], one["customer"], one["reason"]) for one in ask("--event", "connection-closed")} == {
        ("first", "left", "NotInDatabase"),
        ("second", "off", "Suspended"),
        ("second", "beta", "Pinned"),
    }
    assert [one["run_kind"] for one in ask("--event", "SynchronizationCompleted")] == ["dry-run", "cycle", "cycle"]


def test_log_query_by_date_range(ask: Ask) -> None:
    """From one moment to before another: days, times, and so long ago."""

    def cycles(*words: str) -> set[str]:
        return {one["cycle"] for one in ask("--limit", "0", *words)}

    assert cycles("--since", "2026-03-02", "--until", "2026-03-03") == {"second"}
    assert cycles("--since", "2026-03-02") == {"second", "third"}
    assert cycles("--until", "2026-03-02T00:00:00Z") == {"first"}
    assert cycles("--until", "2026-03-02T04:00:00+01:00") == {"first"}
    assert cycles("--since", "2026-03-01T03:00:00Z", "--until", "2026-03-01T03:00:00.000001Z") <= {"first"}
    assert cycles("--since", "1s") == set()
    assert cycles("--since", "520w") == {"first", "second", "third"}


def test_log_query_by_discrepancy_type(ask: Ask) -> None:
    """What was found, done and resolved of one type, over all cycles."""
    found = ask("--discrepancy", "MissingConnection", "--oldest-first")
    assert {one["discrepancy"] for one in found} == {"MissingConnection"}
    assert {(one["cycle"], one["event"]) for one in found} == {
        ("first", "MissingConnectionsDetected"),
        ("first", "ConnectionEstablished"),
        ("first", "DiscrepancyResolved"),
    }
    assert {one["cycle"] for one in ask("--discrepancy", "suspended-connected")} == {"second"}
    assert ask("--discrepancy", "HashChanged") == []


def test_log_queries_combine(ask: Ask) -> None:
    """Cycle, event, origin, and a page of it after another."""
    assert brief(ask("--event", "ConnectionClosed", "--origin", "automatic", "--since", "2026-03-02")) == [
        ("second", "ConnectionClosed", "off")
    ]
    assert brief(ask("--cycle", "second", "--customer", "off", "--discrepancy", "SuspendedConnected")) == [
        ("second", "DiscrepancyResolved", "off"),
        ("second", "ConnectionClosed", "off"),
    ]
    assert ask("--sync", "other") == []
    assert ask("-n", "elsewhere") == []


def test_pages_follow_each_other(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    """With the cursor that the answer gives: everything once, in order."""
    whole = ask("--limit", "0")
    shown: list[dict[str, Any]] = []
    more = ["--limit", "7"]
    while more:
        assert cli.main(["audit", "-o", "json", *more]) == 0
        out, err = capsys.readouterr()
        shown += [json.loads(line) for line in out.splitlines()]
        more = ["--limit", "7", "--after", err.split("--after ")[1].strip().strip("'")] if err else []
    assert shown == whole
    assert len(whole) > 21


def test_the_spec_names_five() -> None:
    """Each row of the list has its test above."""
    named = {name.removeprefix("test_log_query_by_") for name in globals() if name.startswith("test_log_query_by_")}
    assert named == {name.lower().replace(" ", "_") for name in ROWS}


def test_nothing_is_made_where_there_is_no_trail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 3: where it was looked for, and where it is to be had; no file, no directory."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("DATA_DIRECTORY", str(tmp_path / "data"))
    for line in (["audit"], ["audit", "cycle", "first"], ["audit", "verify"]):
        assert cli.main(line) == 3
        err = capsys.readouterr().err
        assert f"there is no audit trail at {tmp_path / 'data' / 'audit.db'}, where DATA_DIRECTORY (" in err
        assert "kubectl exec deploy/navixy-operator -- navixy-operator audit ..." in err
    assert list(tmp_path.iterdir()) == []


def test_a_password_is_never_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a database that does not answer: who and where, not the password; nor of a URL that cannot be used."""
    for url, code in (
        ("postgresql+psycopg://audit:Sesame-42@127.0.0.1:1/audit", 1),
        ("oracle://audit:Sesame-42@127.0.0.1:1/audit", 3),
        ("postgresql://audit:Sesame-42@home@127.0.0.1/audit", 3),
    ):
        monkeypatch.setenv("AUDIT_DATABASE_URL", url)
        assert cli.main(["audit"]) == code
        out, err = capsys.readouterr()
        assert err.startswith("error: Audit")
        assert "Sesame" not in out + err
