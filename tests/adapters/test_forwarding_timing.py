"""Each request to F1.1 is timed for itself, and ends in one of a few words."""

import contextlib
import ssl

import httpx
import pytest

from navixy_operator.core.vocabulary import Operation, Result
from navixy_operator.errors import LeadershipLost, OperatorError
from support.f11_wire import Wired, establish, in_turn, page, problem, shown

ENDS = [
    (httpx.Response(200, json=shown()), Result.SUCCEEDED),
    (httpx.Response(202, json=shown(state="pending")), Result.SUCCEEDED),
    (problem(422, "hash-rejected"), Result.CLIENT_ERROR),
    (problem(409, "open-with-other-hash"), Result.CLIENT_ERROR),
    (httpx.Response(403), Result.CLIENT_ERROR),
    (httpx.Response(429), Result.THROTTLED),
    (httpx.Response(503), Result.SERVER_ERROR),
    (httpx.ReadTimeout("slow"), Result.TIMEOUT),
    (httpx.ConnectError("no"), Result.UNREACHABLE),
    (ssl.SSLCertVerificationError("self-signed"), Result.UNREACHABLE),
    (httpx.Response(200, content=b"x" * 2000), Result.UNREACHABLE),
]


@pytest.mark.parametrize(("answer", "result"), ENDS, ids=repr)
async def test_how_a_request_ends(answer: httpx.Response | Exception, result: Result) -> None:
    """By its status, or by what went wrong: the words of the label ``result``."""
    wired = Wired(in_turn(answer), attempts=1, max_body_bytes=1000)
    with contextlib.suppress(OperatorError):
        await establish(wired)
    assert [timing[:2] for timing in wired.timings] == [(Operation.ESTABLISH, result)]


async def test_repeats_and_pages_count_for_themselves() -> None:
    """A page that failed twice is three requests; the pages of a list are one each; one unchanged is one."""
    found = in_turn(httpx.Response(500), httpx.Response(503), page(shown(), token="t"), page())
    wired = Wired(found)
    await wired.client.connections()
    ends = [Result.SERVER_ERROR, Result.SERVER_ERROR, Result.SUCCEEDED, Result.SUCCEEDED]
    assert [timing[:2] for timing in wired.timings] == [(Operation.LIST, end) for end in ends]
    tagged = httpx.Response(200, json={"items": []}, headers={"etag": '"1"'})
    wired = Wired(in_turn(tagged, httpx.Response(304)))
    await wired.client.listing(await wired.client.listing())
    assert [timing[1] for timing in wired.timings] == [Result.SUCCEEDED] * 2


async def test_what_is_asked() -> None:
    """The words of the label ``operation``."""
    wired = Wired(in_turn(page(), httpx.Response(404), httpx.Response(204)))
    await wired.client.connections_of("A-1")
    assert await wired.client.connection("c1") is None
    assert await wired.client.close_connection("c1")
    asked = [Operation.LIST_OF_CUSTOMER, Operation.GET, Operation.CLOSE]
    assert [timing[0] for timing in wired.timings] == asked


async def test_how_long_it_takes() -> None:
    """From the first byte sent to the last one read; the pauses before a repeat are not in it."""
    left = [(2.0, httpx.Response(503)), (0.5, httpx.Response(200, json=shown()))]

    def answer(_: httpx.Request) -> httpx.Response:
        seconds, response = left.pop(0)
        wired.time.now += seconds
        return response

    wired = Wired(answer)
    await establish(wired)
    assert [timing[2] for timing in wired.timings] == [2.0, 0.5]
    assert wired.time.slept, "there was a pause"


async def test_what_the_fence_holds_back_was_no_request() -> None:
    """Nothing was sent, so nothing is timed."""
    wired = Wired(in_turn(httpx.Response(204)))

    def fence() -> None:
        message = "the lease is gone"
        raise LeadershipLost(message)

    wired.client._wire._fence = fence
    with pytest.raises(LeadershipLost):
        await wired.client.close_connection("c1")
    assert wired.timings == []
