"""Approvals: names of closes, the digest over them, and every answer that an annotation gets."""

import re
from datetime import timedelta
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navixy_operator.core.approval import TOKEN_LENGTH, VALID, Approval, digest, members, read_approval, token
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.vocabulary import APPROVE_CLOSES
from support.builders import NOW
from support.models import fits_cycle
from support.strategies import quick

JSON = dict[str, Any]
TOKENS: Final = sorted({token("acme", "c-1"), token("beta", "c-2"), token(None, "c-3")})
DIGEST: Final = digest(TOKENS)


def test_tokens() -> None:
    """Eight plain characters, the same each time, others for each other close."""
    closes = [("acme", "c-1"), ("acme", "c-2"), ("beta", "c-1"), (None, "c-1"), ("c-1", "acme"), ("acme\tc-1", "")]
    found = [token(*close) for close in closes]
    assert all(re.fullmatch(f"[A-Za-z0-9_-]{{{TOKEN_LENGTH}}}", one) for one in found)
    assert len(set(found)) == len(found)
    assert found == [token(*close) for close in closes]
    assert token("\ud800", "Ü") != token("\ud801", "Ü"), "references of any characters have one"


def test_nobodys_connection_has_a_token() -> None:
    """The report has no reference for it, or an empty one: both are the same close."""
    assert token(None, "c-1") == token("", "c-1")


def test_digest() -> None:
    """16 hex characters over the list, in whatever order; another list has another."""
    assert re.fullmatch("[0-9a-f]{16}", DIGEST)
    mixed = list(TOKENS)
    Random(1).shuffle(mixed)  # noqa: S311 - an order, not a secret
    assert digest(mixed) == digest(iter(TOKENS[::-1])) == DIGEST
    others = [[], TOKENS[:-1], [*TOKENS, token("acme", "c-9")], [token("acme", "c-9"), *TOKENS[1:]]]
    assert len({digest(other) for other in others} | {DIGEST}) == len(others) + 1


@pytest.mark.parametrize("count", [0, 1, 100_000])
def test_members_round_trip(count: int) -> None:
    """The whole list is in the status, however long, and the model takes it."""
    tokens = {token(f"customer-{number}", f"connection-{number}") for number in range(count)}
    assert len(tokens) == count, "no two of them are named alike"
    written = "".join(sorted(tokens))
    assert members(written) == tokens
    assert len(written) == count * TOKEN_LENGTH
    held = {"digest": digest(tokens), "count": count, "reason": "MassClose", "members": written}
    assert fits_cycle({"heldCloses": held})
    assert digest(members(written)) == held["digest"]


def status(*, ended: timedelta | None = timedelta(hours=-1), **changes: Any) -> JSON:
    """A SyncCycle that holds three closes and ended an hour ago, but for what is given."""
    held = {"digest": DIGEST, "count": 3, "reason": "EmptyDatabase", "members": "".join(TOKENS), **changes}
    found: JSON = {"phase": "completed", "heldCloses": {key: value for key, value in held.items() if value is not None}}
    if ended is not None:
        found["completionTime"] = timestamp(NOW + ended)
    assert fits_cycle(found)
    return found


def read(written: str | None, found: JSON) -> Approval | str | None:
    """The answer to an annotation."""
    annotations = {"example.com/approve-closes": DIGEST}
    return read_approval("main-1", annotations | ({} if written is None else {APPROVE_CLOSES: written}), found, NOW)


APPROVED: Final = Approval("main-1", frozenset(TOKENS))
WITHOUT: Final[JSON] = {"phase": "completed", "completionTime": timestamp(NOW)}

ANSWERS: Final = [
    ("the digest of the list", DIGEST, status(), APPROVED),
    ("spaces around it", f" {DIGEST}\n", status(), APPROVED),
    ("at once", DIGEST, status(ended=timedelta(0)), APPROVED),
    ("exactly 24 hours after the cycle", DIGEST, status(ended=-VALID), APPROVED),
    ("a second later", DIGEST, status(ended=-VALID - timedelta(seconds=1)), "more than 24 hours after the cycle"),
    ("days later", DIGEST, status(ended=timedelta(days=-9)), "more than 24 hours after the cycle"),
    ("before the cycle has ended", DIGEST, status(ended=None), "more than 24 hours after the cycle"),
    ("no annotation", None, status(), None),
    ("no annotation, nothing held", None, WITHOUT, None),
    ("used up", DIGEST, status(approvedAt=timestamp(NOW)), None),
    ("used up, and another one written", "0" * 16, status(approvedAt=timestamp(NOW)), None),
    ("nothing held", DIGEST, WITHOUT, "this cycle holds no closes"),
    ("a cycle that has not begun", DIGEST, {}, "this cycle holds no closes"),
    ("an empty one", "", status(), f"whose digest is {DIGEST}"),
    ("another digest", "0" * 16, status(), f"whose digest is {DIGEST}"),
    ("in capitals", DIGEST.upper(), status(), f"whose digest is {DIGEST}"),
    ("yes", "yes", status(), f"whose digest is {DIGEST}"),
    ("the list was changed", DIGEST, status(members="".join(TOKENS[:2])), "not the one that its digest was made of"),
    ("the list has more", DIGEST, status(members="".join(TOKENS) + "AAAAAAAA"), "not the one that its digest"),
    ("the list is cut within an entry", DIGEST, status(members="".join(TOKENS)[:-1]), "not the one that its digest"),
    ("no list", DIGEST, status(members=None), "not the one that its digest was made of"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "found", "answer"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_answer(written: str | None, found: JSON, answer: Approval | str | None) -> None:
    """The approved closes, or in words why it does not count, or that there is nothing to say."""
    said = read(written, found)
    if isinstance(answer, str):
        assert isinstance(said, str)
        assert answer in said
        assert fits_cycle({**found, "approvalRefusal": said})
    else:
        assert said == answer


def test_the_order_of_the_list_does_not_matter() -> None:
    """It is the closes that are approved, not the way they are written down."""
    assert read(DIGEST, status(members="".join(TOKENS[::-1]))) == APPROVED


@quick
@given(st.text(st.characters()), st.text(max_size=40))
def test_anything_is_answered(written: str, listed: str) -> None:
    """Whatever somebody writes into the annotation or the list: an answer, and never an approval by chance."""
    assert isinstance(read(written, status()), str)
    assert isinstance(read(DIGEST, {**status(), "heldCloses": {**status()["heldCloses"], "members": listed}}), str)


SPEC: Final = {"customerRef": "acme"}
OWN: Final = token("acme", "c-1")


@pytest.mark.parametrize(
    ("connection", "tokens", "accepts"),
    [
        pytest.param(None, set(), True, id="no connection was ever told"),
        pytest.param({"state": "failed", "error": {"code": "x"}}, set(), True, id="one that never came about"),
        pytest.param({"id": "c-1", "state": "disconnected"}, set(), True, id="closed already"),
        pytest.param({"id": "c-1", "state": "connected"}, {OWN}, True, id="approved"),
        pytest.param({"id": "c-1", "state": "failed"}, {OWN}, True, id="approved, failed since"),
        pytest.param({"id": "c-1", "state": "connected"}, set(), False, id="not in the list"),
        pytest.param({"id": "c-2", "state": "connected"}, {OWN}, False, id="another connection by now"),
        pytest.param({"id": "c-1", "state": "pending"}, {token("beta", "c-1")}, False, id="another customer's"),
    ],
)
def test_the_end_of_a_customer(connection: JSON | None, tokens: set[str], accepts: bool) -> None:  # noqa: FBT001 - a column
    """Who is gone is marked so where the close is approved, or there is nothing to close: the guard has its answer."""
    status = {} if connection is None else {"connection": connection}
    assert Approval("main-1", frozenset(tokens)).accepts_end_of(SPEC, status) is accepts
