"""What F1.1's client repeats, and when it stops: wire level, no server, no real waiting."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from navixy_operator.adapters.forwarding import ForwardingSettings
from navixy_operator.errors import (
    CloseFailed,
    EstablishFailed,
    ForwardingUnavailable,
    InvalidSpec,
)
from support.f11_wire import URL, Wired, assert_safe, establish, in_turn, page, problem, shown

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
    changes: dict[str, Any] = {name: value}
    with pytest.raises(InvalidSpec, match="must be greater than 0"):
        replace(ForwardingSettings(url=URL), **changes)
