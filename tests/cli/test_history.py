"""``explain --history``: the present first, then the past, also of who is gone, and also where the past is away."""

import asyncio
import json
from typing import Any

import pytest

from navixy_operator.cli import explain as command
from navixy_operator.cli.look import Found
from navixy_operator.core.vocabulary import EventName, EventStatus, Origin
from navixy_operator.errors import AuditUnavailable
from navixy_operator.preview import Preview
from navixy_operator.roll import roll_of
from support.audit import Teller
from support.builders import connection, row
from support.commands import Desk
from support.cycles import SYNC, order, run
from support.fakes import World


@pytest.fixture(autouse=True)
def looked(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `explain` sees of the present: ``acme``, who is well."""
    world = World()
    world.database.rows = [row("acme")]
    world.connect(connection("cn-acme", "acme"))

    def look(_: object) -> Found:
        finding = asyncio.run(run(world, dry_run=True)).finding
        preview: Any = Preview(SYNC, None, order(), finding, roll_of([], SYNC.name).by_ref)  # type: ignore[arg-type] # not looked at
        return Found(preview, 0, None)

    monkeypatch.setattr(command, "look", look)


def past(ref: str, *, sync: str = "main") -> Teller:
    """A customer skipped, connected, pinned, in this order; a second after each other."""
    told = Teller(sync=sync)
    told.tell(EventName.CUSTOMER_SKIPPED, ref, status=EventStatus.SKIPPED, reason="MissingHash", problem="no hash")
    told.tell(EventName.CONNECTION_ESTABLISHED, ref, reason="Eligible", connection_id="cn-1")
    told.tell(EventName.PIN_APPLIED, ref, origin=Origin.MANUAL, message="hold, by anna")
    return told


def test_the_past_after_the_present(desk: Desk) -> None:
    """The customer's last entries, the oldest last; of this NavixySync alone."""
    desk.trail.entries = [*past("acme").entries, *past("acme", sync="other").entries, *past("beta").entries]
    code, out, err = desk.run("explain", "acme", "--history")
    assert (code, err) == (0, "")
    present, _, history = out.partition("\nHistory, the newest first:\n")
    assert present.startswith("Customer acme\nRecord      ")
    assert history.splitlines() == [
        "TIME                  CYCLE  EVENT                  DISCREPANCY  ORIGIN     STATUS     WHAT",
        "2026-03-01T03:00:02Z  first  PinApplied             -            manual     Succeeded  hold, by anna",
        "2026-03-01T03:00:01Z  first  ConnectionEstablished  -            automatic  Succeeded  Eligible; cn-1",
        "2026-03-01T03:00:00Z  first  CustomerSkipped        -            automatic  Skipped    MissingHash: no hash",
    ]
    assert "History" not in desk.run("explain", "acme")[1]


def test_how_to_see_all(desk: Desk) -> None:
    """`--limit` of the newest; the rest by `audit`, with all that it needs to be told."""
    desk.trail.entries = past("acme").entries
    _, out, _ = desk.run("explain", "acme", "--history", "--limit", "1")
    assert out.splitlines()[-2].split()[2] == "PinApplied"
    assert out.splitlines()[-1] == (
        f"To see all: {desk.program} audit --customer acme --limit 0 -n default --sync main"
    )


def test_as_json(desk: Desk) -> None:
    """In the same document, with the names of the log."""
    desk.trail.entries = past("acme").entries
    code, out, _ = desk.run("explain", "acme", "--history", "--limit", "2", "-o", "json")
    told = json.loads(out)
    assert (code, told["customerRef"], told["history"]["more"]) == (0, "acme", True)
    assert [(one["event"], one["seq"]) for one in told["history"]["entries"]] == [
        ("PinApplied", 2),
        ("ConnectionEstablished", 1),
    ]
    assert "history" not in json.loads(desk.run("explain", "acme", "-o", "json")[1])


def test_nothing_has_happened_to_the_customer(desk: Desk) -> None:
    """Said."""
    code, out, _ = desk.run("explain", "acme", "--history")
    assert (code, out.splitlines()[-1]) == (0, "History: the audit trail has nothing of this customer")


def test_who_is_gone_has_a_past(desk: Desk) -> None:
    """Exit code 4 all the same: there is no such customer."""
    desk.trail.entries = past("gone").entries
    code, out, err = desk.run("explain", "gone", "--history")
    assert code == 4
    assert out.startswith("History, the newest first:\n")
    assert len(out.splitlines()) == 5
    assert err.startswith('error: "gone" is no Navixy customer of default/main')
    code, out, _ = desk.run("explain", "gone", "--history", "-o", "json")
    assert (code, json.loads(out)["customerRef"], len(json.loads(out)["history"]["entries"])) == (4, "gone", 3)
    assert desk.run("explain", "gone")[:2] == (4, "")
    assert desk.run("explain", "nobody", "--history")[:2] == (4, "")


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_past_is_away(desk: Desk, form: str) -> None:
    """The present is told all the same; the exit code says that something did not answer."""
    desk.trail.error = AuditUnavailable("it does not answer")
    code, out, err = desk.run("explain", "acme", "--history", "-o", form)
    assert code == 1
    assert "acme" in out
    assert err.startswith("error: AuditUnavailable: it does not answer")
    if form == "json":
        assert json.loads(out)["history"] is None


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_past_of_who_is_gone_is_away(desk: Desk, form: str) -> None:
    """Whether there was such a customer is not known: what did not answer is told."""
    desk.trail.error = AuditUnavailable("it does not answer")
    code, out, err = desk.run("explain", "gone", "--history", "-o", form)
    assert (code, out) == (1, "")
    assert err.startswith("error: AuditUnavailable: it does not answer")


def test_as_json_of_what_only_the_trail_can_store(desk: Desk) -> None:
    """Half a surrogate pair is told as it is."""
    told = past("acme")
    told.tell(EventName.CLOSE_FAILED, "acme", reason="Suspended", problem="a\ud800b")
    desk.trail.entries = told.entries
    code, out, err = desk.run("explain", "acme", "--history", "-o", "json")
    assert (code, err) == (0, "")
    assert json.loads(out)["history"]["entries"][0]["problem"] == "a\ud800b"
