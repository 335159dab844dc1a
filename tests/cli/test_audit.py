"""``audit``: the forms of the answer, pages, types and times, whose trail it is, and what goes wrong."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from navixy_operator.cli.auditforms import CSV_COLUMNS
from navixy_operator.cli.auditwords import LONGEST
from navixy_operator.cli.trail import PAGE
from navixy_operator.core.vocabulary import Discrepancy, EventName, EventStatus, Origin, RunKind
from navixy_operator.errors import AuditUnavailable, AuditUrlInvalid
from support.audit import Teller
from support.commands import Desk

ACTED: Any = {"action": "Close", "reason": "Suspended", "connection_id": "cn-1", "connection_state": "disconnected"}
HINT = "kubectl exec deploy/navixy-operator -- navixy-operator audit ..."


def small() -> Teller:
    """A cycle of five entries."""
    told = Teller()
    told.tell(EventName.SYNCHRONIZATION_STARTED, status=EventStatus.IN_PROGRESS, scheduled_time="2026-03-01T03:00:00Z")
    told.tell(
        EventName.MISSING_DETECTED,
        status=EventStatus.FOUND,
        discrepancy=Discrepancy.MISSING,
        count=5,
        customer_refs=["C-1", "C-2", "C-3", "C-4", "C-5"],
    )
    told.tell(
        EventName.CONNECTION_CLOSED,
        "C-10042",
        discrepancy=Discrepancy.SUSPENDED,
        **ACTED,
        closed_connections=["cn-1"],
    )
    told.tell(EventName.PIN_APPLIED, "C-1", origin=Origin.MANUAL, message="hold, by anna")
    told.tell(
        EventName.SYNCHRONIZATION_COMPLETED,
        reason="Synchronized",
        summary="5 of 5 are connected",
        duration_seconds=4.5,
    )
    return told


def many(count: int) -> Teller:
    """A pass that closes so many connections."""
    told = Teller("drift-1", RunKind.DRIFT)
    for number in range(count):
        told.tell(EventName.CONNECTION_CLOSED, f"C-{number}", **ACTED)
    return told


def test_the_table(desk: Desk) -> None:
    """A line for each entry, the newest first, whatever its length: time, cycle, event, whose, which, how, what."""
    desk.trail.entries = small().entries
    code, out, err = desk.run("audit")
    assert (code, err) == (0, "")
    at, lines = "2026-03-01T03:00:0", [" ".join(line.split()) for line in out.splitlines()]
    assert lines == [
        "TIME CYCLE EVENT CUSTOMER DISCREPANCY ORIGIN STATUS WHAT",
        f"{at}4Z first SynchronizationCompleted - - automatic Succeeded Synchronized: 5 of 5 are connected (4.5 s)",
        f"{at}3Z first PinApplied C-1 - manual Succeeded hold, by anna",
        f"{at}2Z first ConnectionClosed C-10042 SuspendedConnected automatic Succeeded Suspended; closed cn-1",
        f"{at}1Z first MissingConnectionsDetected - MissingConnection automatic Found 5: C-1, C-2, C-3 and 2 more",
        f"{at}0Z first SynchronizationStarted - - automatic InProgress scheduled for 2026-03-01T03:00:00Z",
    ]


def test_columns_are_aligned(desk: Desk) -> None:
    """As wide as they must be, also with signs that are two columns wide."""
    told = Teller()
    told.tell(EventName.CUSTOMER_SKIPPED, "顧客", status=EventStatus.SKIPPED, reason="MissingHash", problem="none")
    told.tell(EventName.CUSTOMER_SKIPPED, "C-10042", status=EventStatus.SKIPPED, reason="NoGateways", problem="none")
    desk.trail.entries = told.entries
    _, out, _ = desk.run("audit")
    assert out.splitlines() == [
        "TIME                  CYCLE  EVENT            CUSTOMER  DISCREPANCY  ORIGIN     STATUS   WHAT",
        "2026-03-01T03:00:01Z  first  CustomerSkipped  C-10042   -            automatic  Skipped  NoGateways: none",
        "2026-03-01T03:00:00Z  first  CustomerSkipped  顧客      -            automatic  Skipped  MissingHash: none",
    ]


def test_json_lines_have_the_logs_names(desk: Desk) -> None:
    """One object on each line; what does not apply is left out; the event's own facts stand beside the others."""
    desk.trail.entries = small().entries
    code, out, err = desk.run("audit", "-o", "json", "--oldest-first")
    assert (code, err) == (0, "")
    found = [json.loads(line) for line in out.splitlines()]
    run = {
        "cycle": "first",
        "namespace": "default",
        "sync": "main",
        "run": "6669727374" + "0" * 22,
        "run_kind": "cycle",
    }
    assert found[2] == {
        "timestamp": "2026-03-01T03:00:02.000000Z",
        "event": "ConnectionClosed",
        **run,
        "seq": 2,
        "customer": "C-10042",
        "discrepancy": "SuspendedConnected",
        "origin": "automatic",
        "status": "Succeeded",
        **ACTED,
        "closed_connections": ["cn-1"],
    }
    assert [line["seq"] for line in found] == [0, 1, 2, 3, 4]
    assert "customer" not in found[0]


def test_csv_is_rfc_4180_without_formulas(desk: Desk) -> None:
    """A head, CRLF, quotes; a mark before what a spreadsheet would run, and before the mark itself."""
    told = Teller()
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\uff1d1+1", "'=1", 'a "b", c\nd', "plain"]
    for text in texts:
        told.tell(EventName.CUSTOMER_SKIPPED, text, status=EventStatus.SKIPPED, reason="MissingHash", problem="none")
    desk.trail.entries = told.entries
    code, out, err = desk.run("audit", "-o", "csv", "--oldest-first")
    assert (code, err) == (0, "")
    head, *found = csv.reader(io.StringIO(out, newline=""), strict=True)
    assert tuple(head) == CSV_COLUMNS
    customers = [dict(zip(CSV_COLUMNS, record, strict=True))["customer"] for record in found]
    assert customers == ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'\tx", "'\uff1d1+1", "''=1", 'a "b", c\nd', "plain"]
    assert [text.removeprefix("'") if text.startswith("'") else text for text in customers] == texts
    assert out.startswith("timestamp,event,")
    assert out.splitlines(keepends=True)[0].endswith("\r\n")
    assert json.loads(found[0][-1]) == {"reason": "MissingHash", "problem": "none"}


def test_an_entry_cannot_command_the_terminal(desk: Desk) -> None:
    """What does not print is shown by its number, and no entry takes more than a line."""
    told = Teller()
    told.tell(EventName.CLOSE_FAILED, "\x1b[31mred", **ACTED, problem="\x1b]0;title\x07\n" + "x" * LONGEST)
    desk.trail.entries = told.entries
    _, out, _ = desk.run("audit")
    assert len(out.splitlines()) == 2
    assert "\\x1b[31mred" in out
    assert "\\x1b]0;title\\x07\\nx" in out
    assert out.endswith("x…\n")
    _, out, _ = desk.run("audit", "cycle", "first")
    assert "\x1b" not in out


@pytest.mark.parametrize("details", ["", "[1]", "null", "no JSON", '{"reason": 5}', '{"status": "other"}', "{}"])
@pytest.mark.parametrize("form", ["text", "json", "csv"])
@pytest.mark.parametrize("event", ["ConnectionClosed", "ExtraConnectionsDetected", "OfAnotherVersion"])
def test_entries_that_this_version_would_not_write(desk: Desk, details: str, form: str, event: str) -> None:
    """Of another version, or changed by hand: shown as they are, and nothing of them gets lost."""
    desk.trail.entries = [replace(small().entries[2], details=details, event=event)]
    code, out, err = desk.run("audit", "-o", form)
    assert (code, err) == (0, "")
    assert "C-10042" in out
    if form == "json" and details == '{"status": "other"}':
        told = json.loads(out)
        assert (told["status"], told["details.status"]) == ("Succeeded", "other")
    assert desk.run("audit", "cycle", "first", "-o", "text" if form == "csv" else form)[0] == 0


def test_pages_are_bounded_and_go_on(desk: Desk) -> None:
    """A hundred by default; how to go on is told beside the answer, and goes on exactly there."""
    desk.trail.entries = many(250).entries
    line = ["audit", "--event", "ConnectionClosed", "-o", "json", "-n", "default"]
    shown = []
    for expected in (100, 100, 50):
        code, out, err = desk.run(*line)
        assert code == 0
        shown += [json.loads(text)["customer"] for text in out.splitlines()]
        assert len(out.splitlines()) == expected
        if not err:
            break
        hint, command = err.strip().split(" To go on: ")
        assert hint == "100 shown, and there are more (--limit 0 for all)."
        line = command.removeprefix(desk.program).split()
    assert shown == [f"C-{number}" for number in reversed(range(250))]


def test_all_of_it_is_streamed(desk: Desk) -> None:
    """`--limit 0`: a page after the other; the head of the table stands once."""
    desk.trail.entries = many(2 * PAGE + 1).entries
    code, out, err = desk.run("audit", "--limit", "0")
    assert (code, err) == (0, "")
    assert out.count("TIME") == 1
    assert len(out.splitlines()) == 2 * PAGE + 2
    assert desk.trail.pages == [PAGE, PAGE, PAGE]
    code, out, _ = desk.run("audit", "--limit", str(PAGE + 1), "-o", "csv")
    assert (code, len(out.splitlines()), out.count("timestamp")) == (0, PAGE + 2, 1)
    assert desk.trail.pages[3:] == [PAGE, 1]


def test_nothing_is_found(desk: Desk) -> None:
    """Not an error: the answer is empty, and says so beside it."""
    desk.trail.entries = small().entries
    assert desk.run("audit", "--customer", "C-7") == (0, "", "the audit trail has no such entry\n")


def test_options_combine(desk: Desk) -> None:
    """All that is given must hold."""
    desk.trail.entries = [*small().entries, *many(3).entries]
    for more, customers in (
        (["--event", "ConnectionClosed"], {"C-10042", "C-0", "C-1", "C-2"}),
        (["--event", "ConnectionClosed", "--cycle", "first"], {"C-10042"}),
        (["--event", "ConnectionClosed", "--since", "2026-03-01T03:00:01Z"], {"C-10042", "C-1", "C-2"}),
        (["--event", "ConnectionClosed", "--until", "2026-03-01T03:00:01Z"], {"C-0"}),
        (["--origin", "manual"], {"C-1"}),
        (["--origin", "MANUAL", "--cycle", "drift-1"], set()),
        (["--discrepancy", "SuspendedConnected"], {"C-10042"}),
        (["--event", "ConnectionClosed", "--sync", "other"], set()),
    ):
        _, out, _ = desk.run("audit", "-o", "json", *more)
        assert {json.loads(line)["customer"] for line in out.splitlines()} == customers, more


@pytest.mark.parametrize("word", ["ConnectionClosed", "connectionclosed", "connection-closed", "CONNECTION_CLOSED"])
def test_types_are_read_without_case(desk: Desk, word: str) -> None:
    """However they are written."""
    desk.trail.entries = small().entries
    assert len(desk.run("audit", "-o", "json", "--event", word)[1].splitlines()) == 1


def test_a_type_that_there_is_not(desk: Desk) -> None:
    """The one that is meant, and all there are."""
    code, _, err = desk.run("audit", "--event", "ConnectionCloses")
    assert code == 2
    assert '"ConnectionCloses" is no event; did you mean ConnectionClosed? There are: SynchronizationStarted, ' in err
    assert all(event in err for event in EventName)
    code, _, err = desk.run("audit", "--discrepancy", "nonsense")
    assert '"nonsense" is no discrepancy. There are: MissingConnection, ExtraConnection, ' in err


def test_where_there_are_several_namespaces(desk: Desk) -> None:
    """The only one; else the kubeconfig's own; else the one that is told, which needs neither."""
    elsewhere = Teller("second", namespace="elsewhere").entries
    told = Teller("second", namespace="elsewhere")
    told.tell(EventName.PIN_APPLIED, "E-1", message="hold")
    desk.own_namespace = "nowhere"
    assert desk.run("audit") == (0, "", "the audit trail has no such entry\n")
    desk.trail.entries = elsewhere + told.entries
    assert "E-1" in desk.run("audit")[1]
    desk.trail.entries += small().entries
    code, out, err = desk.run("audit")
    assert (code, out) == (3, "")
    assert err == (
        "error: the audit trail has entries of several namespaces (default, elsewhere): choose with --namespace\n"
    )
    assert "E-1" in desk.run("audit", "-n", "elsewhere")[1]
    desk.own_namespace = "default"
    assert "C-10042" in desk.run("audit")[1]
    desk.own_namespace = None
    assert desk.run("audit")[0] == 3


def test_a_trail_that_does_not_answer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong, and where else to ask; in the pod itself there is nowhere else."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    desk.trail.error = AuditUnavailable("it does not answer")
    for line in (["audit"], ["audit", "cycle", "first"], ["audit", "verify"]):
        code, out, err = desk.run(*line)
        assert (code, out) == (1, "")
        assert err.splitlines()[-1] == (
            f"error: AuditUnavailable: it does not answer; the operator's own pod knows where it is: {HINT}"
        )
    _, _, err = desk.run("audit", "-n", "elsewhere")
    assert "kubectl exec -n elsewhere deploy/navixy-operator -- " in err
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert desk.run("audit")[2] == "error: AuditUnavailable: it does not answer\n"
    desk.trail.error = AuditUrlInvalid("there is none")
    code, _, err = desk.run("audit")
    assert (code, err.split("; ")[1]) == (
        3,
        "of replicas without a common database ask the one that works: kubectl get lease navixy-operator\n",
    )


def test_a_cursor_of_nobody(desk: Desk) -> None:
    """Exit code 3."""
    desk.trail.entries = small().entries
    assert desk.run("audit", "--after", "nonsense") == (3, "", "error: InvalidSpec: that is no cursor\n")


def test_options_before_a_subcommand(desk: Desk) -> None:
    """Place and form hold for it, too; the others are refused, before anything is asked."""
    desk.trail.entries = Teller("second", namespace="elsewhere").entries + small().entries
    code, out, _ = desk.run("audit", "-n", "default", "-o", "json", "cycle", "first")
    assert (code, json.loads(out)["runs"][0]["entries"]) == (0, 5)
    code, out, _ = desk.run("audit", "-n", "default", "cycle", "first", "-o", "json")
    assert (code, json.loads(out)["cycle"]) == (0, "first")
    assert desk.run("audit", "-n", "default", "--sync", "other", "cycle", "first")[0] == 4
    code, _, err = desk.run("audit", "--event", "PinApplied", "cycle", "first")
    assert code == 2
    assert "--event: give the options of `cycle` after its name" in err


def test_times_are_told_exactly_where_it_goes_on(desk: Desk) -> None:
    """`2h` is another moment by then."""
    told = many(3)
    told.facts = [replace(fact, at=fact.at + timedelta(days=36500)) for fact in told.facts]
    desk.trail.entries = told.entries
    _, _, err = desk.run("audit", "--limit", "1", "--since", "2h", "--oldest-first", "--origin", "automatic")
    words = err.split(" To go on: ")[1].split()
    since = words[words.index("--since") + 1]
    assert since.endswith("Z")
    assert len(since) == len("2026-03-01T03:00:00.000000Z")
    assert words[-5:] == ["--oldest-first", "--limit", "1", "--after", "1"]


@pytest.mark.parametrize("connections", [["cn-1"], [None]])
def test_details_of_another_shape(desk: Desk, connections: list[Any]) -> None:
    """Changed by hand: every fact is told as it stands."""
    told = Teller()
    told.tell(EventName.EXTRA_DETECTED, status=EventStatus.FOUND, count=1, connections=connections)
    desk.trail.entries = told.entries
    code, out, err = desk.run("audit")
    assert (code, err) == (0, "")
    assert out.splitlines()[1].endswith(f"count 1, connections 1 ({connections[0]})")
