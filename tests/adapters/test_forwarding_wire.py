"""F1.1's client against answers that the simulator does not give: wire level, no server, no real waiting."""

import asyncio
import gzip
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from navixy_operator.adapters.forwarding import ForwardingSettings, HttpForwarding
from navixy_operator.core.model import Connection, NavixyHash
from navixy_operator.core.vocabulary import ConnectionState, Origin
from navixy_operator.errors import (
    CloseFailed,
    CustomerError,
    EstablishFailed,
    EstablishRefused,
    ForwardingProtocolError,
    ForwardingUnauthorized,
    ForwardingUnavailable,
    InvalidSpec,
    OperatorError,
)
from support.f11 import FakeTime

TOKEN = "s3cret-token"
HASH = NavixyHash("0123456789abcdef0123456789abcdef")
URL = "https://f11.test/base/"
Answers = Callable[[httpx.Request], httpx.Response]


def shown(**changes: Any) -> dict[str, Any]:
    """A connection as F1.1 shows it, with only the required fields."""
    return {
        "id": "c1",
        "provider": "navixy",
        "customer_ref": "A-1",
        "state": "connected",
        "origin": "automatic",
        "created_at": "2026-01-02T03:04:05Z",
        "updated_at": "2026-01-02T03:04:05Z",
        **changes,
    }


def problem(status: int, kind: str, **headers: str) -> httpx.Response:
    """An error of F1.1, with the hash in its text, as careless services do."""
    body = {"type": kind, "title": "no", "detail": f"{HASH.reveal()} is no good"}
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json", **headers})


class Wired:
    """A client whose requests a function answers, on a clock that takes no time."""

    def __init__(self, answers: Answers, **settings: Any) -> None:
        self.requests: list[httpx.Request] = []
        self.time = FakeTime()
        self.tokens = [TOKEN]
        self.readings: list[bool] = []
        self._answers = answers
        self.client = HttpForwarding(
            ForwardingSettings(**{"url": URL, "rate_per_second": 1e9, **settings}),
            self._token,
            transport=httpx.MockTransport(self._answer),
            clock=self.time.clock,
        )

    async def _token(self, fresh: bool) -> str:  # noqa: FBT001 - the provider's signature
        self.readings.append(fresh)
        return self.tokens[-1 if fresh else 0]

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        await asyncio.sleep(0)  # as on a wire, others go on meanwhile
        return self._answers(request)


def in_turn(*answers: httpx.Response | Exception) -> Answers:
    """One answer after the other; the last one for ever."""
    left = list(answers)

    def answer(_: httpx.Request) -> httpx.Response:
        one = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(one, Exception):
            raise one
        # a fresh copy: a response can be read once
        return httpx.Response(one.status_code, headers=one.headers, content=one.content)

    return answer


def page(*items: Any, token: str | None = None) -> httpx.Response:
    """A page of the list."""
    return httpx.Response(200, json={"items": items} | ({} if token is None else {"next_page_token": token}))


async def establish(wired: Wired) -> Connection:
    """Establish for customer A-1."""
    return await wired.client.establish("A-1", HASH, key="key-1")


# what is asked


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


# what is read


async def test_optional_fields_may_be_absent_and_unknown_ones_are_ignored() -> None:
    """Only what the contract promises is needed."""
    wired = Wired(in_turn(page(shown(), shown(id="c2", customer_ref=None, more={"x": 1}, error=None, origin="manual"))))
    first, second = await wired.client.connections()
    assert (first.fingerprint, first.error, first.customer_ref) == (None, None, "A-1")
    assert (second.customer_ref, second.origin) == (None, Origin.MANUAL)


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


HTML = httpx.Response(200, html=f"<html>{HASH.reveal()}</html>")


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


# what is repeated

BROKEN = (
    httpx.ConnectError("no"),
    httpx.ReadTimeout("slow"),
    httpx.RemoteProtocolError("cut"),
    ssl.SSLCertVerificationError("self-signed"),
    ConnectionResetError("reset"),
    httpx.Response(500, html="<html>"),
    httpx.Response(503),
    httpx.Response(429),
)


@pytest.mark.parametrize("failure", BROKEN, ids=repr)
async def test_passing_failures_are_repeated(failure: httpx.Response | Exception) -> None:
    """Twice failed, then answered; the same key each time."""
    wired = Wired(in_turn(failure, failure, httpx.Response(200, json=shown())))
    assert (await establish(wired)).id == "c1"
    assert [request.headers["idempotency-key"] for request in wired.requests] == ["key-1"] * 3
    assert await Wired(in_turn(failure, failure, page())).client.connections() == []
    assert await Wired(in_turn(failure, failure, failure, httpx.Response(204))).client.close_connection("c1")


@pytest.mark.parametrize("failure", BROKEN, ids=repr)
async def test_lasting_failures_end(failure: httpx.Response | Exception) -> None:
    """Each call gives its own error after a bounded number of attempts, and blames no secret."""
    wired = Wired(in_turn(failure))
    with pytest.raises(ForwardingUnavailable) as listing:
        await wired.client.connections()
    assert len(wired.requests) == 6
    with pytest.raises(EstablishFailed) as establishing:
        await establish(wired)
    assert len(wired.requests) == 12
    with pytest.raises(CloseFailed) as closing:
        await wired.client.close_connection("c1")
    assert len(wired.requests) == 16  # once, and three repeats
    for caught in (listing, establishing, closing):
        assert_safe(caught.value)
        assert "f11.test/base/v1/connections" in str(caught.value)


async def test_retry_after_is_honoured_and_capped() -> None:
    """The pauses are what F1.1 asks for, at most 30 s, plus a little jitter."""
    wired = Wired(
        in_turn(problem(429, "x", **{"retry-after": "5"}), problem(503, "x", **{"retry-after": "900"}), page())
    )
    await wired.client.connections()
    assert sum(wired.time.slept) == pytest.approx(35.5)


async def test_a_pause_holds_the_other_calls_too() -> None:
    """429 speaks to all of us."""
    first = iter([problem(429, "x", **{"retry-after": "20"})])
    wired = Wired(lambda _: next(first, None) or httpx.Response(204), concurrency=1)
    moments: list[float] = []

    async def close(identity: str) -> None:
        await wired.client.close_connection(identity)
        moments.append(wired.time.now - 1000)

    await asyncio.gather(*[close(str(n)) for n in range(5)])
    assert min(moments) >= 20
    assert len(wired.requests) == 6


async def test_a_retry_after_beyond_the_bound_ends_at_once() -> None:
    """No use to wait for what would come too late."""
    wired = Wired(in_turn(problem(503, "x", **{"retry-after": "20"})), establish_timeout_seconds=10)
    with pytest.raises(EstablishFailed) as caught:
        await establish(wired)
    assert (len(wired.requests), caught.value.code, wired.time.slept) == (1, "http-503", [])


async def test_an_answer_that_never_comes_is_a_timeout() -> None:
    """One attempt is bounded even where the bytes trickle."""

    class Trickle(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                await asyncio.sleep(0.005)
                yield b" "

    wired = Wired(lambda _: httpx.Response(200, stream=Trickle()), timeout_seconds=0.03, attempts=1)
    with pytest.raises(EstablishFailed, match=r"not answered within 0\.03 s") as caught:
        await establish(wired)
    assert caught.value.code == "timeout"


async def test_cancellation_goes_through() -> None:
    """A stop is no failure to be repeated."""

    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(3600)
        raise AssertionError

    wired = Wired(in_turn(page()))
    wired.client._wire._transport = httpx.MockTransport(never)
    task = asyncio.create_task(wired.client.connections())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


# what F1.1 refuses


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


# the token

CALLS: dict[str, Callable[[Wired], Any]] = {
    "connections": lambda wired: wired.client.connections(),
    "establish": establish,
    "close": lambda wired: wired.client.close_connection("c1"),
    "connection": lambda wired: wired.client.connection("c1"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("status", "requests", "readings"), [(401, 1, [False, True]), (403, 1, [False])])
async def test_a_refused_token_blames_no_customer(call: str, status: int, requests: int, readings: list[bool]) -> None:
    """401 reads the Secret once more; unchanged, the pass ends. 403 ends at once."""
    wired = Wired(in_turn(problem(status, "x")))
    with pytest.raises(ForwardingUnauthorized) as caught:
        await CALLS[call](wired)
    assert not isinstance(caught.value, CustomerError)
    assert (len(wired.requests), wired.readings) == (requests, readings)
    assert "forwarding.tokenSecretRef" in str(caught.value)
    assert_safe(caught.value)


async def test_a_renewed_token_is_used() -> None:
    """The Secret has changed: the same call goes through, and so do those after it, without reading again."""
    wired = Wired(
        lambda r: page() if r.headers["authorization"] == "Bearer new" else problem(401, "x"),
    )
    wired.tokens = [TOKEN, "new"]
    await wired.client.connections()
    await wired.client.connections()
    assert (len(wired.requests), wired.readings) == (3, [False, True])


async def test_many_refusals_at_once_read_the_secret_once() -> None:
    """Sixteen calls in flight, one reading, whether it helps or not."""
    for new in ("new", TOKEN):
        wired = Wired(
            lambda r: httpx.Response(204) if r.headers["authorization"] == "Bearer new" else problem(401, "x")
        )
        wired.tokens = [TOKEN, new]
        results = await asyncio.gather(
            *[wired.client.close_connection(str(n)) for n in range(16)], return_exceptions=True
        )
        assert wired.readings == [False, True]
        assert {type(one) for one in results} == ({bool} if new == "new" else {ForwardingUnauthorized})


async def test_a_secret_mended_later_is_found() -> None:
    """A refusal is not for ever: the next pass reads the Secret again."""
    wired = Wired(lambda r: page() if r.headers["authorization"] == "Bearer new" else problem(401, "x"))
    with pytest.raises(ForwardingUnauthorized):
        await wired.client.connections()
    wired.tokens = [TOKEN, "new"]
    assert await wired.client.connections() == []


@pytest.mark.parametrize("token", ["", "  \n", "two words", "line\nbreak", "ключ"])
async def test_a_token_no_header_can_carry_is_refused(token: str) -> None:
    """Said before anything is sent; the token itself is not."""
    wired = Wired(in_turn(page()))
    wired.tokens = [token]
    with pytest.raises(ForwardingUnauthorized, match="empty or has characters") as caught:
        await wired.client.connections()
    assert not wired.requests
    assert not token.strip() or token not in str(caught.value)


# limits and settings


async def test_requests_in_flight_are_bounded() -> None:
    """Never more than the concurrency."""
    flying = most = 0

    async def answer(_: httpx.Request) -> httpx.Response:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(0.001)
        flying -= 1
        return httpx.Response(204)

    wired = Wired(in_turn(page()), concurrency=5)
    wired.client._wire._transport = httpx.MockTransport(answer)
    await asyncio.gather(*[wired.client.close_connection(str(n)) for n in range(40)])
    assert most == 5


@pytest.mark.parametrize(
    "url",
    [
        "",
        "f11.example.com",
        "ftp://f11.example.com",
        "http://",
        "http://[::1",
        "http://host:port",
        "http://user:pa55word@f11.example.com",
        "https://f11.example.com/?token=pa55word",
        "https://f11.example.com/#pa55word",
        "http://\x00",
    ],
)
def test_a_url_that_cannot_be_used_is_said_so(url: str) -> None:
    """At construction, with what to give instead, and without repeating it."""
    with pytest.raises(InvalidSpec, match=r"forwarding\.url") as caught:
        ForwardingSettings(url=url)
    assert "pa55word" not in str(caught.value)


@pytest.mark.parametrize("name", ["concurrency", "rate_per_second", "timeout_seconds", "establish_timeout_seconds"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_limits_must_be_positive(name: str, value: float) -> None:
    """A limit of nothing would wait for ever."""
    with pytest.raises(InvalidSpec, match="must be greater than 0"):
        replace(ForwardingSettings(url=URL), **{name: value})


def assert_safe(error: OperatorError) -> None:
    """Neither token nor hash in the error, its causes or its context."""
    chain: list[BaseException] = [error]
    while (link := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(link)
    for one in chain:
        assert TOKEN not in repr(one)
        assert HASH.reveal() not in repr(one)
