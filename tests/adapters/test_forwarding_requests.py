"""What F1.1's client asks, and what it makes of refusals: wire level, no server."""

import json

import httpx
import pytest

from navixy_operator.core.vocabulary import ConnectionState
from navixy_operator.errors import (
    CloseFailed,
    EstablishFailed,
    EstablishRefused,
    ForwardingProtocolError,
    ForwardingUnavailable,
)
from support.f11_wire import HASH, HTML, TOKEN, Wired, assert_safe, establish, in_turn, page, problem, shown


async def test_establish_sends_what_the_contract_says() -> None:
    """Key and token in headers, the hash in the body alone."""
    wired = Wired(in_turn(httpx.Response(202, json=shown(state="pending"))))
    made = await establish(wired)
    (request,) = wired.requests
    assert (request.method, str(request.url)) == ("POST", "https://f11.test/base/v1/connections")
    assert request.headers["idempotency-key"] == "key-1"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {
        "provider": "navixy",
        "customer_ref": "A-1",
        "hash": HASH.reveal(),
        "origin": "automatic",
    }
    assert HASH.reveal() not in str(request.url) + str(request.headers.raw)
    assert made.state is ConnectionState.PENDING


async def test_list_asks_for_navixy_in_full_pages_and_quotes_tokens() -> None:
    """Tokens are opaque: every character survives the query."""
    token = "a+b/c=&d%20 é#"
    wired = Wired(in_turn(page(shown(), token=token), page(shown(id="c2"), token="")))
    assert [one.id for one in await wired.client.connections()] == ["c1", "c2"]
    first, second = wired.requests
    assert dict(first.url.params) == {"provider": "navixy", "page_size": "1000"}
    assert dict(second.url.params) == {"provider": "navixy", "page_size": "1000", "page_token": token}


@pytest.mark.parametrize("identity", ["c1", "a/b", "a b", "ä", "%2F", "?x=1", "#", "a.b", "...", ";", "+"])
async def test_ids_are_one_segment_of_the_path(identity: str) -> None:
    """Whatever an id holds, it stays one segment."""
    wired = Wired(in_turn(httpx.Response(204)))
    assert await wired.client.close_connection(identity)
    path = wired.requests[0].url.raw_path.decode()
    assert path.startswith("/base/v1/connections/")
    segment = path.removeprefix("/base/v1/connections/")
    assert not set(segment) & set("/?#")
    assert httpx.URL(f"http://x/{segment}").path == f"/{identity}"


@pytest.mark.parametrize("identity", ["", ".", ".."])
async def test_ids_that_would_be_another_path_are_not_sent(identity: str) -> None:
    """Dots alone would delete the parent; nothing is sent."""
    wired = Wired(in_turn(httpx.Response(204)))
    with pytest.raises(CloseFailed):
        await wired.client.close_connection(identity)
    assert not wired.requests


@pytest.mark.parametrize("form", ["{}", "https://f11.test/problems/{}", "urn:f11:{}", "/p#{}"])
@pytest.mark.parametrize("code", ["hash-malformed", "hash-rejected", "account-blocked"])
async def test_refusals_are_permanent(form: str, code: str) -> None:
    """422 with a type of the contract, as any URI reference; not repeated."""
    wired = Wired(in_turn(problem(422, form.format(code))))
    with pytest.raises(EstablishRefused) as caught:
        await establish(wired)
    assert (caught.value.code, caught.value.permanent, len(wired.requests)) == (code, True, 1)
    assert_safe(caught.value)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (problem(409, "open-with-other-hash"), "open-with-other-hash"),
        (problem(409, "something"), "http-409"),
        (problem(422, "something"), "http-422"),
        (problem(422, HASH.reveal()), "http-422"),
        (httpx.Response(422, html="<html>"), "http-422"),
        (httpx.Response(422, json={"type": 5}), "http-422"),
        (httpx.Response(400), "http-400"),
        (httpx.Response(302, headers={"location": "/login"}), "http-302"),
        (httpx.Response(204), "http-204"),
        (HTML, "protocol-error"),
        (httpx.Response(200, json=shown(state="closing")), "protocol-error"),
        (httpx.Response(200, json=shown(customer_ref="A-2")), "protocol-error"),
        (httpx.Response(200, json=shown(provider="other")), "protocol-error"),
    ],
)
async def test_other_answers_to_establish_touch_one_customer_and_only_now(answer: httpx.Response, code: str) -> None:
    """Not permanent, not repeated, and the code is never F1.1's free text."""
    wired = Wired(in_turn(answer))
    with pytest.raises(EstablishFailed) as caught:
        await establish(wired)
    assert (caught.value.code, caught.value.permanent, len(wired.requests)) == (code, False, 1)
    assert_safe(caught.value)


async def test_a_key_in_progress_is_asked_again() -> None:
    """Same key later, until it is answered."""
    wired = Wired(in_turn(problem(409, "in-progress"), problem(409, "in-progress"), httpx.Response(200, json=shown())))
    assert (await establish(wired)).id == "c1"
    assert wired.time.slept


async def test_a_key_for_ever_in_progress_ends() -> None:
    """Bounded."""
    wired = Wired(in_turn(problem(409, "in-progress")))
    with pytest.raises(EstablishFailed) as caught:
        await establish(wired)
    assert (caught.value.code, len(wired.requests)) == ("http-409", 6)


@pytest.mark.parametrize(("status", "closed"), [(202, False), (204, True), (404, True)])
async def test_close(status: int, closed: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """Closed for certain, or closing."""
    assert await Wired(in_turn(httpx.Response(status))).client.close_connection("c1") is closed


@pytest.mark.parametrize("status", [200, 302, 400, 409])
async def test_other_answers_to_close_fail(status: int) -> None:
    """Never taken for closed, never repeated."""
    wired = Wired(in_turn(httpx.Response(status)))
    with pytest.raises(CloseFailed) as caught:
        await wired.client.close_connection("c1")
    assert (caught.value.code, len(wired.requests)) == (f"http-{status}", 1)


async def test_one_connection() -> None:
    """A look at one: there, or not known."""
    wired = Wired(in_turn(httpx.Response(200, json=shown()), httpx.Response(404), HTML, httpx.Response(503)))
    found = await wired.client.connection("c1")
    assert found is not None
    assert found.id == "c1"
    assert await wired.client.connection("c1") is None
    with pytest.raises(ForwardingProtocolError):
        await wired.client.connection("c1")
    with pytest.raises(ForwardingUnavailable):
        await wired.client.connection("c1")


async def test_a_reference_that_is_no_unicode_fails_alone() -> None:
    """A lone surrogate cannot be sent; nothing is."""
    wired = Wired(in_turn(httpx.Response(202, json=shown())))
    with pytest.raises(EstablishFailed) as caught:
        await wired.client.establish("\ud800", HASH, key="k")
    assert (caught.value.code, wired.requests) == ("not-unicode", [])
