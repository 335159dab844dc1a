"""F1.1's list as it was told once, its ETag, and one customer's part of it: wire level, no server."""

import httpx
import pytest

from navixy_operator.errors import ForwardingProtocolError, ForwardingUnavailable
from navixy_operator.ports import Listing
from support.f11_wire import Wired, in_turn, page, problem, shown

UNCHANGED = httpx.Response(304)


def tagged(response: httpx.Response, etag: str) -> httpx.Response:
    """The same answer with an ETag."""
    response.headers["etag"] = etag
    return response


def asked(wired: Wired) -> list[str | None]:
    """If-None-Match of each request."""
    return [request.headers.get("if-none-match") for request in wired.requests]


async def test_what_has_not_changed_is_known() -> None:
    """304 gives back the very listing; the ETag goes with the first page alone."""
    wired = Wired(
        in_turn(
            tagged(page(shown(), token="1"), '"v1"'),
            tagged(page(shown(id="c2")), '"page-2"'),
            UNCHANGED,
            tagged(page(shown(), token="1"), 'W/"v2"'),
            page(),
        )
    )
    first = await wired.client.listing()
    assert ([one.id for one in first.connections], first.etag) == (["c1", "c2"], '"v1"')
    assert await wired.client.listing(first) is first
    second = await wired.client.listing(first)
    assert ([one.id for one in second.connections], second.etag) == (["c1"], 'W/"v2"')
    assert asked(wired) == [None, None, '"v1"', '"v1"', None]


async def test_the_etag_is_the_start_of_the_list_that_was_read() -> None:
    """A token expires, the list starts over: its own first page counts, not the one before, and is asked for anew."""
    wired = Wired(
        in_turn(
            tagged(page(shown(id="old"), token="1"), '"v1"'),
            problem(400, "page-token-expired"),
            tagged(page(shown(), token="2"), '"v2"'),
            tagged(page(), '"v3"'),
        )
    )
    known = Listing((), '"v0"')
    found = await wired.client.listing(known)
    assert ([one.id for one in found.connections], found.etag) == (["c1"], '"v2"')
    assert asked(wired) == ['"v0"', None, '"v0"', None]


async def test_a_start_over_may_find_that_nothing_changed() -> None:
    """What is known counts as long as F1.1 says so."""
    first = tagged(page(shown(), token="1"), '"v1"')
    wired = Wired(in_turn(first, problem(400, "page-token-expired"), UNCHANGED))
    known = Listing((), '"v0"')
    assert await wired.client.listing(known) is known


async def test_a_start_over_without_an_etag_has_none() -> None:
    """The first start's does not stand in for it."""
    first = tagged(page(shown(), token="1"), '"v1"')
    wired = Wired(in_turn(first, problem(400, "page-token-expired"), page(shown())))
    assert (await wired.client.listing()).etag is None


@pytest.mark.parametrize("etag", ["", "*", "v1", '"', '"a"b"', '"a", "b"', '"ä"', "'v1'", f'"{"x" * 1001}"'])
async def test_what_is_no_etag_is_not_sent_back(etag: str) -> None:
    """Least of all ``*``, which whatever there is would match."""
    given = httpx.Response(200, json={"items": []}, headers=[(b"etag", etag.encode("latin-1"))])
    wired = Wired(in_turn(given))
    found = await wired.client.listing()
    assert found.etag is None
    assert await wired.client.listing(found) == found
    await wired.client.listing(Listing((), etag))
    assert asked(wired) == [None, None, None]


@pytest.mark.parametrize("known", [None, Listing(())])
async def test_304_that_was_not_asked_for(known: Listing | None) -> None:
    """Outside the contract: there is no list that it could speak of."""
    wired = Wired(in_turn(UNCHANGED))
    with pytest.raises(ForwardingProtocolError, match="page 1: the answer has status 304"):
        await wired.client.listing(known)


async def test_304_of_a_later_page() -> None:
    """Only the first page may say that nothing has changed."""
    wired = Wired(in_turn(tagged(page(shown(), token="1"), '"v2"'), UNCHANGED))
    with pytest.raises(ForwardingProtocolError, match="page 2: the answer has status 304"):
        await wired.client.listing(Listing((), '"v1"'))


async def test_a_known_list_does_not_stand_in_for_a_failed_one() -> None:
    """Unavailable is unavailable."""
    with pytest.raises(ForwardingUnavailable):
        await Wired(in_turn(httpx.Response(503))).client.listing(Listing((), '"v1"'))


async def test_one_customers_connections() -> None:
    """Asked for by reference, in pages; another's that come along are dropped."""
    ref = "A 1/ü&x=%+"
    wired = Wired(
        in_turn(
            page(shown(customer_ref=ref), shown(id="c2", customer_ref=None), token="1"),
            page(shown(id="c3", customer_ref=f"{ref} "), shown(id="c4", customer_ref=ref, state="disconnected")),
        )
    )
    assert [one.id for one in await wired.client.connections_of(ref)] == ["c1", "c4"]
    first, second = wired.requests
    asked_for = {"provider": "navixy", "page_size": "1000", "customer_ref": ref}
    assert dict(first.url.params) == asked_for
    assert dict(second.url.params) == {**asked_for, "page_token": "1"}
    assert asked(wired) == [None, None]


async def test_a_reference_that_is_no_unicode_has_no_connections() -> None:
    """A lone surrogate is in no JSON; nothing is sent."""
    wired = Wired(in_turn(page(shown())))
    assert (await wired.client.connections_of("\ud800"), wired.requests) == ([], [])


async def test_one_customers_list_may_fail_as_the_whole() -> None:
    """The same errors; the customer is not in them."""
    with pytest.raises(ForwardingUnavailable) as caught:
        await Wired(in_turn(httpx.Response(503))).client.connections_of("A-1")
    assert "A-1" not in str(caught.value)
