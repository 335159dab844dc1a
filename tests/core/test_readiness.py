"""A customer's Ready, Stalled and Pinned: pins, failures that last, and what a drift pass leaves to the next cycle."""

from datetime import timedelta
from typing import Any, Final

import pytest

from navixy_operator.core.guards import hold
from navixy_operator.core.model import Connection, ConnectionFault
from navixy_operator.core.outcome import Failure, Settled, settle
from navixy_operator.core.pins import Pin, PinReading, read_pin
from navixy_operator.core.plan import decide
from navixy_operator.core.projection import ESTABLISH_TIMEOUT, WATCHED_CYCLES, stuck_connection
from navixy_operator.core.readiness import PERSISTENT
from navixy_operator.core.subject import Subject
from navixy_operator.core.vocabulary import PIN, PIN_UNTIL, PinMode, Reason
from support.builders import (
    DISCONNECTED,
    FAILED,
    NOW,
    PASSING,
    PENDING,
    PERMANENT,
    connection,
    end,
    manual,
    pinned,
    print_of,
    subject,
)
from support.models import write

JSON = dict[str, Any]
LATER: Final = NOW + timedelta(days=1)
NEXT: Final = Reason.NEXT_CYCLE
ours, pending = connection("c-1"), connection("c-1", state=PENDING)
failed = connection("c-1", state=FAILED, error=PASSING)
UNANSWERED: Final = Failure(Reason.ESTABLISH_FAILED, ConnectionFault("no-answer", "503", permanent=False))
NOT_SHUT: Final = Failure(Reason.CLOSE_FAILED, ConnectionFault("close-failed", "no answer", permanent=False))
REFUSED: Final = Failure(Reason.HASH_REJECTED, PERMANENT)
STUCK: Final = Failure(Reason.ESTABLISH_FAILED, ConnectionFault(ESTABLISH_TIMEOUT, "too slow", permanent=False))


def left(before: Subject, *after: Connection) -> Settled:
    """The same of a drift pass that leaves what is due to the next cycle."""
    return settle(hold(decide(before), NEXT), after, None)


def said(status: JSON) -> dict[str, tuple[str, str]]:
    """Condition types with status and reason."""
    return {entry["type"]: (entry["status"], entry["reason"]) for entry in status["conditions"]}


def words(status: JSON, kind: str) -> str:
    """What a condition says."""
    (found,) = [entry["message"] for entry in status["conditions"] if entry["type"] == kind]
    return str(found)


ON, OFF, STAY = (pinned(mode, by="anna", reason="audit") for mode in PinMode)
WITHOUT_HASH: Final[JSON] = {"reason": Reason.MISSING_HASH, "fingerprint": None, "has_hash": False}

PINNED: Final = [
    ("on", subject(ours, pins=ON), ("True", "Pinned"), "Connected", "Eligible", ""),
    ("on, suspended", subject(ours, reason=Reason.SUSPENDED, pins=ON), ("True", "Pinned"), "Disconnected", "Suspended",
     ""),
    ("on, refused", subject(refused=print_of("acme"), pins=ON), ("False", "HashRejected"), "Connected", "Eligible", ""),
    ("on, F1.3 has closed it", subject(manual(state=DISCONNECTED), pins=ON), ("True", "ManualOperation"), None,
     "ManualOperation", "F1.3 has set this connection, and decides"),
    ("on, no hash", subject(pins=ON, **WITHOUT_HASH), ("True", "MissingHash"), "Disconnected", "MissingHash",
     "it cannot be connected, for no hash is known"),
    ("on, no hash, but alive", subject(ours, pins=ON, **WITHOUT_HASH), ("True", "Pinned"), "Disconnected",
     "MissingHash", ""),
    ("off", subject(pins=OFF), ("True", "Pinned"), "Connected", "Eligible", ""),
    ("off, F1.3 has opened it", subject(manual(), pins=OFF), ("True", "ManualOperation"), None, "ManualOperation",
     "F1.3 has set this connection, and decides"),
    ("as it is", subject(pins=STAY), ("True", "Pinned"), "Connected", "Eligible", ""),
    ("as it is, contradictory", subject(ours, reason=Reason.INVALID_RECORD, pins=STAY), ("True", "Pinned"), None,
     "InvalidRecord", ""),
    ("as it is, F1.3 has opened it", subject(manual(), pins=STAY), ("True", "Pinned"), None, "ManualOperation", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "ready", "desired", "reason", "odd"), [row_[1:] for row_ in PINNED], ids=[row_[0] for row_ in PINNED]
)
def test_pinned(found: Subject, ready: tuple[str, str], desired: str | None, reason: str, odd: str) -> None:
    """While a pin counts: what it is, what would be done without it, and why it does not decide, if it does not."""
    status = write(end(found, *found.connections))
    pin = found.pin
    assert pin is not None
    instead = {"reason": reason} if desired is None else {"desired": desired, "reason": reason}
    assert status["pin"] == {"mode": pin.mode, "by": "anna", "reason": "audit", "insteadOf": instead}
    assert said(status)["Pinned"] == ("True", "Pinned")
    assert said(status)["Ready"] == ready
    message = f"{pin.mode}, by anna: audit; without it: {desired or 'as it is'} ({reason})"
    assert words(status, "Pinned") == (f"{message}; {odd}" if odd else message)


def test_what_is_odd_about_a_pin_is_said() -> None:
    """An unknown mode, an end that is no time: in the condition, after what counts."""
    pins = read_pin({PIN: "keep", PIN_UNTIL: "soon"}, NOW)
    status = write(end(subject(pins=pins)))
    told = words(status, "Pinned")
    assert told.startswith("hold; without it: Connected (Eligible); ")
    assert all(problem in told for problem in pins.problems)
    assert len(pins.problems) == 2


def test_a_pin_that_has_ended() -> None:
    """No longer in the status, but the condition says so while its annotation is there."""
    until = NOW - timedelta(hours=1)
    status = write(end(subject(ours, pins=PinReading(expired=Pin(PinMode.HOLD, until=until))), ours))
    assert "pin" not in status
    assert said(status) == {
        "Ready": ("True", "Connected"),
        "Eligible": ("True", "Eligible"),
        "Pinned": ("False", "PinExpired"),
    }
    assert words(status, "Pinned").startswith("ended: hold, until 2026-03-01T02:00:00Z; the annotation")


def test_pins_come_and_go() -> None:
    """Without any annotation there is no condition; the time of its changes is kept; the same pin writes nothing."""
    first = write(end(subject(ours, pins=STAY), ours))
    assert write(end(subject(ours, pins=STAY), ours), first, cycle="c-2", now=LATER) == first
    ended = write(end(subject(ours, pins=PinReading(expired=STAY.pin)), ours), first, now=LATER)
    assert [c["lastTransitionTime"] for c in ended["conditions"] if c["type"] == "Pinned"] == ["2026-03-02T03:00:00Z"]
    over = write(end(subject(ours), ours), ended, now=LATER)
    assert "Pinned" not in said(over)
    assert "pin" not in over


@pytest.mark.parametrize(
    ("settled", "persistent", "reason"),
    [
        pytest.param(end(subject(), failure=UNANSWERED), True, "EstablishFailed", id="establish"),
        pytest.param(end(subject(), failed), True, "EstablishFailed", id="the connection failed"),
        pytest.param(
            end(subject(ours, reason=Reason.REMOVED), ours, failure=NOT_SHUT), True, "CloseFailed", id="close"
        ),
        pytest.param(end(subject(), failure=REFUSED), False, "HashRejected", id="a refused hash"),
    ],
)
def test_failures_that_last(settled: Settled, persistent: bool, reason: str) -> None:  # noqa: FBT001 - a column
    """From so many cycles on a person should look: kstatus sees Stalled, whose reason is no longer the failure's."""
    status: JSON = {}
    for count in range(1, 5):
        status = write(settled, status, cycle=f"c-{count}", persistent=3)
        assert status["failedCycles"] == count
        stalled = said(status).get("Stalled")
        if persistent:
            assert stalled == (("True", "PersistentFailure") if count >= 3 else None)
            assert count < 3 or words(status, "Stalled") == PERSISTENT
        else:
            assert stalled == ("True", "HashRejected")
        assert said(status)["Ready"] == ("False", reason)
    well = write(end(subject(), ours), status, cycle="c-9", persistent=3)
    assert well["failedCycles"] == 0
    assert "Stalled" not in said(well)


def test_what_is_pending_or_held_does_not_stall() -> None:
    """Only failures do, however many there were before."""
    before = {"failedCycles": 9}
    for settled in (end(subject(), pending), settle(hold(decide(subject()), Reason.POLICY_OBSERVE), (), None)):
        assert "Stalled" not in said(write(settled, before))


LEFT: Final = [
    ("the request failed", end(subject(), failure=UNANSWERED), left(subject())),
    ("the connection failed", end(subject(), failed), left(subject(failed), failed)),
    ("not closed", end(subject(ours, reason=Reason.REMOVED), ours, failure=NOT_SHUT),
     left(subject(ours, reason=Reason.REMOVED), ours)),
    ("a changed hash, the old one not closed",
     end(subject(ours, fingerprint=print_of("new")), ours, failure=NOT_SHUT),
     left(subject(ours, fingerprint=print_of("new")), ours)),
    ("stuck", end(subject(), pending, failure=STUCK), left(subject(pending, stuck="c-1"), pending)),
    ("F1.1 has forgotten the failed one", end(subject(), failed), left(subject())),
]  # fmt: skip


@pytest.mark.parametrize(("settled", "later"), [row_[1:] for row_ in LEFT], ids=[row_[0] for row_ in LEFT])
def test_what_is_left_to_the_next_cycle_keeps_what_was_said(settled: Settled, later: Settled) -> None:
    """A drift pass that leaves it writes nothing: the failure, its words and the connection stay as the cycle told."""
    first = write(settled, write(settled, persistent=2), persistent=2)
    assert write(later, first, cycle=None, now=LATER, persistent=2) == first


def test_a_stuck_connection_is_not_forgotten_in_between() -> None:
    """However many drift passes look at it, the cycle knows which connection was watched in vain."""
    status: JSON = {}
    for count in range(1, WATCHED_CYCLES + 1):
        assert stuck_connection(status) is None
        status = write(end(subject(pending), pending, failure=STUCK), status, cycle=f"c-{count}")
    for _ in range(3):
        assert stuck_connection(status) == "c-1"
        status = write(left(subject(pending, stuck="c-1"), pending), status, cycle=None, now=LATER)
    assert stuck_connection(write(end(subject(ours, stuck="c-1"), ours), status)) is None
    assert stuck_connection(write(end(subject(), failed), status)) is None


def test_what_fails_meanwhile_is_said() -> None:
    """A connection that F1.1 lost since the last cycle is no longer Connected, though nothing is tried."""
    well = write(end(subject(ours), ours))
    status = write(left(subject(failed), failed), well, cycle=None, now=LATER)
    assert said(status)["Ready"] == ("False", "EstablishFailed")
    assert (words(status, "Ready"), status["phase"]) == ("try again", "Failed")
    assert status["connection"]["error"]["code"] == "upstream-busy"
    assert (status["failedCycles"], status["lastCycle"]) == (0, "c-1")


@pytest.mark.parametrize(
    "told", [[], [{"type": "Ready", "status": "False", "reason": "OfALaterVersion", "message": ""}]]
)
def test_what_is_left_and_was_never_told(told: list[JSON]) -> None:
    """Without a word of an earlier pass, or one that can be understood: that it is due, and held."""
    before = {"conditions": [{**entry, "lastTransitionTime": "2026-01-01T00:00:00Z"} for entry in told]}
    assert said(write(left(subject()), before, cycle=None))["Ready"] == ("False", "NextCycle")
