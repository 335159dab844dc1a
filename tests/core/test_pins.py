"""Pins: what the annotations say, whatever somebody wrote there."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navixy_operator.api.customer import CustomerPin
from navixy_operator.core.pins import NO_PIN, Pin, PinReading, read_pin, unheeded
from navixy_operator.core.vocabulary import PIN, PIN_BY, PIN_REASON, PIN_UNTIL, PinMode
from support.builders import NOW, hash_of
from support.models import fits
from support.strategies import quick

NAMES: Final = {"reason": PIN_REASON, "by": PIN_BY, "until": PIN_UNTIL}


def annotations(mode: str, **more: str) -> dict[str, str]:
    """The annotations of a pin, beside one of somebody else's."""
    return {"example.com/pin": "x", PIN: mode, **{NAMES[name]: value for name, value in more.items()}}


def read(mode: str = "hold", **more: str) -> PinReading:
    """What the annotations say now."""
    return read_pin(annotations(mode, **more), NOW)


@pytest.mark.parametrize(
    ("mode", "written"),
    [
        (mode, written)
        for mode in PinMode
        for written in (mode.value, mode.value.upper(), mode.value.title(), f" {mode.value}\n")
    ],
)
def test_mode(mode: PinMode, written: str) -> None:
    """Every mode, in any case, spaces around it or not."""
    assert read(written) == PinReading(Pin(mode))


@pytest.mark.parametrize("written", ["", " ", "on", "connect!", "connect,hold", "Ümlaut", "\x00", "x" * 5000])
def test_an_unknown_mode_counts_as_hold(written: str) -> None:
    """What cannot be understood leaves the connection as it is, and is said with the modes there are."""
    found = read(written)
    assert found.pin == Pin(PinMode.HOLD)
    (problem,) = found.problems
    assert "none of connect, disconnect, hold" in problem
    assert len(problem) < 200


def test_a_hash_in_the_annotation_is_not_repeated() -> None:
    """Whatever is pasted there: no message shows a credential."""
    found = read(hash_of("acme"), until=hash_of("beta"))
    said = "".join(found.problems)
    assert len(found.problems) == 2
    assert hash_of("acme") not in said
    assert hash_of("beta") not in said


def test_no_pin() -> None:
    """Without the annotation itself the others say nothing."""
    assert read_pin({}, NOW) is NO_PIN
    assert read_pin({PIN_REASON: "why", PIN_BY: "anna", PIN_UNTIL: "2026-01-01T00:00:00Z"}, NOW) is NO_PIN


ENDS: Final = {
    "2026-03-01T03:00:01Z": timedelta(seconds=1),
    "2026-03-01T03:00:00Z": timedelta(0),
    "2026-03-01T02:59:59Z": timedelta(seconds=-1),
    "2026-03-01T03:00:00.000001Z": timedelta(microseconds=1),
    "2026-03-01T03:00:00.123456789Z": timedelta(microseconds=123_456),
    "2026-03-01T03:00:00.5+00:00": timedelta(seconds=0.5),
    "2026-03-01t03:00:30z": timedelta(seconds=30),
    " 2026-03-01T03:00:30Z\n": timedelta(seconds=30),
    "2026-03-01T05:00:00+02:00": timedelta(0),
    "2026-03-01T05:00:00+01:30": timedelta(minutes=30),
    "2026-02-28T21:00:00-07:00": timedelta(hours=1),
    "2026-03-01T03:00:01-00:00": timedelta(seconds=1),
    "9999-12-31T23:59:59Z": datetime.max.replace(tzinfo=UTC, microsecond=0) - NOW,
    "0001-01-01T00:00:00Z": datetime.min.replace(tzinfo=UTC) - NOW,
}


@pytest.mark.parametrize("written", ENDS)
def test_until(written: str) -> None:
    """An end in the future counts; from that very moment on the pin does not, and is told as what it was."""
    until = NOW + ENDS[written]
    pin = Pin(PinMode.HOLD, until=until)
    assert read(until=written) == (PinReading(pin) if until > NOW else PinReading(expired=pin))
    assert read_pin(annotations("hold", until=written), until) == PinReading(expired=pin)


NO_ENDS: Final = [
    "", "tomorrow", "2026-03-02", "2026-03-02T03:00:00", "2026-03-02 03:00:00Z", "2026-03-02T03:00Z", "1772334000",
    "2026-03-02T24:00:00Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-03-02T03:00:60Z",
    "2026-03-02T03:00:00+25:00", "2026-03-02T03:00:00+24:00", "2026-03-02T03:00:00.Z", "٢٠٢٦-03-02T03:00:00Z",
    "9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+01:00", "2026-03-02T03:00:00Z and longer", "x" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("written", NO_ENDS, ids=lambda text: text[:30])
def test_an_end_that_is_no_time(written: str) -> None:
    """The pin counts without an end, and that is said: a typing error must not end what a person wants."""
    found = read("disconnect", until=written)
    assert (found.pin, found.expired) == (Pin(PinMode.DISCONNECT), None)
    (problem,) = found.problems
    assert "no time of RFC 3339" in problem
    assert len(problem) < 250


def test_both_can_be_odd() -> None:
    """Each problem is told; an unknown mode that has ended no longer counts either."""
    assert len(read("on", until="soon").problems) == 2
    ended = read("on", until="2026-03-01T03:00:00Z")
    assert (ended.pin, ended.expired, len(ended.problems)) == (None, Pin(PinMode.HOLD, until=NOW), 1)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("moves house", "moves house"),
        (" spaces ", "spaces"),
        ("", None),
        (" \n", None),
        ("two\nlines\tand\x1b[31m red", "two lines and [31m red"),
        ("\u202eolleh\ud800", "olleh"),
        ("й" * 5000, "й" * 1024),
    ],
    ids=["plain", "spaces", "empty", "blank", "control characters", "what is not printed", "long"],
)
def test_texts(written: str, kept: str | None) -> None:
    """Why and by whom, cleaned and cut, so that a status and a log line can bear it."""
    assert read(reason=written, by=written).pin == Pin(PinMode.HOLD, kept, kept)


def test_to_status() -> None:
    """As status.pin has it: what is not said left out, the end in UTC to the second."""
    full = read("connect", reason="audit", by="anna", until="2026-03-01T06:00:00.75+02:00").pin
    assert full is not None
    assert full.to_status() == {"mode": "connect", "reason": "audit", "by": "anna", "until": "2026-03-01T04:00:00Z"}
    assert Pin(PinMode.HOLD).to_status() == {"mode": "hold"}


@pytest.mark.parametrize(
    ("pin", "words"),
    [
        (Pin(PinMode.HOLD), "hold"),
        (Pin(PinMode.CONNECT, by="anna"), "connect, by anna"),
        (Pin(PinMode.CONNECT, "audit", None, NOW), "connect, until 2026-03-01T03:00:00Z: audit"),
        (Pin(PinMode.DISCONNECT, "a", "b", NOW), "disconnect, by b, until 2026-03-01T03:00:00Z: a"),
    ],
    ids=str,
)
def test_in_words(pin: Pin, words: str) -> None:
    """One line for people."""
    assert pin.in_words() == words


HEEDED: Final[dict[str, Any]] = {"mode": "hold", "by": "anna", "insteadOf": {"reason": "Suspended"}}


@pytest.mark.parametrize(
    ("given_", "status", "asks"),
    [
        pytest.param({}, {}, False, id="never pinned"),
        pytest.param({}, {"pin": None}, False, id="null in the status"),
        pytest.param(annotations("hold", by="anna"), {}, True, id="new"),
        pytest.param(annotations("hold", by="anna"), {"pin": HEEDED}, False, id="heeded, whatever it stands before"),
        pytest.param(annotations("HOLD ", by=" anna"), {"pin": HEEDED}, False, id="the same, otherwise written"),
        pytest.param(annotations("connect", by="anna"), {"pin": HEEDED}, True, id="another mode"),
        pytest.param(annotations("hold", by="berta"), {"pin": HEEDED}, True, id="another person"),
        pytest.param(annotations("hold"), {"pin": HEEDED}, True, id="nobody's any more"),
        pytest.param(annotations("keep", by="anna"), {"pin": HEEDED}, False, id="an unknown mode is hold already"),
        pytest.param({}, {"pin": HEEDED}, True, id="removed"),
        pytest.param(annotations("hold", until="2026-03-01T03:00:00Z"), {"pin": HEEDED}, True, id="ended"),
        pytest.param(annotations("hold", until="2026-03-01T03:00:00Z"), {}, False, id="ended, and heeded so"),
        pytest.param(
            annotations("hold", until="2026-03-01T04:00:00.9Z"),
            {"pin": {"mode": "hold", "until": "2026-03-01T04:00:00Z"}},
            False,
            id="fractions are not in the status",
        ),
    ],
)
def test_unheeded(given_: dict[str, str], status: dict[str, Any], asks: bool) -> None:  # noqa: FBT001 - a column
    """Somebody must act where the annotations say something else than the status says was heeded, and only there."""
    assert unheeded(given_, status, NOW) is asks


@quick
@given(st.dictionaries(st.sampled_from((PIN, PIN_BY, PIN_REASON, PIN_UNTIL)), st.text(st.characters())))
def test_anything_is_read(written: dict[str, str]) -> None:
    """Whatever somebody wrote: a pin or none, in a status that the API server takes, and heeded once it is told."""
    found = read_pin(written, NOW)
    assert (found.pin is None) is (PIN not in written or found.expired is not None)
    for pin in filter(None, (found.pin, found.expired)):
        assert fits(CustomerPin, pin.to_status())
        assert pin.in_words()
    told = {} if found.pin is None else {"pin": {**found.pin.to_status(), "insteadOf": {"reason": "Eligible"}}}
    assert not unheeded(written, told, NOW)


@quick
@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_any_time_is_read(moment: datetime) -> None:
    """Every moment with an offset that RFC 3339 can write is an end, or is said to be none; nothing raises."""
    found = read("connect", until=moment.isoformat())
    counts = found.pin or found.expired
    assert counts is not None
    if not found.problems:
        assert counts.until is not None
        assert (counts.until <= NOW) is (found.pin is None)
        assert fits(CustomerPin, counts.to_status())
