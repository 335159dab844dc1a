"""``approve`` on a cluster of fakes: what is shown, what is asked, what is refused, and what became of it."""

import io
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import click
import pytest

from navixy_operator.cli.approve import MEANING
from navixy_operator.cli.heldlist import IN_WORDS
from navixy_operator.core.approval import digest, token
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.vocabulary import APPROVE_CLOSES, LABEL_APPROVES, Kind
from navixy_operator.ports import Resource
from support.builders import NOW, resource
from support.commands import Desk

ITEMS = [
    {"customerRef": "acme", "connectionId": "cn-1", "reason": "Suspended"},
    {"connectionId": "cn-2"},
]
TOKENS = sorted(token(item.get("customerRef"), item["connectionId"]) for item in ITEMS)
DIGEST = digest(TOKENS)
HOLDS = f"Holds      closes of 2 connections, MassClose: {IN_WORDS['MassClose']}"


def holding(name: str = "second", *, age: timedelta = timedelta(hours=1), **held: Any) -> Resource:
    """A SyncCycle that holds the closes of two connections."""
    closes = {"digest": DIGEST, "count": 2, "reason": "MassClose", "members": "".join(TOKENS), "items": ITEMS, **held}
    status = {"phase": "completed", "completionTime": timestamp(NOW - age), "heldCloses": closes}
    return resource(Kind.CYCLE, name, spec={"sync": "main"}, status=status)


def run_of(cycle: str = "second", number: int = 1, phase: str | None = "completed", **status: Any) -> Resource:
    """The SyncCycle that the operator has made for an approval."""
    told = {"message": "1 of 1 expected connections are connected; 2 closed", **status}
    return resource(
        Kind.CYCLE,
        f"{cycle}-approved-{number}",
        spec={"sync": "main", "approves": cycle},
        labels={LABEL_APPROVES: cycle},
        status={**told, "phase": phase} if phase else {},
    )


class Terminal(io.StringIO):
    """A standard input that is one."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def answering(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Somebody at a terminal who gives these answers; what they were asked."""
    asked: list[str] = []
    waiting = iter(answers)

    def prompt(text: str, **_: Any) -> str:
        asked.append(text)
        return next(waiting)

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr(click, "prompt", prompt)
    return asked


def approves(desk: Desk, name: str = "second") -> str | None:
    """The annotation that approves."""
    return desk.get(name, Kind.CYCLE).annotations.get(APPROVE_CLOSES)


def becoming(desk: Desk, *steps: Iterable[Resource]) -> None:
    """What there is at each look after the approval; the last for ever."""
    waiting = list(steps)
    given = desk.resources.list

    async def looked(kind: Kind, namespace: str) -> Any:
        if approves(desk):
            desk.put(*(waiting.pop(0) if len(waiting) > 1 else waiting[0]))
        return await given(kind, namespace)

    desk.resources.list = looked  # type: ignore[method-assign] # a stand-in


def test_it_shows_the_list_and_asks_for_the_number(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be closed, why and until when; the number typed approves; the outcome is told."""
    asked = answering(monkeypatch, " 2 ")
    desk.put(holding(itemsOmitted=7))
    becoming(desk, [], [run_of(phase=None)], [run_of(phase="in_progress")], [run_of()])
    code, out, err = desk.run("approve", "second")
    assert (code, err) == (0, "")
    assert asked == ["Close these 2 connections? Type the number to approve"]
    assert approves(desk) == DIGEST
    assert out.splitlines() == [
        "SyncCycle  second of the NavixySync main",
        HOLDS,
        f"Digest     {DIGEST}",
        "Age        1 hour; can be approved until 2026-03-02T02:00:00Z",
        "",
        "CUSTOMER  CONNECTION  REASON",
        "acme      cn-1        Suspended",
        "(nobody)  cn-2        -",
        "(7 more, which the SyncCycle's status leaves out; `plan` lists them while they are due)",
        "",
        MEANING,
        "",
        f"approved: second, digest {DIGEST}",
        "Cycle  second-approved-1 completed: 1 of 1 expected connections are connected; 2 closed",
    ]


@pytest.mark.parametrize("answer", ["", "y", "yes", "1", "22", DIGEST])
def test_any_other_answer_closes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    """Exit code 1; nothing is annotated."""
    answering(monkeypatch, answer)
    desk.put(holding())
    code, _, err = desk.run("approve", "second")
    assert (code, err) == (1, "not approved; nothing was changed\n")
    assert approves(desk) is None


@pytest.mark.parametrize("terminal", [True, False])
def test_it_approves_nothing_unasked(desk: Desk, monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> None:
    """Without a terminal, or for JSON, `--yes` is needed: wrong usage, before anything is asked."""
    monkeypatch.setattr("sys.stdin", Terminal() if terminal else io.StringIO("2\n"))
    code, out, err = desk.run("approve", "second", *(["-o", "json"] if terminal else []))
    assert (code, out) == (2, "")
    assert "approve with --yes" in err
    assert desk.world.journal == []


def changed(item: Resource, **status: Any) -> Resource:
    """The cycle with another status."""
    return replace(item, status={**item.status, **status})


@pytest.mark.parametrize(
    ("cycle", "code", "words"),
    [
        (resource(Kind.CYCLE, "second", spec={"sync": "main"}, status={"phase": "completed"}), 3, "holds no closes"),
        (holding(age=timedelta(hours=25)), 3, "it came more than 24 hours after the cycle; run another one"),
        (holding(approvedAt="2026-03-01T02:30:00Z"), 3, "carried out at 2026-03-01T02:30:00Z; an approval counts once"),
        (holding(members="AAAAAAAA"), 3, "the list in the status is not the one that its digest was made of"),
        (resource(Kind.CYCLE, "second", spec={"sync": "main"}), 1, "has not ended yet"),
        (changed(holding(), phase="in_progress"), 1, "has not ended yet"),
        (holding("scond"), 4, 'there is no SyncCycle "second" in the namespace default; these hold closes: scond'),
        (resource(Kind.CYCLE, "scond", spec={"sync": "main"}), 4, "; did you mean scond?"),
    ],
)
def test_what_the_operator_would_refuse_is_refused_beforehand(
    desk: Desk, cycle: Resource, code: int, words: str
) -> None:
    """In its own words; nothing is annotated."""
    desk.put(cycle)
    found, out, err = desk.run("approve", "second", "--yes")
    assert (found, out) == (code, "")
    assert err.startswith("error: ")
    assert words in err
    assert desk.resources.requests["annotate"] == 0


def test_what_is_approved_already_is_not_asked_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed attempt is over: what counts is the next one."""
    answering(monkeypatch)
    desk.put(replace(holding(), annotations={APPROVE_CLOSES: DIGEST}), run_of(phase="failed"))
    becoming(desk, [], [], [run_of(number=2)])
    code, out, _ = desk.run("approve", "second")
    assert code == 0
    assert f"already approved: second, digest {DIGEST}" in out
    assert "Cycle  second-approved-2 completed" in out
    assert desk.resources.requests["annotate"] == 0


def test_another_approval_is_overwritten(desk: Desk) -> None:
    """One that named another list never counted; the refusal of that one is not taken for one of this."""
    before = changed(holding(), approvalRefusal="it names another list than this cycle's")
    desk.put(replace(before, annotations={APPROVE_CLOSES: "0123"}))
    becoming(desk, [], [run_of()])
    assert desk.run("approve", "second", "--yes")[0] == 0
    assert approves(desk) == DIGEST


@pytest.mark.parametrize(
    ("after", "code", "words"),
    [
        ([], 1, "no operator has taken it up within 3 s; it counts until 2026-03-02T02:00:00Z"),
        ([run_of(phase=None)], 1, "the cycle second-approved-1 is pending after 3 s, and goes on"),
        ([run_of(phase="in_progress")], 1, "the cycle second-approved-1 is in_progress after 3 s, and goes on"),
        (
            [run_of(phase="failed", reason="DatabaseUnavailable", message="it did not answer")],
            1,
            "the cycle second-approved-1 failed, DatabaseUnavailable: it did not answer; the operator tries again",
        ),
        ([changed(holding(), approvalRefusal="too late")], 3, "the operator refuses the approval: too late"),
    ],
)
def test_an_approval_that_is_not_carried_out(desk: Desk, after: list[Resource], code: int, words: str) -> None:
    """The exit code tells whose turn it is; the approval stays."""
    desk.put(holding())
    becoming(desk, [replace(item, annotations={APPROVE_CLOSES: DIGEST}) for item in after])
    found, _, err = desk.run("approve", "second", "--yes", "--wait", "3")
    assert found == code
    assert words in err
    assert approves(desk) == DIGEST


def test_what_is_still_held_is_told(desk: Desk) -> None:
    """Closes that were not in the list wait for an approval of their own."""
    desk.put(holding())
    becoming(desk, [run_of(heldCloses={"count": 3, "reason": "MassClose"})])
    code, out, _ = desk.run("approve", "second", "--yes", "-n", "default")
    assert code == 0
    last = f"Held   3 other closes (MassClose): {desk.program} approve second-approved-1 -n default"
    assert out.splitlines()[-1] == last


def test_it_need_not_wait(desk: Desk) -> None:
    """`--wait 0`."""
    desk.put(holding())
    code, out, _ = desk.run("approve", "second", "--yes", "--wait", "0")
    assert (code, approves(desk)) == (0, DIGEST)
    assert out.endswith(f"approved: second, digest {DIGEST}\n")


def test_json(desk: Desk) -> None:
    """One document; a failure has its exit code beside it."""
    desk.put(holding())
    becoming(desk, [run_of(phase="failed", reason="DatabaseUnavailable")])
    code, out, err = desk.run("approve", "second", "--yes", "-o", "json")
    assert code == 1
    assert "DatabaseUnavailable" in err
    told = json.loads(out)
    assert (told["cycle"], told["digest"], told["count"], told["reason"]) == ("second", DIGEST, 2, "MassClose")
    assert (told["run"]["name"], told["run"]["phase"]) == ("second-approved-1", "failed")
