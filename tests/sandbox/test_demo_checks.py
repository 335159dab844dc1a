"""What the demo verifies by itself: each kind of deviation is found, a sound world has none, and a finding fails it."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from navixy_operator.adapters.customer_database import SqlCustomerDatabase
from navixy_operator.core.eligibility import Intake
from navixy_operator.core.model import DEFAULT_HASH_PATTERN
from navixy_operator.sandbox import assets, sample_data
from navixy_operator.sandbox.databases import Sqlite
from navixy_operator.sandbox.demo import changes, checks, performance
from navixy_operator.sandbox.demo.changes import AGENDA, OUTCOMES, Kind
from navixy_operator.sandbox.demo.show import Show
from navixy_operator.sandbox.demo.telling import Telling
from navixy_operator.sandbox.errors import ProcessError
from navixy_operator.sandbox.sample_data import Sort, demo_customers

Items = list[dict[str, Any]]
EXPECTED = {"C-1": "f1", "C-2": "f2"}


def connection(ref: str | None, print_: str | None, state: str = "connected") -> dict[str, Any]:
    """A connection as F1.1 lists it."""
    return {"customer_ref": ref, "hash_fingerprint": print_, "state": state}


def resource(ref: str, *, ready: str = "True", version: str = "1") -> dict[str, Any]:
    """A NavixyCustomer as the API server lists it."""
    conditions = [{"type": "Eligible", "status": "True"}, {"type": "Ready", "status": ready, "reason": "Connected"}]
    metadata = {"name": ref.lower(), "resourceVersion": version}
    return {"metadata": metadata, "spec": {"customerRef": ref}, "status": {"conditions": conditions}}


SOUND = [connection("C-1", "f1"), connection("C-2", "f2"), connection("C-3", "f3", "disconnected")]


def test_sound_connections() -> None:
    """Exactly the expected ones, beside closed ones."""
    assert checks.connections(SOUND, EXPECTED) == []


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ([SOUND[0]], "1 eligible, but without a connection: C-2"),
        ([*SOUND, connection("C-9", "f9")], "1 connected, but not eligible: C-9"),
        ([*SOUND, connection(None, None, "failed")], "1 connected, but not eligible: None"),
        ([*SOUND, SOUND[0]], "1 with more than one open connection: C-1"),
        ([SOUND[0], connection("C-2", "f2", "pending")], "1 with a connection that does not work: C-2"),
        ([SOUND[0], connection("C-2", "f1")], "1 connected with another hash than the database has: C-2"),
    ],
    ids=["missing", "extra", "nobody's", "twice", "pending", "other hash"],
)
def test_unsound_connections(listed: Items, words: str) -> None:
    """Each deviation is named."""
    assert words in checks.connections(listed, EXPECTED)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ([resource("C-1")], "1 without a NavixyCustomer: C-2"),
        ([resource("C-1"), resource("C-2"), resource("C-3")], "1 with a NavixyCustomer that should not be there: C-3"),
        ([resource("C-1"), resource("C-2"), resource("C-2")], "1 with more than one NavixyCustomer: C-2"),
        ([resource("C-1"), resource("C-2", ready="False")], "1 not Ready: C-2"),
        ([resource("C-1"), {"metadata": {}, "spec": {"customerRef": "C-2"}}], "1 not Ready: C-2"),
    ],
    ids=["missing", "extra", "twice", "not ready", "no status"],
)
def test_unsound_resources(items: Items, words: str) -> None:
    """Each deviation is named; the right ones give none."""
    assert words in checks.resources(items, EXPECTED)
    assert checks.resources([resource(ref) for ref in EXPECTED], EXPECTED) == []


def test_a_write_of_an_unchanged_customer_is_found() -> None:
    """Another version of a customer that was not to change, or a new one; changed ones may be written."""
    before = [resource("C-1"), resource("C-2")]
    after = [resource("C-1", version="2"), resource("C-2", version="2"), resource("C-3")]
    assert checks.rewritten(before, before, ()) == []
    assert checks.rewritten(before, after, {"C-1", "C-2", "C-3"}) == []
    (found,) = checks.rewritten(before, after, {"C-1"})
    assert found.startswith("2 unchanged")
    assert found.endswith("C-2, C-3")


def test_figures_that_differ_or_lack() -> None:
    """Name, what is there and what was expected."""
    assert checks.figures("counts", {"a": 1, "b": 2}, {"a": 1}) == []
    found = checks.figures("counts", {"a": 1}, {"a": 2, "b": 0})
    assert found == ["counts: a is 1, expected 2", "counts: b is None, expected 0"]


def test_a_leak_is_found_and_not_repeated() -> None:
    """In text and bytes; the finding says how many and where, never what."""
    secrets = {"s3cret-one", "s3cret-two"}
    found = checks.leaks({"a log": "x s3cret-one y", "a file": b"\0s3cret-one\0s3cret-two", "else": "s3cret"}, secrets)
    assert found == ["1 secrets show in a log", "2 secrets show in a file"]


async def test_the_demos_sql_agrees_with_the_operators_rules(tmp_path: Path) -> None:
    """Two independent readings of one database, before and after the changes: SQL, and the operator's verdicts."""
    database = Sqlite(tmp_path).create_database()
    customers = demo_customers(200)
    sample_data.fill(database.url, customers)
    agenda = changes.choose(customers)
    before = await compare(tmp_path / "customers_1.db", database.url)
    changes.apply(database.url, agenda)
    after = await compare(tmp_path / "customers_1.db", database.url)
    assert after - before == {change.ref for change in agenda if change.opens}
    assert before - after == {change.ref for change in agenda if not change.opens}


async def compare(file: Path, url: str) -> set[str]:
    """The eligible references, the same by both readings."""
    intake, adapter = Intake(DEFAULT_HASH_PATTERN), SqlCustomerDatabase(url, query=None, timeout_seconds=10)
    await adapter.snapshot(intake.take)
    await adapter.close()
    judged = intake.judge().customers
    eligible = {ref: one.record.fingerprint for ref, one in judged.items() if one.verdict.eligible}
    assert checks.eligible(file) == eligible
    assert checks.published(file) == {ref for ref, one in judged.items() if one.record.state != "removed"}
    return set(eligible)


def test_the_agenda_has_every_kind_of_change() -> None:
    """Each as often as said, each on another customer, of the sort that it needs."""
    agenda = changes.choose(demo_customers(200))
    assert {kind: sum(change.kind is kind for change in agenda) for kind in Kind} == AGENDA
    assert set(OUTCOMES) == set(Kind)
    assert len({change.ref for change in agenda}) == len(agenda)
    sorts = {change.kind: change.customer.sort for change in agenda}
    assert sorts.pop(Kind.HASH_GIVEN) is Sort.WITHOUT_HASH
    assert set(sorts.values()) == {Sort.ELIGIBLE}


def lead(monkeypatch: pytest.MonkeyPatch, tell: Callable[[Telling], Any]) -> tuple[int, str]:
    """Perform another story, without servers: the exit code and what was printed."""
    nothing = assets.Assets(Path("none"), Path("none"), Path("none"), "nowhere")
    monkeypatch.setattr(assets, "find", lambda _: nothing)
    monkeypatch.setattr(performance, "tell", tell)
    stream = io.StringIO()
    return performance.perform(stream, keep=False), stream.getvalue()


def test_a_finding_makes_the_exit_code_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not as expected is printed, with what was expected, and fails the demo; a sound story does not."""

    async def deviant(telling: Telling) -> list[str]:
        telling.check("one and one", checks.figures("sum", {"it": 3}, {"it": 2}))
        return telling.wrong

    async def sound(telling: Telling) -> list[str]:
        telling.check("one and one", [])
        return telling.wrong

    code, told = lead(monkeypatch, deviant)
    assert code == 1
    assert "✗ NOT as expected: one and one\n    sum: it is 3, expected 2\n" in told
    code, told = lead(monkeypatch, sound)
    assert code == 0
    assert "✓ one and one\n" in told


def test_a_mishap_shows_the_end_of_the_operators_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error is told in words, with the last lines of the log, and the directory is gone."""
    places = []

    async def mishap(telling: Telling) -> list[str]:
        log = telling.stage.operator.log
        log.parent.mkdir(parents=True)
        log.write_text("".join(f"line {number}\n" for number in range(100)))
        places.append(telling.stage.directory)
        message = "the operator ended with exit code 3"
        raise ProcessError(message)

    code, told = lead(monkeypatch, mishap)
    assert code == 1
    assert "✗ The demo failed: the operator ended with exit code 3\n" in told
    assert told.endswith("line 98\nline 99\n")
    assert "line 84\n" not in told
    assert not any(place.exists() for place in places)


def test_output_is_plain_elsewhere_than_on_a_terminal() -> None:
    """No escape sequences, no trailing spaces, and a gauge that repeats nothing."""
    stream = io.StringIO()
    show = Show(stream)
    show.act("An act")
    show.say("word " * 60)
    show.table(("A", "B"), [("1", "2"), ("3", "")])
    with show.step("a step"), show.gauge() as gauge:
        for _ in range(3):
            gauge.show("all", 2, 2)
    told = stream.getvalue()
    assert "\x1b" not in told
    assert told.count("all\n") == 1
    assert [line for line in told.splitlines() if line != line.rstrip() or len(line) > 120] == []
    assert show.transcript == told
