"""``status``: a NavixySync with everything, with nothing, and where rights are missing."""

import json
from datetime import timedelta
from typing import Any

import pytest

from navixy_operator.adapters.kube.answers import NotFound
from navixy_operator.api.cycle import SyncCycleStatus
from navixy_operator.api.investigation import InvestigationStatus
from navixy_operator.api.sync import NavixySyncStatus
from navixy_operator.cli.statuswords import WIDTH, ago
from navixy_operator.core.approval import digest, token
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.vocabulary import APPROVE_CLOSES, Kind
from navixy_operator.errors import KubernetesForbidden, OperatorError
from navixy_operator.ports import Resource
from support.builders import NOW, resource
from support.commands import Desk, customer, pinned
from support.models import fits

TOKENS = sorted([token("acme", "cn-1"), token(None, "cn-2")])
COUNTS = {"customers": 7, "eligible": 5, "skipped": 1, "manual": 1, "declared": 0, "expected": 5, "actual": 4}


def at(**before: float) -> str:
    """So long before now."""
    return timestamp(NOW - timedelta(**before))


def condition(kind: str, status: str, reason: str, message: str = "", **before: float) -> dict[str, Any]:
    """As the operator writes it."""
    told = {"type": kind, "status": status, "reason": reason, "message": message}
    return {**told, "lastTransitionTime": at(**before), "observedGeneration": 1}


def sync(name: str = "main", **spec: Any) -> Resource:
    """A NavixySync after a cycle that left something."""
    status = {
        "phase": "completed",
        "expected": 5,
        "actual": 4,
        "discrepancies": 2,
        "suspendedConnected": 1,
        "nextScheduleTime": "2026-03-02T03:00:00Z",
        "lastCycle": {"name": "second", "phase": "completed", "counts": COUNTS},
        "alerts": [
            {
                "name": "NavixyConnectionCountMismatch",
                "severity": "high",
                "since": at(hours=2),
                "message": "4 connections are connected where 5 are expected",
            },
            {
                "name": "NavixyHighCustomerSkipRate",
                "severity": "low",
                "since": at(hours=9),
                "message": "over",
                "resolved": True,
            },
        ],
        "conditions": [
            condition("Ready", "True", "Discrepancies", "4 of 5 expected connections are connected; 2 held", days=3),
            condition("InSync", "False", "Discrepancies", "4 connections are connected where 5 are expected", hours=2),
        ],
    }
    assert fits(NavixySyncStatus, status)
    return resource(Kind.SYNC, name, spec={"policy": "Full", **spec}, status=status)


def cycles() -> list[Resource]:
    """One that failed, one that holds closes, a dry run, one that runs."""
    counts = {"established": 3, "closed": 1, "failed": 0, "held": 2, "skipped": 1}
    held = {"digest": digest(TOKENS), "count": 2, "reason": "MassClose", "members": "".join(TOKENS), "items": []}
    ended = {"phase": "completed", "reason": "Discrepancies", "durationSeconds": 4.4321, "counts": counts}
    statuses: dict[str, dict[str, Any]] = {
        "first": {
            "phase": "failed",
            "reason": "DatabaseUnavailable",
            "startTime": at(days=1),
            "completionTime": at(days=1),
            "durationSeconds": 30.0,
        },
        "second": {**ended, "startTime": at(hours=2), "completionTime": at(hours=2), "heldCloses": held},
        "look": {**ended, "startTime": at(minutes=40), "completionTime": at(minutes=40), "counts": counts},
        "now": {"phase": "in_progress", "reason": "InProgress", "startTime": at(seconds=9)},
    }
    assert all(fits(SyncCycleStatus, status) for status in statuses.values())
    dry = {"look": {"dryRun": True}}
    return [
        resource(Kind.CYCLE, name, spec={"sync": "main", **dry.get(name, {})}, status=status)
        for name, status in statuses.items()
    ]


def investigation(name: str = "main-count", phase: str = "Open", **status: Any) -> Resource:
    """One that the mismatch has opened."""
    told = {
        "phase": phase,
        "openedTime": at(hours=2),
        "probableCause": {"reason": "ClosesHeldByGuard", "message": "a guard holds 2 closes"},
        **status,
    }
    assert fits(InvestigationStatus, told)
    return resource(Kind.INVESTIGATION, name, spec={"sync": "main", "trigger": "ConnectionCountMismatch"}, status=told)


def failing(ref: str) -> Resource:
    """A customer whose connection does not come about."""
    return customer(ref, status={"conditions": [condition("Ready", "False", "EstablishFailed")]})


def everything() -> list[Resource]:
    """All there may be."""
    customers = [customer("C-1"), customer("C-2"), pinned("C-3"), failing("C-4"), customer("C-5", status={})]
    return [sync(), *cycles(), *customers, customer("D-1", sync="other"), investigation()]


def test_everything(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Head, conditions, cycles, alerts, investigations, held closes, on a hundred columns at the most."""
    monkeypatch.setenv("COLUMNS", "300")
    desk.put(*everything())
    code, out, err = desk.run("status")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "default/main: completed, Ready True (Discrepancies)",
        "Policy       Full, schedule 0 3 * * * (UTC)",
        "Next cycle   2026-03-02T03:00:00Z, in 1 day",
        "Connections  4 of 5 expected are connected, 2 discrepancies; 1 of suspended or removed customers",
        "Customers    5, 5 eligible, 1 skipped, 1 set through F1.3, 0 declared, 1 pinned",
        "Ready        3: Connected 3",
        "Not ready    2: EstablishFailed 1, Unknown 1",
        "",
        "CONDITION  STATUS  REASON         SINCE  MESSAGE",
        "Ready      True    Discrepancies  3d     4 of 5 expected connections are connected; 2 held",
        "InSync     False   Discrepancies  2h     4 connections are connected where 5 are expected",
        "",
        "CYCLE   STARTED  TOOK   RESULT                   ESTABLISHED  CLOSED  FAILED  HELD  SKIPPED",
        "now     9s       -      in_progress              -            -       -       -     -",
        "look    40m      4.4s   Discrepancies (dry run)  3            1       0       2     1",
        "second  2h       4.4s   Discrepancies            3            1       0       2     1",
        "first   1d       30.0s  DatabaseUnavailable      -            -       -       -     -",
        "",
        "ALERT                          SEVERITY  SINCE  MESSAGE",
        "NavixyConnectionCountMismatch  high      2h     4 connections are connected where 5 are expected",
        "",
        "INVESTIGATION  TRIGGER                  PHASE  CAUSE              SINCE",
        "main-count     ConnectionCountMismatch  Open   ClosesHeldByGuard  2h",
        "",
        "second holds 2 closes (MassClose) until 2026-03-02T01:00:00Z. To see and approve them:",
        f"  {desk.program} approve second",
    ]
    assert max(map(len, out.splitlines())) <= WIDTH


def test_it_asks_for_lists_alone(desk: Desk) -> None:
    """Of the four kinds: no Secret, no database, no F1.1, no write."""
    desk.put(*everything())
    desk.run("status")
    assert sorted(desk.world.journal) == [
        "list Investigation",
        "list NavixyCustomer",
        "list NavixySync",
        "list SyncCycle",
    ]


def test_as_json(desk: Desk) -> None:
    """One document: every NavixySync with what is shown of it."""
    desk.put(*everything())
    code, out, _ = desk.run("status", "-o", "json")
    (told,) = json.loads(out)["syncs"]
    assert (code, told["namespace"], told["name"], told["phase"]) == (0, "default", "main", "completed")
    assert told["ready"]["reason"] == "Discrepancies"
    assert told["counts"] == {
        **{
            key: COUNTS[key] for key in ("customers", "eligible", "skipped", "manual", "declared", "expected", "actual")
        },
        "discrepancies": 2,
        "suspendedConnected": 1,
        "pinned": 1,
    }
    assert told["customers"] == {
        "total": 5,
        "ready": {"Connected": 3},
        "notReady": {"EstablishFailed": 1, "Unknown": 1},
    }
    assert [(one["name"], one["held"], one["dryRun"]) for one in told["cycles"]] == [
        ("now", None, False),
        ("look", 2, True),
        ("second", 2, False),
        ("first", None, False),
    ]
    assert [(one["cycle"], one["digest"], one["approved"]) for one in told["heldCloses"]] == [
        ("second", digest(TOKENS), False)
    ]
    assert [one["name"] for one in told["alerts"]] == ["NavixyConnectionCountMismatch"]
    assert told["investigations"][0]["cause"] == "ClosesHeldByGuard"
    assert told["investigationsUnavailable"] is None


def test_a_new_navixysync(desk: Desk) -> None:
    """Nothing is known: said so, and no list has a head without lines."""
    desk.put(resource(Kind.SYNC, "main"))
    _, out, _ = desk.run("status")
    assert out.splitlines() == [
        "default/main: pending, no operator has looked at it yet",
        "Policy          Full, schedule 0 3 * * * (UTC)",
        "Next cycle      not known",
        "Connections     not counted yet",
        "Customers       0, 0 pinned",
        "Ready           none",
        "Not ready       none",
        "Investigations  none is open",
        "Alerts          none",
    ]


def test_several_of_them(desk: Desk) -> None:
    """One after the other, each with its own; or the one that is asked for."""
    desk.put(*everything(), sync("other", suspend=True))
    _, out, _ = desk.run("status")
    main, _, other = out.partition("\n\n\n")
    assert main.startswith("default/main: ")
    assert "Next cycle      none: the schedule is suspended" in other
    assert "Ready           1: Connected 1" in other
    assert desk.run("status", "--sync", "other")[1].startswith("default/other: ")
    code, _, err = desk.run("status", "--sync", "third")
    assert code == 3
    assert 'there is no NavixySync "third" in the namespace default (there: main, other)' in err


def test_where_there_is_none(desk: Desk) -> None:
    """Exit code 3."""
    code, _, err = desk.run("status", "-n", "elsewhere")
    assert (code, err) == (
        3,
        "error: there is no NavixySync in the namespace elsewhere (there: none); choose with --sync and --namespace\n",
    )


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NotFound("the server has no such kind"), "their CRD is not installed: kubectl apply -f crds/"),
        (KubernetesForbidden("not permitted"), "you may not list them"),
    ],
)
def test_investigations_that_cannot_be_seen(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: OperatorError, words: str
) -> None:
    """Said; all else is shown."""
    real = desk.resources.list

    async def listed(kind: Kind, namespace: str) -> Any:
        if kind is Kind.INVESTIGATION:
            raise error
        return await real(kind, namespace)

    monkeypatch.setattr(desk.resources, "list", listed)
    desk.put(*everything())
    code, out, _ = desk.run("status")
    assert code == 0
    assert f"Investigations  {words}" in out.splitlines()
    assert "INVESTIGATION " not in out
    assert "second holds 2 closes" in out


def test_held_closes_that_need_no_more_word(desk: Desk) -> None:
    """Approved and waiting: said; used up or too late: not shown."""
    (first, second, *_) = cycles()
    held = second.status["heldCloses"]
    desk.put(sync(), first)
    for more, shown in (
        (
            {"annotations": {APPROVE_CLOSES: held["digest"]}},
            "second holds 2 closes (MassClose); they are approved, and",
        ),
        ({"status": {**second.status, "heldCloses": {**held, "approvedAt": at(hours=1)}}}, None),
        ({"status": {**second.status, "completionTime": at(hours=25)}}, None),
    ):
        desk.put(resource(Kind.CYCLE, "second", **{"spec": second.spec, "status": second.status, **more}))
        _, out, _ = desk.run("status")
        assert (shown or "holds") in out if shown else "holds" not in out


def test_investigations_that_are_over(desk: Desk) -> None:
    """Not shown; who looks into one, is."""
    over = investigation("main-old", phase="Resolved")
    seen = investigation(phase="Acknowledged", acknowledgedBy="anna")
    desk.put(sync(), over, seen)
    _, out, _ = desk.run("status")
    assert "main-old" not in out
    assert "Acknowledged by anna" in out


def test_what_others_write_cannot_command_the_terminal(desk: Desk) -> None:
    """Messages hold F1.1's words."""
    item = sync()
    item.status["alerts"][0]["message"] = "\x1b[2Jgone"
    desk.put(item)
    _, out, _ = desk.run("status")
    assert "\x1b" not in out
    assert "\\x1b[2Jgone" in out


def test_long_names_fit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells are folded, and nothing is lost."""
    monkeypatch.setenv("COLUMNS", "300")
    name = "cycle-with-a-name-that-is-quite-long-for-a-table-" + "x" * 100
    desk.put(sync(), resource(Kind.CYCLE, name, spec={"sync": "main"}, status=cycles()[1].status))
    _, out, _ = desk.run("status")
    lines = [line for line in out.splitlines() if desk.program not in line and "holds" not in line]
    assert max(map(len, lines)) <= WIDTH
    assert out.splitlines()[-1] == f"  {desk.program} approve {name}"
    first = [line.split(" ")[0] for line in lines[lines.index("") :]]
    assert name in "".join(first)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ({"seconds": 0}, "0s"),
        ({"seconds": 59}, "59s"),
        ({"minutes": 61}, "1h"),
        ({"days": 9}, "9d"),
        ({"days": -1}, "0s"),
    ],
)
def test_how_long_ago(before: dict[str, float], words: str) -> None:
    """The largest unit that fits."""
    assert ago(at(**before), NOW) == words
    assert ago(None, NOW) == "-"
