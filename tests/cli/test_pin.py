"""``pin`` and ``unpin`` on a cluster of fakes: what is annotated, what is said, and how it ends."""

import getpass
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from navixy_operator.cli.pin import this_user
from navixy_operator.core.naming import resource_name
from navixy_operator.core.vocabulary import FINALIZER
from support.commands import Desk, customer, pinned

PREFIX = "dataforwarding.io/pin"
UNTIL = "2099-12-31T18:00:00Z"


def annotations(desk: Desk, name: str = "acme") -> dict[str, str]:
    """The pin's annotations, without their prefix."""
    return {key.removeprefix(PREFIX): value for key, value in desk.get(name).annotations.items()}


def test_a_pin_is_set_in_one_patch(desk: Desk) -> None:
    """Mode, reason, who and until when; three lines, and what the connection is once it is heeded."""
    desk.put(customer("acme", annotations={"other": "stays"}))
    code, out, err = desk.run(
        "pin", "acme", "disconnect", "--reason", "moves house", "--until", "2099-12-31T19:00:00+01:00"
    )
    assert (code, err) == (0, "")
    set_ = {"": "disconnect", "-reason": "moves house", "-by": "anna@example.com", "-until": UNTIL}
    assert annotations(desk) == {"other": "stays", **set_}
    assert desk.resources.requests["annotate"] == 1
    assert out.splitlines() == [
        f"acme is pinned: disconnect, by anna@example.com, until {UNTIL}: moves house",
        "Overrules  Connected (Eligible)",
        f"Undo       {desk.program} unpin acme",
        "Now        connected since 2026-01-01T00:00:00Z; Ready True (Connected)",
    ]


def test_a_new_pin_takes_the_place_of_the_old_one(desk: Desk) -> None:
    """What is not given again is gone, and what is overruled is what the rules say, not what the old pin said."""
    desk.put(pinned("acme", "disconnect", reason="moves house", until=UNTIL, by="bob"))
    code, out, _ = desk.run("pin", "acme", "hold", "--by", "")
    assert code == 0
    assert annotations(desk) == {"": "hold"}
    assert out.startswith(f"acme is pinned: hold (before: disconnect, by bob, until {UNTIL}: moves house)\n")
    assert "Overrules  Connected (Eligible)\n" in out


def test_the_same_pin_again_writes_nothing(desk: Desk) -> None:
    """It is said, and it still waits until it is heeded."""
    desk.put(pinned("acme", "hold", by="bob"))
    code, out, _ = desk.run("pin", "acme", "HOLD", "--by", "bob")
    assert code == 0
    assert out.startswith("acme is pinned already: hold, by bob\n")
    assert desk.resources.requests["annotate"] == 0


def test_a_span_ends_that_much_later(desk: Desk) -> None:
    """`--for` counts from now."""
    desk.put(customer("acme"))
    desk.run("pin", "acme", "hold", "--for", "2h", "--wait", "0")
    end = datetime.fromisoformat(annotations(desk)["-until"])
    assert timedelta(minutes=119) < end - datetime.now(UTC) <= timedelta(hours=2)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--until 2020-01-01T00:00:00Z", "--until: 2020-01-01T00:00:00Z is in the past"),
        ("--until tomorrow", '"tomorrow" is no time of RFC 3339: write it like 2026-12-31T18:00:00Z'),
        ("--for soon", '"soon" is no duration: write it like 30m, 2h, 3d, 1w or 1d12h'),
        ("--for 0m", '"0m" is no duration'),
        ("--for 999999999w", "--for"),
        ("--for 700000w", "--for: that is later than the last year there is"),
        (f"--for 2h --until {UNTIL}", "--until and --for both say when the pin ends: give one of them"),
        (f"--reason {'0123456789abcdef' * 2}", "what looks like a Navixy hash must not be written into the cluster"),
        ("--wait -1", "-1.0 is not in the range"),
    ],
)
def test_wrong_usage(line: str, words: str, desk: Desk) -> None:
    """Exit code 2 and what is wrong, before anything is asked."""
    code, out, err = desk.run("pin", "acme", "hold", *line.split())
    assert (code, out) == (2, "")
    assert words in err.splitlines()[-1]
    assert desk.world.journal == []


def test_an_unknown_mode_is_wrong_usage(desk: Desk) -> None:
    """The modes are named."""
    code, _, err = desk.run("pin", "acme", "off")
    assert code == 2
    assert "'connect', 'disconnect', 'hold'" in err.splitlines()[-1]


def test_who_sets_it_is_the_machines_user_where_the_api_server_does_not_tell(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before Kubernetes 1.28, or without the right to ask."""
    desk.client.name = None
    monkeypatch.setenv("LOGNAME", "carla")
    desk.put(customer("acme"))
    desk.run("pin", "acme", "hold", "--wait", "0")
    assert annotations(desk) == {"": "hold", "-by": "carla"}


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("no username"), ImportError("no pwd")])
def test_a_user_without_a_name_sets_a_pin_without_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """As in a container whose user id has no passwd entry."""

    def nobody() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert this_user() is None
    desk.client.name = None
    desk.put(customer("acme"))
    assert desk.run("pin", "acme", "hold", "--wait", "0")[0] == 0
    assert annotations(desk) == {"": "hold"}


def test_the_options_of_the_place_are_part_of_the_way_back(desk: Desk) -> None:
    """The line can be copied, whatever the reference looks like."""
    desk.put(customer("Big Fleet", resource_name("Big Fleet"), namespace="fleets"))
    line = ("pin", "Big Fleet", "hold", "--wait", "0", "-n", "fleets", "--sync", "main", "--context", "prod")
    code, out, _ = desk.run(*line)
    assert code == 0
    assert out.splitlines()[-1] == f"Undo       {desk.program} unpin 'Big Fleet' -n fleets --context prod --sync main"


def test_nobody_heeds_it(desk: Desk) -> None:
    """After the time: exit code 1, and that the pin stays; with JSON as well."""
    desk.resources.heeds = False
    desk.put(customer("acme"))
    code, out, err = desk.run("pin", "acme", "disconnect")
    assert code == 1
    assert out.startswith("acme is pinned: disconnect")
    assert err.startswith("error: no operator has heeded it within 10 s; the annotations stay")
    assert 10 <= desk.world.clock.seconds < 12
    code, out, _ = desk.run("unpin", "acme", "--wait", "3", "-o", "json")
    assert (code, json.loads(out)["heeded"]) == (0, True), "what nobody has heeded is taken back without anybody"


def test_it_waits_until_the_connection_has_settled(desk: Desk) -> None:
    """Heeded, but still on its way: told as it is when the time is over, which is no failure."""
    item = customer("acme")
    reconciling = {"type": "Reconciling", "status": "True", "reason": "Pending", "message": "closing"}
    desk.put(replace(item, status={**item.status, "conditions": [*item.status["conditions"], reconciling]}))
    code, out, _ = desk.run("pin", "acme", "disconnect", "--wait", "4")
    assert code == 0
    assert desk.world.clock.seconds >= 4
    assert "Now        connected since" in out


@pytest.mark.parametrize(
    ("status", "reason", "mode", "words"),
    [
        ("Connected", "ManualOperation", "disconnect", "F1.3 has set this connection, and decides"),
        ("Disconnected", "MissingHash", "connect", "it cannot be connected, for no hash is known"),
        ("Disconnected", "Pinned", "disconnect", None),
        ("Connected", "ManualOperation", "hold", None),
    ],
)
def test_a_pin_that_does_not_decide(desk: Desk, status: str, reason: str, mode: str, words: str | None) -> None:
    """It is said why not."""
    item = customer("acme")
    conditions = [{"type": "Ready", "status": "True", "reason": reason, "message": "…"}]
    desk.put(replace(item, status={"desired": status, "conditions": conditions}))
    code, out, _ = desk.run("pin", "acme", mode)
    assert code == 0
    said = [line[11:] for line in out.splitlines() if line.startswith("But ")]
    assert said == ([] if words is None else [words])


def test_what_is_overruled_before_any_cycle(desk: Desk) -> None:
    """Nobody knows yet."""
    desk.resources.heeds = False
    desk.put(customer("acme", status={}))
    _, out, _ = desk.run("pin", "acme", "hold", "--wait", "0")
    assert "Overrules  nothing that is known: no operator has judged this customer yet" in out


def test_unpin_removes_all_of_it(desk: Desk) -> None:
    """Other annotations stay; what the connection is then is told."""
    desk.put(replace(pinned("acme", "disconnect", by="bob"), finalizers=(FINALIZER,)))
    code, out, err = desk.run("unpin", "acme")
    assert (code, err, annotations(desk)) == (0, "", {})
    assert out.splitlines() == [
        "acme is no longer pinned (before: disconnect, by bob)",
        "Now        connected since 2026-01-01T00:00:00Z; Ready True (Connected)",
    ]


def test_unpin_of_a_pin_that_has_ended(desk: Desk) -> None:
    """The annotation of an expired pin is there to be removed."""
    desk.put(customer("acme", annotations={PREFIX: "hold", f"{PREFIX}-until": "2020-01-01T00:00:00Z"}))
    code, out, _ = desk.run("unpin", "acme")
    assert (code, annotations(desk)) == (0, {})
    assert out.startswith("acme is no longer pinned (before: hold, until 2020-01-01T00:00:00Z)\n")


def test_unpin_of_who_is_not_pinned(desk: Desk) -> None:
    """No failure: it is as wanted."""
    desk.put(customer("acme"))
    assert desk.run("unpin", "acme") == (0, "acme is not pinned\n", "")


def test_unpin_of_a_resource_that_the_pin_alone_had_kept(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A customer who is removed goes with the pin."""
    desk.put(pinned("acme"))

    async def gone(*_: object) -> None:
        """No resource any more."""

    monkeypatch.setattr(desk.resources, "get", gone)
    code, out, _ = desk.run("unpin", "acme")
    assert code == 0
    assert out.splitlines()[-1] == "Now        the resource is gone: the pin alone had kept it"


def test_a_declaration_that_is_being_deleted_takes_no_pin(desk: Desk) -> None:
    """A person must make it anew: exit code 3."""
    desk.put(customer("acme", source="Manual", deleting=True))
    code, _, err = desk.run("pin", "acme", "hold")
    assert (code, err) == (3, "error: the NavixyCustomer acme is being deleted: a pin on it no longer counts\n")


def test_json(desk: Desk) -> None:
    """One document: what was set, what it overrules, whether it was heeded, and what the connection is."""
    desk.put(customer("acme", "acme-1", source="Manual"))
    code, out, err = desk.run("pin", "acme-1", "disconnect", "--by", "bob", "-o", "json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told == {
        "customerRef": "acme",
        "namespace": "default",
        "name": "acme-1",
        "sync": "main",
        "pin": {"mode": "disconnect", "by": "bob"},
        "before": None,
        "changed": True,
        "overrules": {"desired": "Connected", "reason": "Eligible"},
        "heeded": True,
        "objection": None,
        "connection": {"id": "cn-1", "state": "connected", "since": "2026-01-01T00:00:00Z"},
        "ready": {"status": "True", "reason": "Connected", "message": "connected"},
    }
