"""Single values of a row: every odd one a database can give."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from navixy_operator.core.model import DEFAULT_HASH_PATTERN, NavixyHash
from navixy_operator.core.reading import read_gateways, read_hash, read_reference, read_state, read_text, show
from navixy_operator.core.vocabulary import CustomerState, Reason
from support.builders import hash_of

PATTERN = re.compile(DEFAULT_HASH_PATTERN)
HASH = hash_of("acme")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, None, id="NULL"),
        pytest.param("", None, id="empty"),
        pytest.param(" \t\n\u00a0 ", None, id="blank"),
        pytest.param("  acme ", "acme", id="spaces around"),
        pytest.param(b" acme ", "acme", id="bytes"),
        pytest.param(memoryview("Ü".encode()), "Ü", id="memoryview"),
        pytest.param(b"\xff\xfe", None, id="bytes that are no UTF-8"),
        pytest.param(7, "7", id="int"),
        pytest.param(10**5000, None, id="int beyond what Python writes"),
        pytest.param([10**5000], None, id="list of such"),
        pytest.param(date(2026, 1, 2), "2026-01-02", id="date"),
        pytest.param(Decimal("sNaN"), "sNaN", id="signalling NaN"),
    ],
)
def test_text(value: object, text: str | None) -> None:
    """Whatever a column holds becomes trimmed text or nothing."""
    assert read_text(value) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param(None, "NULL", id="NULL"),
        pytest.param("  ", "blank", id="blank"),
        pytest.param(b"", "blank", id="blank bytes"),
        pytest.param(b"\xff", "(a value that is no text)", id="no UTF-8"),
        pytest.param("activ", '"activ"', id="short"),
        pytest.param("x" * 41, '"' + "x" * 40 + '…"', id="cut"),
        pytest.param("a\nb\ud800", '"a�b�"', id="control characters and surrogates"),
        pytest.param(HASH, "(a value that looks like a hash and is not shown)", id="hash"),
        pytest.param(HASH.upper(), "(a value that looks like a hash and is not shown)", id="upper-case hash"),
        pytest.param(f"<{HASH[:16]}>", "(a value that looks like a hash and is not shown)", id="16 hex characters"),
        pytest.param(int("1" * 20), "(a value that looks like a hash and is not shown)", id="long number"),
        pytest.param(b"zyxw" * 4 + b"1", "(a value that looks like a hash and is not shown)", id="key that is no hex"),
        pytest.param("wrong-but-only-words", '"wrong-but-only-words"', id="words"),
    ],
)
def test_show(value: object, shown: str) -> None:
    """What is quoted in a message is short, printable, and never what may be a credential."""
    assert show(value) == shown


@pytest.mark.parametrize(
    "reference",
    ["acme", "ACME", "a/b_c", "x" * 300, "x" * 1024, "Клиент № 7", "ё" * 1024, "a b", "-", ".", "0", HASH],
    ids=lambda value: value[:20],
)
def test_reference_is_taken_as_it_is(reference: str) -> None:
    """Length, case, separators and script do not matter: the reference is the database's own."""
    assert read_reference(f" {reference} ", NavixyHash(hash_of("other")), None, PATTERN) == (reference, "")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        pytest.param(None, "NULL", id="NULL"),
        pytest.param(" ", "blank", id="blank"),
        pytest.param(b"\xff", "no text", id="no UTF-8"),
        pytest.param("x" * 1025, "longer than 1024", id="1025 characters"),
        pytest.param("a\x00b", "control", id="NUL"),
        pytest.param("a\nb", "control", id="line break"),
        pytest.param("a\u200bb", "invisible", id="zero-width space"),
        pytest.param("a\udc80", "control", id="surrogate"),
    ],
)
def test_reference_that_names_nobody(value: object, problem: str) -> None:
    """A row whose reference cannot be used is said to be so, in words."""
    ref, message = read_reference(value, None, Reason.MISSING_HASH, PATTERN)
    assert ref is None
    assert problem in message


@pytest.mark.parametrize("columns", [(HASH, HASH), (HASH, "acme"), (HASH, "3"), (HASH, HASH[:31])])
def test_hash_in_the_place_of_the_reference(columns: tuple[str, str]) -> None:
    """Columns in each other's place: the credential becomes nobody's name, and no message repeats it."""
    customer_ref, navixy_hash = columns
    ref, message = read_reference(customer_ref, *read_hash(navixy_hash, PATTERN), PATTERN)
    assert ref is None
    assert HASH not in message
    assert "each other's place" in message


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ("active", CustomerState.ACTIVE),
        ("Active ", CustomerState.ACTIVE),
        (" SUSPENDED", CustomerState.SUSPENDED),
        (b"Removed", CustomerState.REMOVED),
    ],
)
def test_state(value: object, state: CustomerState) -> None:
    """Spaces and case of a state do not matter."""
    assert read_state(value) == (state, "")


@pytest.mark.parametrize(
    "value", [None, "", "unknown", "aktive", 1, True, b"\xff", "active\x00", HASH, "active,removed"]
)
def test_state_that_does_not_exist(value: object) -> None:
    """Any other state is a problem that names the states there are, and never a credential."""
    state, problem = read_state(value)
    assert state is None
    assert problem.endswith("is none of active, suspended, removed")
    assert HASH not in problem


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (None, 0),
        (0, 0),
        (3, 3),
        (3.0, 3),
        (-0.0, 0),
        (Decimal(3), 3),
        (Decimal("3E+2"), 300),
        ("+3 ", 3),
        (b"12", 12),
        (2**31 - 1, 2**31 - 1),
    ],
    ids=repr,
)
def test_gateways(value: object, count: int) -> None:
    """A whole number of any type of the database; NULL is none."""
    assert read_gateways(value) == (count, "")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (-1, "is negative"),
        ("-1", "is negative"),
        (2**31, "is beyond belief"),
        (10**400, "is beyond belief"),
        (10**5000, "is beyond belief"),
        (-(10**30), "is negative"),
        (1.5, "is not a whole number"),
        (float("nan"), "is not a whole number"),
        (float("inf"), "is not a whole number"),
        (Decimal("NaN"), "is not a whole number"),
        (Decimal("sNaN"), "is not a whole number"),
        (Decimal("Infinity"), "is not a whole number"),
        (Decimal("1E+999999"), "is not a whole number"),
        (Decimal("0.5"), "is not a whole number"),
        (True, "is not a whole number"),
        ("", "is not a whole number"),
        ("three", "is not a whole number"),
        ("\u0663", "is not a whole number"),
        ("9" * 19, "is not a whole number"),
        (HASH, "is not a whole number"),
        ([3], "is not a whole number"),
    ],
    ids=lambda value: repr(value)[:30] if not isinstance(value, int) or value < 10**400 else "huge",
)
def test_gateways_that_are_no_count(value: object, problem: str) -> None:
    """Everything else is a problem in words, without a long number in it."""
    count, message = read_gateways(value)
    assert count is None
    assert message.endswith(problem)
    assert not re.search("[0-9A-Fa-f]{16}", message)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(HASH, None, id="valid"),
        pytest.param(f"  {HASH}\n", None, id="spaces around"),
        pytest.param(HASH.encode(), None, id="bytes"),
        pytest.param(None, Reason.MISSING_HASH, id="NULL"),
        pytest.param("", Reason.MISSING_HASH, id="empty"),
        pytest.param(" \t", Reason.MISSING_HASH, id="blank"),
        pytest.param(b"  ", Reason.MISSING_HASH, id="blank bytes"),
        pytest.param(b"\xff\xfe", Reason.INVALID_HASH, id="bytes that are no UTF-8"),
        pytest.param("ABCDEF" + HASH[6:], Reason.INVALID_HASH, id="upper case"),
        pytest.param(HASH[:31], Reason.INVALID_HASH, id="31 characters"),
        pytest.param(HASH + "0", Reason.INVALID_HASH, id="33 characters"),
        pytest.param(f"{HASH}\n{HASH}", Reason.INVALID_HASH, id="two lines"),
        pytest.param("0x" + HASH[2:], Reason.INVALID_HASH, id="0x"),
        pytest.param("\uff10" * 32, Reason.INVALID_HASH, id="full-width digits"),
        pytest.param(0, Reason.INVALID_HASH, id="number"),
    ],
)
def test_hash(value: Any, reason: Reason | None) -> None:
    """A hash is what the pattern matches wholly, trimmed; else it is missing or malformed."""
    found, why = read_hash(value, PATTERN)
    assert why is reason
    assert (found is not None) is (reason is None)
    if found is not None:
        assert found.reveal() == HASH


def test_hash_pattern_is_a_setting() -> None:
    """Another form of hash is taken where the NavixySync says so, and matched wholly."""
    pattern = re.compile("[A-Z]{4}")
    assert read_hash("ABCD", pattern)[1] is None
    assert read_hash("ABCDE", pattern)[1] is Reason.INVALID_HASH


def test_hash_never_shows_itself() -> None:
    """Neither repr, str, format nor pickling gives the credential away."""
    secret = NavixyHash(HASH)
    assert HASH not in f"{secret!r} {secret} {[secret]}"
    with pytest.raises(TypeError, match="never serialized"):
        secret.__reduce__()
