"""What F1.1's client reads, and what it does not accept: wire level, no server."""

import gzip
import json

import httpx
import pytest

from navixy_operator.core.vocabulary import Origin
from navixy_operator.errors import (
    ForwardingProtocolError,
    ForwardingUnavailable,
)
from support.f11_wire import HASH, HTML, Wired, in_turn, page, problem, shown


async def test_optional_fields_may_be_absent_and_unknown_ones_are_ignored() -> None:
    """Only what the contract promises is needed."""
    wired = Wired(in_turn(page(shown(), shown(id="c2", customer_ref=None, more={"x": 1}, error=None, origin="manual"))))
    first, second = await wired.client.connections()
    assert (first.fingerprint, first.error, first.customer_ref) == (None, None, "A-1")
    assert (second.customer_ref, second.origin) == (None, Origin.MANUAL)


@pytest.mark.parametrize(
    ("told", "read"),
    [
        ("0123456789abcdef", "0123456789abcdef"),
        ("0123456789ABCDEF", "0123456789abcdef"),
        (None, None),
        ("", None),
        ("0123456789abcde", None),
        ("0123456789abcdef0", None),
        ("0123456789abcdeg", None),
        ("0123456789abcdef\n", None),
        ("sha256:012345678", None),
        ("\u0660123456789abcdef", None),
    ],
)
async def test_a_fingerprint_of_another_form_is_not_told(told: str | None, read: str | None) -> None:
    """Taken for another hash's it would cost the customer the connection."""
    (one,) = await Wired(in_turn(page(shown(hash_fingerprint=told)))).client.connections()
    assert one.fingerprint == read


async def test_other_providers_are_left_out_unread() -> None:
    """Another provider's connection may have any form."""
    wired = Wired(in_turn(page(shown(), {"provider": "other", "state": "weird"})))
    assert [one.id for one in await wired.client.connections()] == ["c1"]


async def test_the_later_sight_wins() -> None:
    """By updated_at, else by page; the place in the list stays."""
    pages = (
        page(shown(state="pending"), shown(id="c2", state="pending"), shown(id="c3", state="failed"), token="1"),
        page(
            shown(state="connected", updated_at="2026-01-02T03:04:06Z"),
            shown(id="c2", state="connected"),
            shown(id="c3", state="connected", updated_at="2026-01-02T03:04:04Z"),
        ),
    )
    found = await Wired(in_turn(*pages)).client.connections()
    assert [(one.id, one.state.value) for one in found] == [
        ("c1", "connected"),
        ("c2", "connected"),
        ("c3", "failed"),
    ]


async def test_short_and_empty_pages_do_not_end_the_list() -> None:
    """Only an absent or empty token ends it."""
    wired = Wired(in_turn(page(token="1"), page(shown(), token="2"), page(token="3"), page(shown(id="c2"))))
    assert len(await wired.client.connections()) == 2


async def test_a_compressed_answer_is_read() -> None:
    """Gzip is asked for and undone."""
    body = gzip.compress(json.dumps({"items": [shown()]}).encode())
    wired = Wired(in_turn())
    wired._answers = lambda _: httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(body))
    assert len(await wired.client.connections()) == 1


async def test_an_error_of_a_connection_never_shows_a_hash() -> None:
    """F1.1 may quote the hash in its message."""
    error = {"code": "rejected", "message": f"hash {HASH.reveal()} expired", "permanent": True}
    (one,) = await Wired(in_turn(page(shown(state="failed", error=error)))).client.connections()
    assert one.error
    assert (one.error.code, one.error.message, one.error.permanent) == ("rejected", "hash [masked] expired", True)


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (5, "not an object"),
        *[({k: v for k, v in shown().items() if k != name}, f"{name} is missing") for name in shown()],
        *[(shown(**{name: 5}), f"{name} is not a string") for name in shown()],
        (shown(state="closing"), "state is none of pending, connected, disconnected, failed"),
        (shown(origin="f13"), "origin is none of"),
        (shown(id=""), "id is empty"),
        (shown(id=".."), "id is empty, or only dots"),
        (shown(id=None), "id is not a string"),
        (shown(created_at="yesterday"), "created_at is not a time"),
        (shown(updated_at="2026-01-02T03:04:05"), "updated_at is a time without an offset"),
        (shown(hash_fingerprint=7), "hash_fingerprint is not a string"),
        (shown(error="bad"), "error is not an object"),
        (shown(error={"permanent": "yes"}), "error is not"),
    ],
)
async def test_an_item_outside_the_contract_fails_the_list(item: object, says: str) -> None:
    """The message names page, item and field, never the value."""
    with pytest.raises(ForwardingProtocolError) as caught:
        await Wired(in_turn(page(shown(id="ok"), token="1"), page(shown(), item))).client.connections()
    text = str(caught.value)
    assert f"page 2: items[1]: {says}" in text.replace("the connection is ", "")
    assert "f11.test/base/v1/connections" in text
    assert "closing" not in text
    assert "yesterday" not in text


@pytest.mark.parametrize(
    "text", ["2026-01-02t03:04:05z", "2026-01-02T03:04:05.123456789+05:30", "2016-12-31T23:59:60Z"]
)
async def test_every_form_of_rfc_3339_is_read(text: str) -> None:
    """Lower case, nanoseconds, leap seconds."""
    (one,) = await Wired(in_turn(page(shown(updated_at=text)))).client.connections()
    assert one.updated_at.tzinfo


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (HTML, "not JSON (Content-Type text/html)"),
        (httpx.Response(200, content=b"{", headers={"content-type": HASH.reveal()}), "Content-Type unknown"),
        (httpx.Response(200, json=[]), "not a JSON object"),
        (httpx.Response(200, json={}), "items is missing"),
        (httpx.Response(200, json={"items": {}}), "items is not an array"),
        (httpx.Response(200, json={"items": [], "next_page_token": 5}), "next_page_token is not a string"),
        (httpx.Response(301, headers={"location": "https://evil.test/"}), "has status 301"),
        (httpx.Response(304), "has status 304"),
        (httpx.Response(404, html="<html>"), "has status 404"),
        (problem(400, "invalid"), "has status 400"),
        (page(*[shown(id=str(n)) for n in range(60)], token="x"), "more than 50 items: the list never ends"),
        (httpx.Response(200, content=b" " * 20001), "more than 20000 bytes"),
    ],
)
async def test_answers_outside_the_contract(answer: httpx.Response, says: str) -> None:
    """What is wrong and where, without the body; and no repeat, no redirect followed."""
    wired = Wired(in_turn(answer), max_items=50, max_body_bytes=20000)
    with pytest.raises(ForwardingProtocolError) as caught:
        await wired.client.connections()
    assert says in str(caught.value)
    assert "f11.test/base/v1/connections" in str(caught.value)
    assert HASH.reveal() not in str(caught.value)
    assert len(wired.requests) == 1


async def test_a_token_seen_before_ends_the_patience() -> None:
    """A list that goes round in circles."""
    wired = Wired(in_turn(page(token="1"), page(token="2"), page(token="1")))
    with pytest.raises(ForwardingProtocolError, match=r"page 3: .*given before: the list never ends"):
        await wired.client.connections()


async def test_a_list_of_ever_new_pages_ends() -> None:
    """Bounded by pages."""
    count = iter(range(10**9))
    wired = Wired(lambda _: page(token=str(next(count))), max_pages=7)
    with pytest.raises(ForwardingProtocolError, match="more than 7 pages: the list never ends"):
        await wired.client.connections()
    assert len(wired.requests) == 7


async def test_an_expired_token_starts_over_and_forgets() -> None:
    """What was seen before the restart does not count."""
    wired = Wired(
        in_turn(page(shown(id="old"), token="1"), problem(400, "https://x/problems/page-token-expired"), page(shown()))
    )
    assert [one.id for one in await wired.client.connections()] == ["c1"]


async def test_tokens_that_always_expire_end() -> None:
    """Bounded restarts, and time mends it."""
    wired = Wired(lambda r: problem(400, "page-token-expired") if "page_token" in r.url.params else page(token="1"))
    with pytest.raises(ForwardingUnavailable, match="expire 4 times"):
        await wired.client.connections()
    assert len(wired.requests) == 8
